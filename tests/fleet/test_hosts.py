"""Workers on hosts of their own, beat and commands on another, servers on one more: what befalls a
host, or the way to it, costs time, and no figure."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.fleet import ARCHIVES
from tests.support.host_fleet import HostFleet
from tests.support.hosts import Host


@pytest.fixture
def one(fleet: HostFleet) -> Host:
    return fleet.servers.world.host("one")


def test_a_run_over_hosts_publishes_what_one_machine_would(
    fleet: HostFleet, expected: dict[str, bytes]
) -> None:
    for name in ("one", "two"):
        fleet.worker(name)
    fleet.beat()
    done = fleet.run()
    assert done.returncode == 0, done.stderr
    assert fleet.csvs() == expected


@pytest.mark.long
def test_a_host_that_is_cut_off_is_done_without_and_works_again_later(
    fleet: HostFleet, one: Host, expected: dict[str, bytes]
) -> None:
    fleet.plan_fault(ARCHIVES[0], "pause")
    fleet.worker("one")
    command = fleet.run_in_background()
    fleet.reached(ARCHIVES[0])
    one.cut_off()
    fleet.lift_fault(ARCHIVES[0])  # it goes on, and reaches nobody
    second = fleet.worker("two")
    fleet.finish(command)
    assert fleet.csvs() == expected
    one.connect()
    assert fleet.stop(second) == 0
    again = fleet.run("run", "--full", "--json")  # by the one that was away
    assert again.returncode == 0, again.stderr
    assert fleet.csvs() == expected


@pytest.mark.long
def test_a_redis_that_is_silent_for_a_while_is_waited_for(
    fleet: HostFleet, expected: dict[str, bytes]
) -> None:
    fleet.plan_fault(ARCHIVES[0], "pause")
    for name in ("one", "two"):
        fleet.worker(name)
    fleet.beat()
    command = fleet.run_in_background()
    fleet.reached(ARCHIVES[0])
    fleet.servers.silence_redis()
    try:
        fleet.lift_fault(ARCHIVES[0])
        time.sleep(10)  # which is the subject
    finally:
        fleet.servers.wake_redis()
    fleet.finish(command)
    assert fleet.csvs() == expected


@pytest.fixture
def a_way_to_the_store_again(fleet: HostFleet, one: Host) -> Iterator[None]:
    """From one of the hosts, after the test, there is one again."""
    yield
    one.can_reach(fleet.store)


@pytest.mark.long
def test_a_host_that_does_not_reach_the_store_leaves_the_work_to_others(
    fleet: HostFleet, one: Host, a_way_to_the_store_again: None, expected: dict[str, bytes]
) -> None:
    fleet.plan_fault(ARCHIVES[0], "pause")
    fleet.worker("one")
    command = fleet.run_in_background()
    fleet.reached(ARCHIVES[0])
    one.cannot_reach(fleet.store)
    fleet.lift_fault(ARCHIVES[0])
    fleet.worker("two")
    fleet.finish(command)
    assert fleet.csvs() == expected


@pytest.mark.long
def test_the_work_of_a_host_that_lost_its_power_is_done_by_others(
    fleet: HostFleet, one: Host, expected: dict[str, bytes]
) -> None:
    fleet.plan_fault(ARCHIVES[0], "pause")
    fleet.worker("one")
    command = fleet.run_in_background()
    fleet.reached(ARCHIVES[0])
    one.kill()
    fleet.lift_fault(ARCHIVES[0])
    fleet.worker("two")
    fleet.finish(command)
    assert fleet.csvs() == expected


@pytest.mark.long
def test_a_network_that_is_slow_and_loses_packets_changes_nothing(
    fleet: HostFleet, one: Host, expected: dict[str, bytes]
) -> None:
    if not one.slow_down("delay", "75ms", "loss", "1%"):
        pytest.skip("this system has no netem, which delays and loses packets")
    try:
        for name in ("one", "two"):
            fleet.worker(name)
        done = fleet.run()
    finally:
        one.speed_up()
    assert done.returncode == 0, done.stderr
    assert fleet.csvs() == expected


@pytest.mark.long
def test_workers_come_and_go_while_a_run_is_under_way(
    fleet: HostFleet, expected: dict[str, bytes]
) -> None:
    for name in ARCHIVES[:2]:
        fleet.plan_fault(name, "pause")
    first = fleet.worker("one")
    command = fleet.run_in_background()
    fleet.reached(ARCHIVES[0])
    second = fleet.worker("two")
    fleet.reached(ARCHIVES[1])
    for name in ARCHIVES[:2]:
        fleet.lift_fault(name)
    assert fleet.stop(first) == 0
    fleet.worker("three")
    assert fleet.stop(second) == 0
    fleet.finish(command)
    assert fleet.csvs() == expected
