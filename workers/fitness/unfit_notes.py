"""Workers that are well note in the state that another takes no work: it may not reach the state.

By remote control, and not by a message, which would wait behind all archives that are queued.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

import msgspec
from celery.worker.control import control_command

from pipeline_core.errors import PipelineError
from pipeline_core.fitness import records
from pipeline_core.ledger import open_state
from pipeline_core.logs import get_logger
from pipeline_core.machine.forked_call import ForkedCall
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages.unfit_worker import UnfitWorker
from workers.celery import app, settings
from workers.config import NOTE_UNFIT
from workers.messages.served_shops import served_places

log = get_logger()

# Who may write to the broker may send any number of them; ours are one in a minute or so each.
_MOST_WAITING = 20


class _Notes:
    """Those that are to be written; a child is forked for one after the other."""

    def __init__(self) -> None:
        self._waiting = deque[tuple[str, UnfitWorker]](maxlen=_MOST_WAITING)
        self._call: ForkedCall | None = None

    def add(self, state: str, told: UnfitWorker) -> None:
        """It is written soon."""
        self._waiting.append((state, told))

    def go_on(self) -> None:
        """Begins the next one if the last is written; to be called often."""
        if self._call is not None and self._call.is_done():
            self._call.result()
            self._call = None
        if self._call is None and self._waiting:
            self._call = ForkedCall(partial(note, *self._waiting.popleft()), None)


notes = _Notes()


@control_command(name=NOTE_UNFIT, args=[("worker_state", str), ("told", dict)])  # type: ignore[untyped-decorator]
def note_unfit(_state: Any, worker_state: Any = "", told: Any = None, **_: Any) -> dict[str, Any]:
    """``told`` is what another worker says of itself, to be noted in the state ``worker_state``."""
    try:
        notes.add(served_places().state(worker_state), msgspec.convert(told, known(UnfitWorker)))
    except (PipelineError, msgspec.ValidationError) as error:
        log.error("command_refused", command=NOTE_UNFIT, cause=ascii(str(error))[1:200])
        return {"error": "It is refused."}
    return {"ok": "It is noted."}


def note(state: str, told: UnfitWorker) -> bool:
    """In a child: whether it could be written."""
    try:
        records.note(open_state(state), told, settings.hooks())
    except PipelineError as error:  # it is said again
        log.warning("worker_not_noted", cause=error.message)
        return False
    return True


def tell(told: UnfitWorker, others: list[str], connection: Any, *, is_news: bool) -> bool:
    """In a child: has one of the others note it; does so itself if there are none. Whether it told
    the hooks, which it does of what is wrong, cannot be noted, and ``is_news``. Raises errors of
    the broker."""
    state = settings.shops()[0].state
    if not others:
        if note(state, told) or not (told.cause and is_news):
            return False
        records.tell(settings.hooks(), told, "No other worker works")
        return True
    arguments = {"worker_state": state, "told": msgspec.to_builtins(told)}
    app.control.broadcast(NOTE_UNFIT, arguments, destination=others[:1], connection=connection)
    return False
