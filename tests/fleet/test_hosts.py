"""Workers on hosts of their own, beat and commands on another, servers on one more: what befalls a
host, or the way to it, costs time, and no figure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.support.fleet import ARCHIVES
from tests.support.host_clock import clock_ahead
from tests.support.host_fleet import HostFleet
from tests.support.hosts import Host
from tests.support.processes import eventually
from tests.support.slow_cable import slow_cable

# A publication that asks for one thing after the other takes some 20 s then.
FAR_AWAY = {
    "SALES_LEASE": "10",
    "SALES_STALL_AFTER": "20",
    "SALES_TASK_SOFT_TIME_LIMIT": "90",
    "SALES_TASK_TIME_LIMIT": "100",
    "SALES_VISIBILITY_TIMEOUT": "110",
}


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
    fleet: HostFleet, expected: dict[str, bytes]
) -> None:
    """Whatever anybody asks of the servers: 150 ms there and back, one packet of a hundred lost."""
    fleet.env |= FAR_AWAY
    with slow_cable(fleet.servers.host, 0.075, 0.01) as cable:
        for name in ("one", "two"):
            fleet.worker(name)
        done = fleet.run()
    assert done.returncode == 0, done.stderr
    assert fleet.csvs() == expected
    assert cable.lost
    assert cable.carried > 50 * cable.lost


@pytest.mark.long
@pytest.mark.parametrize("is_first", [True, False])
def test_a_host_whose_clock_is_five_minutes_ahead_changes_nothing(
    fleet: HostFleet, expected: dict[str, bytes], *, is_first: bool
) -> None:
    """Whether it has work when another comes, or comes when another has work, which seems to be
    late to it by far: as long as messages are visible no sooner than that."""
    fleet.env["SALES_VISIBILITY_TIMEOUT"] = "2400"
    ahead = clock_ahead(fleet.folder, 300)
    fleet.plan_fault(ARCHIVES[0], "pause")
    fleet.worker("one", **(ahead if is_first else {}))
    command = fleet.run_in_background()
    fleet.reached(ARCHIVES[0])
    fleet.worker("two", **({} if is_first else ahead))
    eventually(lambda: fleet.log_lines("two", "archive_processed"), "two to work", 120)
    fleet.lift_fault(ARCHIVES[0])
    fleet.finish(command)
    assert fleet.csvs() == expected
    checked = fleet.run("doctor")
    assert re.search(r"The clock of \S+@(one|two) is (29|30)\d s ahead", checked.stdout)


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
