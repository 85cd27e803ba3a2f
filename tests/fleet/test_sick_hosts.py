"""A host that is sick, of a temporary folder that really is full or of little memory: others do its
work."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import pytest

from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PRODUCTS
from tests.support.host_fleet import HostFleet, Servers, host_fleet, report_of
from tests.support.processes import eventually

# So that also small days are unpacked to temporary files.
UNPACKED = {"SALES_BATCH_SIZE": "1"}
_ROUNDS = 3
# What it had when it found out, and what had arrived by then.
_TAKEN = 2
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
    assert len(fleet.received("one")) <= _TAKEN, "a look takes nothing, nor does it try again"
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


def _distinct(number: int) -> bytes:
    """Thirty purchases that no other number has, so that each archive is work of its own."""
    events = [
        purchase(f"c{(each * number) % 33}", f"p{(each + number) % 21}", 1 + number)
        for each in range(30)
    ]
    day = f"{date(2023, 1, 1) + timedelta(days=number)}.zip"
    return archive_zip({day: day_zip({"part-001.json": part(events)})})


@pytest.mark.long
@pytest.mark.timeout(900)  # six runs, each of half a minute where a machine does nothing else
def test_a_run_of_300_archives_with_a_sick_host_takes_about_as_long(
    running: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it would without that host: how much longer, by the median of rounds in turn, is printed,
    and not asserted; what the sick host took is."""
    archives = {f"events_{number:03}.zip": _distinct(number) for number in range(300)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    expected = report_of(shop, tmp_path / "expected")
    seconds: dict[str, list[float]] = {"well": [], "sick": []}
    for number in range(_ROUNDS):
        for which, taken in seconds.items():
            folder = tmp_path / f"{which}-{number}"
            folder.mkdir()
            with host_fleet(running, shop.data, folder, UNPACKED) as fleet:
                if which == "sick":
                    _worker_without_room(fleet, "one")
                fleet.worker("two")
                began = time.monotonic()
                done = fleet.run()
                taken.append(time.monotonic() - began)
                assert done.returncode == 0, done.stderr
                assert fleet.csvs() == expected
                if which == "sick":
                    assert len(fleet.received("one")) <= _TAKEN
    well, sick = (median(each) for each in seconds.values())
    with capsys.disabled():
        print(  # noqa: T201  (what it is for)
            f"\n300 archives, {_ROUNDS} rounds in turn: {well:.1f} s by one worker, {sick:.1f} s "
            f"beside a host whose TMPDIR is full: {sick / well:.2f} times "
            f"({', '.join(f'{b / a:.2f}' for a, b in zip(*seconds.values(), strict=True))})"
        )
