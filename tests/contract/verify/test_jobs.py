"""verify in several processes: the same as in one, and what becomes of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from pipeline_core.errors import RetryableError
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Outcome
from pipeline_core.storage import open_storage
from pipeline_core.verify import Verification, verify
from pipeline_core.verify.children import children
from pipeline_core.verify.judge import Rules
from tests.contract.verify.test_verify import ARCHIVES, CUSTOMERS, PRODUCTS
from tests.support.archives import Shop, archive_zip, day_zip, write_shop
from tests.support.run import run_local, sales

MANY = {
    **ARCHIVES,
    "week 3.zip": ARCHIVES["week 1.zip"],
    "week 4.zip": b"no zip",
    **{
        f"week {number}.zip": archive_zip({"2024-03-01.zip": day_zip({"a.json": sales(number)})})
        for number in range(5, 12)
    },
}


@pytest.fixture
def run(tmp_path: Path) -> Outcome:
    return run_local(_shop(tmp_path), tmp_path)


def _shop(folder: Path) -> Shop:
    return write_shop(folder / "shop", MANY, CUSTOMERS, PRODUCTS)


def _verified(folder: Path, run: Outcome, jobs: int) -> Verification:
    found = verify(str(folder / "state"), run.run_id, jobs=jobs)
    return msgspec.structs.replace(found, seconds=0)


def _counting() -> list[psutil.Process]:
    """Processes of a fork server of this one, but those that are dead and only not buried yet."""
    found = []
    for server in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            for child in server.children():
                with suppress(psutil.NoSuchProcess):
                    if child.status() != psutil.STATUS_ZOMBIE:
                        found.append(child)
    return found


def test_two_processes_say_what_one_says(tmp_path: Path, run: Outcome) -> None:
    found = _verified(tmp_path, run, 2)
    assert found == _verified(tmp_path, run, 1)
    assert (found.agrees, found.archives) == (True, len(MANY))
    assert not _counting()


def test_the_first_difference_is_the_same(tmp_path: Path, run: Outcome) -> None:
    for number in (7, 9):
        path = tmp_path / "shop" / "data" / f"week {number}.zip"
        path.write_bytes(MANY["week 5.zip"])
    found = _verified(tmp_path, run, 2)
    assert found == _verified(tmp_path, run, 1)
    assert found.difference is not None
    assert found.difference.place == "week 7.zip"
    assert not _counting()


def test_parts_are_told_of_archive_by_archive(tmp_path: Path, run: Outcome) -> None:
    told: list[int] = []
    found = verify(
        str(tmp_path / "state"), run.run_id, jobs=2, part_done=lambda events, _: told.append(events)
    )
    assert sum(told) >= found.events


def test_a_process_that_is_ended_is_said_to_be(tmp_path: Path, run: Outcome) -> None:
    def end_them() -> None:
        for child in _counting():
            with suppress(psutil.NoSuchProcess):
                child.kill()

    with pytest.raises(RetryableError, match="ended from outside"):
        verify(str(tmp_path / "state"), run.run_id, jobs=2, archive_done=end_them)
    assert not _counting()


def test_ctrl_c_ends_all_of_them(tmp_path: Path, run: Outcome) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(str(tmp_path / "state"), run.run_id, jobs=2, archive_done=interrupt)
    assert not _counting()


def test_what_holds_too_much_is_not_handed_over(tmp_path: Path, run: Outcome) -> None:
    state = open_storage(str(tmp_path / "state"))
    manifest, _ = RunLedger(state, run.run_id).published()
    rules = Rules.of(load_snapshot(state, manifest.dimensions_digest), manifest.options)
    names = [f"week {number}.zip" for number in range(5, 12)]
    with children(rules, manifest.options, manifest.data, names, 2, most_held=0) as ahead:
        first = ahead.found(names[0])
        assert first is not None
        assert first.is_large
        assert first.archive is None
        assert ahead.found(names[-1]) is None
