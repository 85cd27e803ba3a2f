"""Which places workers reach, by what they say themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from workers.config import REACH
from workers.sending.broker import AWAY, no_answer
from workers.sending.questions import ask

# A busy machine, and one look at all places: an object store may take long to say no.
_QUIET_SECONDS = 1.0
_LOOK_SECONDS = 20.0
# One that looks says so at each question; one that says nothing has left, or stands still.
_SILENT_SECONDS = 5.0
# A look at folders is over as soon as a process is forked for it.
_FIRST_PAUSE_SECONDS, _PAUSE_SECONDS = 0.01, 0.1

# Which places a worker cannot use, and why.
Unreached = Mapping[str, str]


def unreached_places(
    names: Collection[str],
    connection: Any = None,
    *,
    enough: Callable[[Unreached], bool] = lambda _: False,
) -> dict[str, Unreached]:
    """By the name of each of these workers, which places it cannot use, and why: of all, or until
    one says what is ``enough``. One that does not say so in time has a cause, too; one of an older
    version has none.

    Raises:
        RetryableError: the broker does not answer.
    """
    found: dict[str, Unreached] = {}
    pause, began = _FIRST_PAUSE_SECONDS, time.monotonic()
    heard_at = dict.fromkeys(names, began)

    def is_enough(answer: Mapping[str, Any]) -> bool:
        return (told := _unreached(answer)) is not None and enough(told)

    while missing := sorted(heard_at.keys() - found.keys()):
        try:
            told = ask(
                REACH, connection, quiet_seconds=_QUIET_SECONDS, of=missing, enough=is_enough
            )
        except AWAY as error:
            raise no_answer(error) from error
        now = time.monotonic()
        heard_at |= dict.fromkeys(told, now)
        for name in missing:
            known = _unreached(told[name]) if name in told else None
            if known is None:
                known = _silence(now - began, now - heard_at[name])
            if known is not None:
                found[name] = known
        if any(map(is_enough, told.values())):
            break
        time.sleep(pause)
        pause = min(2 * pause, _PAUSE_SECONDS)
    return found


def _unreached(answer: Mapping[str, Any]) -> Unreached | None:
    """None while the worker looks; an older version refuses what it does not know."""
    told: Unreached | None = answer.get("found", {})
    return told


def _silence(looked: float, silent: float) -> Unreached | None:
    """Why a worker is waited for no more that has looked, or said nothing, for so many seconds."""
    if silent > _SILENT_SECONDS:
        return {"places": f"It has said nothing for {_SILENT_SECONDS:.0f} s."}
    if looked > _LOOK_SECONDS:
        return {"places": f"It has not said so in {_LOOK_SECONDS:.0f} s."}
    return None
