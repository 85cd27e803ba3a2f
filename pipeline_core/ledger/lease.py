"""The lock of runs, a lease: one run at a time, also on a storage that has no locks.

A lease is a file with a number, created once; the highest number counts. It is free once its
run has an outcome, or has shown no life until ``expires_at``; then the next number is there to
be created, and one of those who try succeeds. A dead owner loses the lock, and a late one finds
a higher number.

All of it hangs on files that are created once, so the first lease on a place is preceded by a look
whether it can do that. Each lease hands on to the next that somebody looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Struct

from pipeline_core.errors import RunUnderWay
from pipeline_core.ledger.names import RUN_PATTERN
from pipeline_core.ledger.records import read_record
from pipeline_core.ledger.run import RunLedger
from pipeline_core.machine.process_ids import process_id_space
from pipeline_core.messages import to_json
from pipeline_core.storage import Storage, check_creates

_FOLDER = "leases"
_KEPT, _TIDIED_EVERY = 20, 10


class Lease(Struct, frozen=True, kw_only=True):
    """One run's hold on the lock."""

    token: int
    """Number of the lease, from 1; the highest one counts."""
    run_id: Annotated[str, msgspec.Meta(pattern=RUN_PATTERN)]
    """The run that holds the lock."""
    owner: str
    """The process that took it, as host:pid."""
    acquired_at: datetime
    """When it was taken (UTC)."""
    expires_at: datetime
    """Until when its run is taken for alive (UTC)."""
    process_id_space: str = ""
    """Whose count the owner's process id is of (``machine/process_ids.py``); empty if not known."""
    checked: str = ""
    """URI of the state storage that was seen to create a key once; empty if nobody looked yet."""


def newest(state: Storage) -> Lease | None:
    """The lease that counts, whether it is in force or not."""
    return next(newest_first(state), None)


def newest_first(state: Storage) -> Iterator[Lease]:
    """The lease that counts, and those before it as far as they are kept."""
    for key in reversed(_keys(state)):
        found = read_record(state, key, Lease)
        if found is not None:  # else tidied up since it was listed, or torn
            yield found


def is_in_force(state: Storage, lease: Lease, now: datetime) -> bool:
    """Whether its run is under way and shows life."""
    return lease.expires_at > now and RunLedger(state, lease.run_id).outcome() is None


def acquire(
    state: Storage, run_id: str, owner: str, seconds: float, ended: Lease | None = None
) -> Lease:
    """Takes the lock for a run; taking it again for the same run only extends it. ``ended`` is the
    lease that was just seen to count, of another run that was seen to have ended.

    Raises:
        ConfigError: the storage creates what is there already: the lock would be worth nothing.
        RunUnderWay: another run has it.
    """
    is_checked = False
    while True:
        now = datetime.now(UTC)
        current = newest(state) if is_checked else ended or newest(state)
        if not is_checked and (current is None or current.checked != state.uri):
            check_creates(state)
        is_checked = True
        is_other = current is not None and current.run_id != run_id and current is not ended
        if current is not None and is_other and is_in_force(state, current, now):
            raise RunUnderWay(
                f"Run {current.run_id} is under way (started by {current.owner}).",
                "Wait for it, or follow it with --wait.",
                current.run_id,
            )
        lease = Lease(
            token=current.token + 1 if current else 1,
            run_id=run_id,
            owner=owner,
            process_id_space=process_id_space(),
            acquired_at=now,
            expires_at=now + timedelta(seconds=seconds),
            checked=state.uri,
        )
        if current is not None and current.run_id == run_id:
            lease = msgspec.structs.replace(lease, token=current.token)
            state.write(_key(lease.token), to_json(lease))
            return lease
        if state.create(_key(lease.token), to_json(lease)):
            if lease.token % _TIDIED_EVERY == 0:
                _tidy_up(state, lease.token)
            return lease


def _tidy_up(state: Storage, token: int) -> None:
    """Not those behind it, whose numbers somebody else made up."""
    before = [key for key in _keys(state) if key <= _key(token)]
    for key in before[:-_KEPT]:
        state.remove(key)


def extend(ledger: RunLedger, seconds: float) -> bool:
    """Shows that a run is alive for ``seconds`` from now; says whether it holds the lock still."""
    current = newest(ledger.state)
    if current is None or current.run_id != ledger.run_id:
        return False
    now = datetime.now(UTC)
    # Many workers do this, each three times in this time: write only when a third is over.
    if current.expires_at < now + timedelta(seconds=seconds * 2 / 3):
        expires = now + timedelta(seconds=seconds)
        ledger.state.write(
            _key(current.token), to_json(msgspec.structs.replace(current, expires_at=expires))
        )
    return True


def release(ledger: RunLedger) -> None:
    """Gives the lock up: nobody works on the run any more."""
    current = newest(ledger.state)
    if current is not None and current.run_id == ledger.run_id:
        ended = msgspec.structs.replace(current, expires_at=datetime.now(UTC))
        ledger.state.write(_key(current.token), to_json(ended))


def _key(token: int) -> str:
    return f"{_FOLDER}/{token:08d}.json"


def _keys(state: Storage) -> list[str]:
    """Oldest first."""
    return [stored.key for stored in state.files(_FOLDER) if stored.key.endswith(".json")]
