"""The lock of runs: acquiring it, and ending what a dead owner left behind."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime

from pipeline_core.errors import PipelineError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import this_process
from pipeline_core.ledger.heartbeat import note_lease
from pipeline_core.logs import get_logger
from pipeline_core.machine.process_ids import process_id_space
from pipeline_core.storage import Storage

log = get_logger()


def acquire_run_lock(ledger: RunLedger, seconds: float) -> RunLedger | None:
    """Makes the run the one that holds the lock. A run that died before is ended as failed, and
    returned: somebody may want to know.

    Raises:
        RunUnderWay: another run holds the lock, and it lives.
    """
    state = ledger.state
    before = lease.newest(state)
    if before is None or before.run_id == ledger.run_id:
        _acquire(ledger, seconds)
        return None
    abandoned = RunLedger(state, before.run_id)
    if abandoned.outcome() is not None:
        _acquire(ledger, seconds, before)
        return None
    if owner_died(state, before):
        lease.release(abandoned)
    _acquire(ledger, seconds)
    if abandoned.outcome() is not None:
        return None
    from pipeline_core.publication.publish import fail

    log.warning("run_abandoned", run_id=before.run_id, owner=before.owner)
    finish = f"`sales-pipeline resume {before.run_id}` would finish it."
    fail(
        state.uri,
        before.run_id,
        PipelineError(
            f"It stopped moving, and run {ledger.run_id} took its turn.",
            finish if abandoned.planned() else "",
        ),
    )
    return abandoned


def _acquire(ledger: RunLedger, seconds: float, ended: lease.Lease | None = None) -> None:
    began = time.monotonic()
    lease.acquire(ledger.state, ledger.run_id, this_process(), seconds, ended)
    note_lease(ledger, began + seconds)


def owner_died(state: Storage, held: lease.Lease) -> bool:
    """Whether the run is known to be dead before its time is up: it is one that lives and dies
    with its owner, a process of this machine, or of this container, which is gone."""
    host, _, pid = held.owner.rpartition(":")
    ledger = RunLedger(state, held.run_id)
    if host != socket.gethostname() or held.process_id_space != process_id_space():
        return False
    import psutil

    if psutil.pid_exists(int(pid)):
        return False
    manifest = ledger.planned()
    return manifest is None or manifest.engine == "local" or not ledger.dispatches(1)


def is_moving(ledger: RunLedger) -> bool:
    """Whether the run holds the lock and lives."""
    held = lease.newest(ledger.state)
    return (
        held is not None
        and held.run_id == ledger.run_id
        and lease.is_in_force(ledger.state, held, datetime.now(UTC))
        and not owner_died(ledger.state, held)
    )
