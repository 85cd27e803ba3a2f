"""A worker that cannot work takes none: its queues are left to others until it is well again."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from celery import bootsteps
from celery.exceptions import Reject
from celery.worker.request import Request

from pipeline_core.errors import NotFit, PipelineError, message_of
from pipeline_core.fitness.local_failures import cause_now
from pipeline_core.fitness.standing import Stand, WorkerStanding
from pipeline_core.fitness.temporary_room import free_temporary_bytes
from pipeline_core.logs import get_logger
from pipeline_core.machine.forked_call import ForkedCall
from pipeline_core.machine.process_ids import host_mark
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.running import metrics
from workers.celery import app, settings
from workers.config import HOST, TEMPORARY_BYTES, UNFIT, UNFIT_NOTE
from workers.fitness.handing_back import CANNOT_WORK, fit_others, set_aside
from workers.fitness.unfit_notes import notes, tell
from workers.sending.broker import AWAY

log = get_logger()

_TICK_SECONDS = 0.5
# After its next look was due, a worker that says nothing is not known to be unwell.
_GRACE_SECONDS = 60.0
_LONGEST_CAUSE = 2000
# A worker that cannot have it noted tells hooks no sooner again.
_QUIET_SECONDS = 3600.0
_ENDED = {"cause": "Whoever looked was ended before it could say.", "others": True}


class StandsAside(bootsteps.StartStopStep):  # type: ignore[misc]
    """Leaves the queues of this worker, and comes back to them."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        HandedBack.step = self
        self._worker = worker
        self._standing = WorkerStanding(settings.unfit_look)
        self._since = datetime.now(UTC)
        self._queues = list[str]()
        self._call: ForkedCall | None = None
        self._look_at = float("inf")
        self._quiet_until = float("-inf")

    def start(self, worker: Any) -> None:
        metrics.observe_worker(takes_work=True)
        worker.timer.call_repeatedly(_TICK_SECONDS, self._tick)

    def info(self, _worker: Any) -> dict[str, Any]:
        """What is added to the worker's statistics: why it cannot work, empty if it can, that as
        the state has it, how much room temporary files have, and the mark of its host."""
        cause = self._standing.cause
        return {
            UNFIT: cause,
            UNFIT_NOTE: msgspec.to_builtins(self._note()) if cause else None,
            TEMPORARY_BYTES: free_temporary_bytes(),
            HOST: host_mark(),
        }

    def handed_back(self, cause: str) -> None:
        """A child could not work."""
        if self._standing.stand is Stand.TAKES:
            self._since = datetime.now(UTC)
        if self._standing.found_unfit(cause[:_LONGEST_CAUSE], time.monotonic()):
            self._change()
            if self._call is None:  # or else a look is under way
                self._call = ForkedCall(partial(_look, self._note(), is_known=True), _ENDED)

    def failed_alone(self, cause: str) -> None:
        """A child could not work, and nobody else could: whoever asks is told why."""
        if self._standing.stand is Stand.TAKES:
            self._since = datetime.now(UTC)
            self._looked(cause, others_work=False)

    def _tick(self) -> None:
        notes.go_on()
        if self._call is not None and self._call.is_done():
            found, self._call = self._call.result(), None
            if found.get("told"):
                self._quiet_until = time.monotonic() + _QUIET_SECONDS
            self._looked(found["cause"], others_work=found["others"])
        elif self._call is None and time.monotonic() >= self._look_at:
            self._look_at = float("inf")
            is_news = time.monotonic() > self._quiet_until
            look = partial(_look, self._note(), is_known=False, is_news=is_news)
            self._call = ForkedCall(look, _ENDED)

    def _looked(self, cause: str, *, others_work: bool) -> None:
        now = time.monotonic()
        if self._standing.looked(cause[:_LONGEST_CAUSE], now, others_work=others_work):
            self._change()
        if cause:
            self._look_at = now + self._standing.pause

    def _change(self) -> None:
        stand, cause = self._standing.stand, self._standing.cause
        set_aside(aside=stand is Stand.ASIDE)
        metrics.observe_worker(takes_work=stand is Stand.TAKES)
        if stand is Stand.ASIDE:
            self._leave_queues()
            log.error("worker_takes_no_work", cause=self._note().sentence)
            return
        self._take_queues()
        if stand is Stand.TAKES:
            log.warning("worker_takes_work_again", worker_name=self._worker.hostname)
        else:
            log.error("worker_takes_work_all_the_same", cause=f"{cause} No other worker works.")

    def _leave_queues(self) -> None:
        consumer, queues = self._worker.consumer, app.amqp.queues
        self._queues = self._queues or list(queues.consume_from)
        for name in self._queues:
            queues.deselect(name)  # also for a connection that is made anew
            if consumer.task_consumer is not None:
                consumer.task_consumer.cancel_by_queue(name)

    def _take_queues(self) -> None:
        consumer, queues = self._worker.consumer, app.amqp.queues
        for name in self._queues:
            if consumer.task_consumer is not None:
                consumer.add_task_queue(name)
            else:
                queues.select_add(queues[name])
        self._queues = []

    def _note(self) -> UnfitWorker:
        """As others are told of it until some time after the next look."""
        valid = 2 * self._standing.pause + _GRACE_SECONDS  # the next pause may be the double
        return UnfitWorker(
            name=self._worker.hostname[:256],
            host=socket.gethostname(),
            cause=self._standing.cause,
            since=self._since,
            until=datetime.now(UTC) + timedelta(seconds=valid),
            takes_work=self._standing.stand is Stand.ALL_THE_SAME,
        )


class HandedBack(Request):  # type: ignore[misc]
    """Celery's request, whose worker stands aside before the message is in the queue again."""

    step: StandsAside | None = None

    def on_retry(self, exc_info: Any) -> Any:
        self._failed(getattr(exc_info.exception, "exc", None))
        return super().on_retry(exc_info)

    def on_failure(self, exc_info: Any, *arguments: Any, **options: Any) -> Any:
        error = exc_info.exception
        error = getattr(error, "exc", error)  # as it came from a child
        if isinstance(error, Reject) and error.reason and self.step is not None:
            self.step.handed_back(str(error.reason))
        self._failed(error)
        return super().on_failure(exc_info, *arguments, **options)

    def _failed(self, error: object) -> None:
        if isinstance(error, NotFit) and self.step is not None:
            said = str(error)  # with who says it in front
            self.step.failed_alone(said.partition(CANNOT_WORK)[2] or said)


def _look(note: UnfitWorker, *, is_known: bool, is_news: bool = False) -> dict[str, Any]:
    """In a child: whether this worker is well now, and others work, who are told. ``is_known`` that
    it is unwell: then it was seen just now. ``is_news``: hooks are told of what cannot be noted,
    and the answer says so."""
    cause = note.cause
    if not is_known:
        cause = cause_now(settings.shops()[0], follow_links=settings.follow_links)
    try:
        with app.connection_for_write() as connection:
            others = fit_others(note.name, connection)
            said = {"cause": cause[:_LONGEST_CAUSE], "takes_work": not others}
            is_told = tell(
                msgspec.structs.replace(note, **said), others, connection, is_news=is_news
            )
    except (*AWAY, PipelineError) as error:  # the broker's, for which whoever works waits
        log.warning("worker_not_noted", cause=message_of(error))
        return {"cause": cause, "others": True}
    return {"cause": cause, "others": bool(others), "told": is_told}


app.steps["worker"].add(StandsAside)
