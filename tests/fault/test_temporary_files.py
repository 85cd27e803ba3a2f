"""What killed workers leave in the folder of temporary files, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.support.fleet import ARCHIVES, Fleet, kill_tree
from tests.support.processes import eventually


def test_what_killed_workers_left_is_cleared_and_what_others_use_is_not(
    ships: Fleet, expected: dict[str, bytes], tmp_path: Path
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "sales-of-somebody").mkdir()
    ships.plan_fault(ARCHIVES[0], "pause")
    killed = ships.worker(concurrency=1, TMPDIR=str(room))
    command = ships.run_in_background("run", "--json")
    child = ships.reached(ARCHIVES[0])
    (place,) = room.glob(f"sales-worker-*/{child}")
    (place / "half-a-day").write_bytes(b"x" * 1000)  # in use when it is killed
    psutil.Process(child).kill()
    eventually(lambda: not place.exists(), "what the child left to be removed")
    child = ships.reached(ARCHIVES[0])
    (place,) = room.glob(f"sales-worker-*/{child}")
    (place / "half-a-day").write_bytes(b"x" * 1000)
    kill_tree(killed)
    assert place.exists()
    ships.lift_fault(ARCHIVES[0])
    ships.worker(concurrency=1, TMPDIR=str(room))
    (cleared,) = ships.log_lines("temporary_files_cleared")
    assert cleared["folders"] == [place.parent.name]
    ships.worker(concurrency=1, TMPDIR=str(room))  # clears nothing of the one that lives
    assert len(list(room.glob("sales-worker-*"))) == 2
    assert not place.exists()
    _, err = command.communicate(timeout=120)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    assert (room / "sales-of-somebody").exists()
