"""Work whose worker is silent or dead, and what becomes of it, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pipeline_core.ledger.attempts import is_alive, is_lost
from pipeline_core.messages import Attempt, Dispatch

# Who works shows life three times in a lease: one that was missed may be late.
_SILENT_AFTER = 0.5
_LEAST_SILENCE_SECONDS = 5.0
# The reconciler, which sends lost work again, looks so often.
_LOOKED_EVERY = timedelta(seconds=60)


def is_silent(attempt: Attempt, lease: float, now: datetime) -> bool:
    """Whether whoever has the work should have shown life by now, and is not lost yet. ``lease`` is
    in seconds."""
    silence = _silence(attempt, lease, now)
    return is_alive(attempt, now) and silence > max(lease * _SILENT_AFTER, _LEAST_SILENCE_SECONDS)


def fate(attempt: Attempt, lease: float, sent: Sequence[Dispatch], now: datetime) -> str:
    """What becomes of the work of an attempt that is silent or lost: ``sent`` are its run's
    dispatches, none of a local run."""
    if is_alive(attempt, now):
        silence = round(_silence(attempt, lease, now))
        left = _seconds(attempt.expires_at - now)
        return f"no word from {attempt.owner} for {silence} s; lost in {left} s unless there is one"
    lost = f"lost with {attempt.owner}"
    if not sent:
        return lost
    again = [each.sent_at for each in sent if each.sent_at > attempt.expires_at]
    if again:
        return f"{lost}, sent again {_seconds(now - again[-1])} s ago, not begun yet"
    due = attempt.expires_at + _LOOKED_EVERY
    if due > now:
        return f"{lost}, sent again within {_seconds(due - now)} s"
    return f"{lost}, and nobody sends it again; `sales-pipeline recover` does"


def troubles(
    attempts: Iterable[Attempt], done_by: int | None, now: datetime
) -> list[tuple[Attempt, str]]:
    """Attempts that came to nothing, with a word for how. ``done_by`` is the number of the one that
    did the work; None if it is not done."""
    found = []
    for each in attempts:
        if each.state in {"failed", "handed_back"}:
            found.append((each, each.state.replace("_", " ")))
        elif is_lost(each, now) and each.number != done_by:
            found.append((each, "lost"))
    return found


def _silence(attempt: Attempt, lease: float, now: datetime) -> float:
    """Seconds since it last showed life."""
    return (now - attempt.expires_at).total_seconds() + lease


def _seconds(span: timedelta) -> int:
    return max(round(span.total_seconds()), 0)


def waiting_words(fates: Iterable[str], *, is_any_fit: bool = True) -> str:
    """Why nobody works, by what became of those who did, and whether a worker could."""
    if not is_any_fit:
        return "no worker can do what is left"
    first, *others = sorted(fates) or ["no worker has begun what is left"]
    return (
        f"{first}; so {'is' if len(others) == 1 else 'are'} {len(others)} more" if others else first
    )
