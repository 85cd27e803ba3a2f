"""A worker's temporary files, in a folder of its own; those that dead workers left are cleared."""

from __future__ import annotations

from multiprocessing.util import Finalize
from typing import Any

from celery import bootsteps
from celery.signals import task_prerun, worker_init, worker_process_init, worker_shutdown

from pipeline_core.logs import get_logger
from pipeline_core.machine.worker_folder import worker_folder
from workers.celery import app

log = get_logger()

_EVERY_SECONDS = 5.0
_BEHIND_MULTIPROCESSING = -200  # that has -100, and the highest goes first


class KeepsFolder(bootsteps.StartStopStep):  # type: ignore[misc]
    """Removes what killed children left, and makes the folder again where somebody cleaned up."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        worker.timer.call_repeatedly(_EVERY_SECONDS, _keep)


def _keep() -> None:
    try:
        worker_folder.keep()
    except OSError as error:  # work that needs it fails, and says so
        log.warning("no_temporary_folder", cause=str(error))


app.steps["worker"].add(KeepsFolder)


@worker_init.connect
def _take(**_: Any) -> None:
    try:
        cleared = worker_folder.take()
    except OSError as error:  # work that needs it fails, and says so
        log.warning("no_temporary_folder", cause=str(error))
        return
    if cleared:
        log.info("temporary_files_cleared", folders=cleared)


@task_prerun.connect  # somebody may have cleaned up since
@worker_process_init.connect
def _use(**_: Any) -> None:
    worker_folder.use_as_child()


@worker_shutdown.connect
def _leave(**_: Any) -> None:
    # Once multiprocessing has removed its own, which is in it.
    Finalize(None, worker_folder.leave, exitpriority=_BEHIND_MULTIPROCESSING)
