"""Whether who holds the lock of runs is known to be dead."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import pytest

from pipeline_core.ledger import RunLedger, lease
from pipeline_core.messages import to_json
from pipeline_core.running.lock import owner_died
from pipeline_core.storage import open_storage

GONE = 2**22 + 1  # above the largest process id of Linux


@pytest.mark.parametrize(("counted", "died"), [("here", True), ("elsewhere", False), ("", False)])
def test_a_process_id_says_nothing_of_a_container_of_the_same_name(
    tmp_path: Path, counted: str, died: bool
) -> None:
    state = open_storage(str(tmp_path))
    held = lease.acquire(state, "run-1", f"{socket.gethostname()}:{GONE}", 60)
    assert held.process_id_space
    if counted != "here":
        held = msgspec.structs.replace(held, process_id_space=counted)
        state.write("leases/00000001.json", to_json(held))
    found = lease.newest(state)
    assert found == held
    assert owner_died(state, held) == died
    assert RunLedger(state, "run-1").outcome() is None
