"""A host that is sick, of a temporary folder that really is full or of little memory: others do its
work."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.archives import write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PRODUCTS, archive
from tests.support.host_fleet import HostFleet, Servers, host_fleet, report_of
from tests.support.processes import eventually

# So that also small days are unpacked to temporary files.
UNPACKED = {"SALES_BATCH_SIZE": "1"}
FILL = "cat /dev/zero > {room}/filled; test -s {room}/filled"


def _worker_without_room(fleet: HostFleet, name: str) -> None:
    """On a host of which the temporary folder, a disk of its own, is filled to the last byte."""
    room = fleet.folder / f"small-{name}"
    room.mkdir()
    world = fleet.servers.world
    world.small_disk(room, "80m")
    fleet.worker(name, TMPDIR=str(room))
    world.do("sh", "-c", FILL.format(room=room))


def test_a_host_without_room_leaves_the_work_to_others_and_is_named(
    fleet: HostFleet, expected: dict[str, bytes]
) -> None:
    fleet.env |= UNPACKED
    _worker_without_room(fleet, "one")
    faults = fleet.folder / "faults-two"
    faults.mkdir()
    for name in ARCHIVES:
        (faults / name).write_text("pause")  # so that something is left for the other
    fleet.worker("two", SALES_TEST_FAULTS=str(faults))
    command = fleet.run_in_background()
    eventually(lambda: fleet.log_lines("one", "worker_takes_no_work"), "one to stand aside", 120)
    for name in ARCHIVES:
        (faults / name).unlink()
    fleet.finish(command)
    assert fleet.csvs() == expected
    (told,) = fleet.log_lines("one", "worker_takes_no_work")
    assert "on one takes no work" in told["cause"]
    assert "No space left on device" in told["cause"]
    checked = fleet.run("doctor")
    assert "0 MiB free for temporary files" in checked.stdout


def _begun_on(fleet: HostFleet, name: str) -> Path:
    """Starts a worker that stops at the first archive it opens; returns that archive's fault, which
    is of this host alone."""
    faults = fleet.folder / f"faults-{name}"
    faults.mkdir()
    for archive_name in ARCHIVES:
        (faults / archive_name).write_text("pause")
    fleet.worker(name, SALES_TEST_FAULTS=str(faults))
    reached = eventually(lambda: list(faults.glob("*.reached")), f"work on {name}", 120)[0]
    for path in faults.iterdir():
        if path.name not in {reached.name, reached.stem}:
            path.unlink()
    return faults / reached.stem


@pytest.mark.long
def test_an_archive_that_ends_the_workers_of_one_host_is_done_by_another(
    fleet: HostFleet, expected: dict[str, bytes]
) -> None:
    command = fleet.run_in_background()
    victim = _begun_on(fleet, "one")
    held = _begun_on(fleet, "two")
    reached = victim.with_name(f"{victim.name}.reached")
    victim.write_text("kill")  # whoever opens it there, as for want of memory
    fleet.servers.world.do("kill", "-KILL", reached.read_text())
    eventually(lambda: fleet.log_lines("one", "worker_takes_no_work"), "one to stand aside", 120)
    held.unlink()
    fleet.finish(command)
    assert fleet.csvs() == expected
    (told,) = fleet.log_lines("one", "worker_takes_no_work")
    assert "ended 3 attempts on this host, and no other tried it" in told["cause"]


@pytest.mark.long
def test_a_run_of_300_archives_with_a_sick_host_takes_about_as_long(
    running: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it would without that host: how much longer is printed, and not asserted."""
    archives = {f"events_{number:03}.zip": archive(1 + number % 50) for number in range(300)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    expected = report_of(shop, tmp_path / "expected")
    seconds = []
    for is_sick in (False, True):
        folder = tmp_path / ("sick" if is_sick else "well")
        folder.mkdir()
        with host_fleet(running, shop.data, folder, UNPACKED) as fleet:
            if is_sick:
                _worker_without_room(fleet, "one")
            fleet.worker("two")
            began = time.monotonic()
            done = fleet.run()
            seconds.append(time.monotonic() - began)
            assert done.returncode == 0, done.stderr
            assert fleet.csvs() == expected
    well, sick = seconds
    with capsys.disabled():
        print(  # noqa: T201  (what it is for)
            f"\n300 archives: {well:.1f} s by one worker, {sick:.1f} s beside a host whose TMPDIR "
            f"is full: {sick / well:.2f} times"
        )
