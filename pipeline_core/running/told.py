"""What hooks were told of how a run ended, and who is telling them: two tell it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pipeline_core.ledger.records import read_record
from pipeline_core.ledger.run import RunLedger
from pipeline_core.messages import to_json
from pipeline_core.messages.notification import Telling, Told


def heard(ledger: RunLedger) -> Told:
    """What they know."""
    return read_record(ledger.state, _key(ledger, "told"), Told) or Told(is_complete=False)


def note_heard(ledger: RunLedger, told: Told) -> None:
    """Keeps what they know."""
    ledger.state.write(_key(ledger, "told"), to_json(told))


@contextmanager
def telling(ledger: RunLedger, owner: str, seconds: float) -> Iterator[bool]:
    """Whether it is this process's turn to tell, which takes ``seconds`` at most; whoever died at
    it loses the turn by then."""
    key, now = _key(ledger, "telling"), datetime.now(UTC)
    other = read_record(ledger.state, key, Telling)
    if other is not None and other.expires_at <= now:
        ledger.state.remove(key)
    mine = Telling(owner=owner, expires_at=now + timedelta(seconds=seconds))
    if not ledger.state.create(key, to_json(mine)):
        yield False
        return
    try:
        yield True
    finally:
        ledger.state.remove(key)


def _key(ledger: RunLedger, name: str) -> str:
    return f"runs/{ledger.run_id}/{name}.json"
