"""The local engine: ``process`` over a pool of processes on this machine, no broker."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from pipeline_core.errors import PipelineError
from pipeline_core.logs import configure_logs, log_settings
from pipeline_core.messages import Manifest, Receipt
from pipeline_core.pipeline.process import process


def process_all(
    state_uri: str, manifest: Manifest, jobs: int, done: Callable[[Receipt], None]
) -> None:
    """Processes every archive of the run in ``jobs`` processes; calls ``done`` as they finish.

    Raises:
        PipelineError: as ``process`` does, or a worker process died.
    """
    archives = manifest.to_process()
    if jobs == 1 or len(archives) <= 1:
        for archive in archives:
            done(process(state_uri, manifest.run_id, archive.id))
        return
    with _pool(min(jobs, len(archives))) as pool:
        futures: list[Future[Receipt]] = [
            pool.submit(process, state_uri, manifest.run_id, archive.id) for archive in archives
        ]
        try:
            for future in as_completed(futures):
                done(future.result())
        except BrokenProcessPool as error:
            raise PipelineError(
                "A worker process died, most likely for want of memory.",
                "Run again with fewer --jobs or a smaller --batch-size.",
            ) from error


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    # Not fork: Arrow and the progress display have threads, and a forked lock stays locked.
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([process.__module__])
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_start_worker, initargs=log_settings()
    )
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise


def _start_worker(level: str, log_format: str) -> None:
    # Ctrl-C reaches the whole group; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs(level, log_format)
