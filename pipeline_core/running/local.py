"""The local engine: ``process`` over a pool of processes on this machine, no broker."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.context import BaseContext

import msgspec

from pipeline_core.errors import PipelineError, ResultsMissing, TooCostly, WorkUnderWay
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.attempts import Worker, this_process
from pipeline_core.ledger.results import results
from pipeline_core.logs import configure_logs, get_logger, log_settings
from pipeline_core.machine.imports import lean_process
from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.machine.processes import (
    end_pool,
    obey_parent,
    process_context,
    without_main,
)
from pipeline_core.machine.signals import signals_held_back
from pipeline_core.machine.standard_streams import lose_what_cannot_be_written
from pipeline_core.messages import Attempt, Manifest, Outcome, Work
from pipeline_core.plural import counted
from pipeline_core.retry import call_with_retries
from pipeline_core.store_environment import store_variables, use_store_variables
from pipeline_core.vouching.key import StateKey, state_key, use_state_key

log = get_logger()

# Compressed bytes of what is small, and how many pieces of it are handed over at once at most.
_SMALL_BYTES = 256 << 10
_PIECES = 8
# Of all work, a process is handed so many portions at least.
_PORTIONS = 8


def run_locally(state_uri: str, manifest: Manifest, jobs: int) -> Outcome:
    """Processes what is outstanding of a planned run, then publishes it.

    Raises:
        PipelineError: as ``process`` and ``publish`` do.
    """
    while True:
        process_outstanding(state_uri, manifest, jobs)
        from pipeline_core.publication.publish import publish

        try:
            return call_with_retries(lambda: publish(state_uri, manifest.run_id), is_begun=True)
        except ResultsMissing as error:  # a damaged result was found
            log.warning("results_missing", run_id=manifest.run_id, cause=error.message)


def process_outstanding(state_uri: str, manifest: Manifest, jobs: int) -> None:
    """Processes, in ``jobs`` processes, every archive that has no receipt. Archives in whose
    company a process died are tried again one by one.

    Raises:
        PipelineError: as ``process`` does; or processes die before they begin any work.
    """
    ledger = RunLedger(open_state(state_uri), manifest.run_id)
    suspects: set[str] = set()
    idle_deaths, sizes = 0, manifest.planned_sizes()
    while work := results(ledger, manifest).outstanding:
        alone = [each for each in work if each.id in suspects]
        together = [each for each in work if each.id not in suspects]
        if together and jobs > 1 and len(work) > 1:
            groups = [together]
        elif together and not suspects:
            _in_turn(ledger, together)
            continue
        else:
            groups = [[each] for each in alone + together]
        for group in groups:
            died = _in_pool(ledger, group, sizes, min(jobs, len(group)))
            suspects |= died or set()
            idle_deaths = idle_deaths + 1 if died == set() else 0
            if idle_deaths >= manifest.policy.max_attempts:
                raise PipelineError(
                    f"{counted(idle_deaths, 'time')} in a row a process died before it began any "
                    "work.",
                    "Look for what ends processes here, such as too little memory.",
                )


def _in_turn(ledger: RunLedger, work: Iterable[Work]) -> None:
    for each in work:
        try:
            _process(ledger.state.uri, ledger.run_id, each)
        except TooCostly as error:
            log.warning("archive_too_costly", run_id=ledger.run_id, cause=error.message)


def _in_pool(
    ledger: RunLedger, work: Sequence[Work], sizes: Mapping[Work, int], jobs: int
) -> set[str] | None:
    """Returns the ids of the work that was under way when a process died, None if none did."""
    began = datetime.now(UTC)
    try:
        with _pool(jobs) as pool:
            # A process half started is nobody's child.
            with signals_held_back(), without_main():
                futures: list[Future[list[str]]] = [
                    pool.submit(_process_each, ledger.state.uri, ledger.run_id, each)
                    for each in portions(work, sizes, jobs)
                ]
            import_publication()  # while they work: it takes a while

            for future in as_completed(futures):
                for cause in future.result():
                    log.warning("archive_too_costly", run_id=ledger.run_id, cause=cause)
    except BrokenProcessPool:
        running = _running(ledger, work, began)
        _close(
            ledger,
            running,
            state="failed",
            culpable=len(running) == 1,  # of several, nobody knows which it was
            cause="its process died, most likely for want of memory",
        )
        log.warning("worker_died", run_id=ledger.run_id, work=sorted(running))
        return set(running)
    except KeyboardInterrupt:  # the processes were ended by us, not by the work
        _close(ledger, _running(ledger, work, began), state="handed_back")
        raise
    return None


def import_publication() -> None:
    """Imports what publishes a run, pages and their templates included."""
    import pipeline_core.page.gather
    import pipeline_core.publication.publish  # noqa: F401
    from pipeline_core.page.render import environment

    for name in ("index.html", "category.html"):
        environment().get_template(name)


def _running(ledger: RunLedger, work: Iterable[Work], since: datetime) -> dict[str, Attempt]:
    """Attempts that processes of a pool left open, by the work's id. Those begun before are of a
    command that was killed; nothing is known of them here."""
    return {
        each.id: attempts[-1]
        for each in work
        if ledger.receipt(each) is None
        and (attempts := ledger.attempts(each.id))
        and attempts[-1].state == "running"
        and attempts[-1].started_at >= since
    }


def _close(ledger: RunLedger, running: dict[str, Attempt], **changes: object) -> None:
    for work_id, attempt in running.items():
        ledger.write_attempt(work_id, msgspec.structs.replace(attempt, **changes))


def portions(
    work: Sequence[Work], sizes: Mapping[Work, int], jobs: int
) -> Iterator[tuple[Work, ...]]:
    """The work in its order, what is small by some at a time: to hand over a piece of it takes a
    tenth of what it takes itself. Of little work each process gets several pieces in any case."""
    most = min(_PIECES, len(work) // (jobs * _PORTIONS) or 1)
    portion: list[Work] = []
    size = 0
    for each in work:
        own = sizes.get(each, _SMALL_BYTES)
        if portion and (len(portion) == most or size + own > _SMALL_BYTES):
            yield tuple(portion)
            portion, size = [], 0
        portion.append(each)
        size += own
    yield tuple(portion)


def _process_each(state_uri: str, run_id: str, portion: Sequence[Work]) -> list[str]:
    """Why work was too costly, of each that was."""
    costly = []
    for work in portion:
        try:
            _process(state_uri, run_id, work)
        except TooCostly as error:
            costly.append(error.message)
    return costly


def _process(state_uri: str, run_id: str, work: Work) -> None:
    """The receipt is in the state; to send it back, too, would take time."""
    from pipeline_core.processing.process import process

    worker = Worker(this_process())
    while True:
        try:
            call_with_retries(lambda: process(state_uri, run_id, work, worker), is_begun=True)
            return
        except WorkUnderWay as others:  # of commands that were killed a moment ago
            seconds = round(others.seconds, 1)
            log.warning("waiting_for_leases", run_id=run_id, cause=others.message, seconds=seconds)
            time.sleep(others.seconds)


def start_early(jobs: int) -> None:
    """Forks the processes of the first pool, if there are to be several and this is Linux. To be
    called when everything is imported and nothing else was done: then there are no threads but
    those of libraries that expect to be forked, and nothing needs to be imported twice. Later
    pools come from a fork server."""
    if jobs > 1 and sys.platform == "linux" and threading.active_count() == 1:
        import pipeline_core.processing.process  # noqa: F401  (the children have it by that)

        with signals_held_back(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            gc.freeze()  # a collection would write to all that is there, and have it copied
            early = _new_pool(jobs, multiprocessing.get_context("fork"))
            early.submit(_nothing)  # the first piece of work starts all of them
        _early.append(early)


def stop_early() -> None:
    """Ends processes that were started early, and that nobody needs."""
    while _early:
        _early.pop().shutdown(wait=False)


_early: list[ProcessPoolExecutor] = []


def _nothing() -> None:
    """Work that takes no time."""


def _new_pool(jobs: int, context: BaseContext) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        jobs,
        mp_context=context,
        initializer=_start_worker,
        initargs=(*log_settings(), state_key(), store_variables()),
    )


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    pool = _early.pop() if _early else _new_pool(jobs, process_context())
    try:
        yield pool
        # They give back their memory while we publish; the end of the command waits for them.
        pool.shutdown(wait=False)
    except BaseException:
        end_pool(pool)
        raise


def _start_worker(
    level: str, log_format: str, key: StateKey | None, variables: dict[str, str]
) -> None:
    obey_parent()
    lose_what_cannot_be_written("stdout", "stderr")
    configure_logs(level, log_format)
    use_state_key(key)
    use_store_variables(variables)
    lean_process()
    keep_freed_memory()
