"""Ledgers of runs that were planned, sent and attempted, made without doing any of it."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import (
    ArchiveRef,
    Attempt,
    Counts,
    Dispatch,
    Manifest,
    Options,
    Policy,
    Receipt,
    StoredFile,
    Tally,
    Work,
)
from pipeline_core.storage import Storage

NOW = datetime.now(UTC)
QUICK = Policy(lease=1, stall_after=10)


def planned_ledger(state: Storage, run_id: str = "1", *, archives: int = 2) -> RunLedger:
    ledger = RunLedger(state, run_id)
    ledger.create_manifest(
        Manifest(
            run_id=run_id,
            created_at=NOW,
            engine="celery",
            data="data",
            reports="reports",
            options=Options(),
            policy=QUICK,
            dimensions_digest="",
            archives=tuple(
                ArchiveRef(id=f"{n:05d}", name=f"{n}.zip", size=1, version="1")
                for n in range(archives)
            ),
        )
    )
    return ledger


def receipt_of(work_id: str) -> Receipt:
    return Receipt(
        run_id="1",
        archive=work_id,
        digest=None,
        days=Tally(),
        parts=Tally(),
        counts=Counts(),
        unreadable=(),
        partials={},
        rejects=StoredFile(f"rejects/{work_id}.csv", "0" * 64, 0),
        compressed_bytes=1,
        json_bytes=1,
        seconds=1.0,
    )


def note_sent(ledger: RunLedger, number: int, at: datetime, *ids: str) -> None:
    work = tuple(Work(each) for each in ids)
    ledger.create_dispatch(Dispatch(number=number, sent_at=at, sent_by="me", work=work))


def note_until(ledger: RunLedger, work_id: str, expires_at: datetime) -> None:
    ledger.create_attempt(
        work_id,
        Attempt(
            number=len(ledger.attempts(work_id)) + 1,
            owner="other:1",
            task_id=None,
            retries=0,
            started_at=NOW,
            expires_at=expires_at,
        ),
    )
