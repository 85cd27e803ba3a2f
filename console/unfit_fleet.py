"""Workers that cannot work, as who follows a run hears of them: they may not reach the state."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Thread
from typing import TYPE_CHECKING

from console.fleet import START_LINE, worker_answers
from pipeline_core.errors import PipelineError
from pipeline_core.fitness.records import keep
from pipeline_core.logs import get_logger
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.plural import counted
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage

if TYPE_CHECKING:
    from workers.sending.broker import Answer

log = get_logger()

_NAMED = 3
# An answer may be late.
_LOOKS_IN_VAIN = 2


class UnfitFleet:
    """Has them shown to all who watch, where each worker that answers cannot work. Warns, once
    until one does, where none answers."""

    def __init__(self, settings: Settings, state: Storage) -> None:
        self._settings, self._state = settings, state
        self._asking: Thread | None = None
        self._looks_in_vain = 0

    def look(self) -> None:
        """To be called again and again. From a thread: outcomes do not wait for answers, nor does
        the end of this process."""
        if self._asking is None or not self._asking.is_alive():
            self._asking = Thread(target=self._ask, daemon=True)
            self._asking.start()

    def _ask(self) -> None:
        try:
            answers = worker_answers(self._settings)
            self._looks_in_vain = 0 if answers else self._looks_in_vain + 1
            if self._looks_in_vain == _LOOKS_IN_VAIN:
                log.warning("no_worker_answers", remedy=f"Start one with: {START_LINE}")
            for each in unfit_of(answers):
                keep(self._state, each)
        except PipelineError as error:  # what is away is told by who needs it
            log.debug("workers_not_asked", cause=error.message)


def who_goes_on(settings: Settings, run_id: str) -> str:
    """In a sentence or two, what becomes of a run that nobody follows. Asks the workers."""
    try:
        answers = worker_answers(settings)
    except PipelineError as error:
        return f"{error.message} Run {run_id} is left to the workers that reach it."
    if not answers:
        return f"No worker answers now; run {run_id} goes on once one does."
    if found := unfit_of(answers):
        return f"Run {run_id} goes on once a worker can do it; none can now. {unfit_words(found)}"
    return f"Celery workers go on with run {run_id} and publish it."


def unfit_of(answers: dict[str, Answer]) -> tuple[UnfitWorker, ...]:
    """The workers that answered, if each said that it cannot work; else none."""
    notes = [each.unfit_note for each in answers.values()]
    found = tuple(each for each in notes if each is not None)
    return found if len(found) == len(notes) else ()


def unfit_words(found: Iterable[UnfitWorker]) -> str:
    """A sentence of each of them, if there are few."""
    first, *others = (f"The {each.sentence}." for each in found)
    more = len(others) + 1 - _NAMED
    told = [first, *others[: _NAMED - 1]]
    return " ".join([*told, f"So say {counted(more, 'other')}."] if more > 0 else told)
