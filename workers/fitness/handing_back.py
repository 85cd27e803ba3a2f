"""Work that failed because of this worker goes back to the queue, uncounted, for another."""

from __future__ import annotations

import mmap
import operator
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from celery.exceptions import Reject

from pipeline_core.errors import ConfigError, NotFit, PipelineError, RetryableError
from pipeline_core.fitness.local_failures import LocalFailures
from pipeline_core.fitness.reach import unreached
from pipeline_core.logs import get_logger
from workers.celery import settings
from workers.sending.broker import answers
from workers.sending.reached_places import unreached_places

log = get_logger()

# Others may be busy: one that is not heard here is taken for none, and the failure counts.
_OTHERS_SECONDS = 1.0

# Between who cannot, and why.
CANNOT_WORK = " cannot work: "
# One byte that the main process and the children it forks share.
_aside = mmap.mmap(-1, 1)
_failures = LocalFailures(
    lambda: unreached(settings.shops()[0], follow_links=settings.follow_links)
)


def is_aside() -> bool:
    """Whether this worker takes no work: what it has goes back."""
    return _aside[0] == 1


def set_aside(*, aside: bool) -> None:
    """In the main process."""
    _aside[0] = aside


def refuse_while_aside() -> None:
    """Raises Celery's Reject: the message goes back to its queue."""
    if is_aside():
        raise Reject(requeue=True)


@contextmanager
def handing_back(worker: str) -> Iterator[None]:
    """What fails in the body because of this worker, of that name, is handed back if another worker
    is well: Celery's Reject is raised, with the cause. Else the error says where it failed."""
    try:
        yield
    except (RetryableError, ConfigError) as error:
        cause = _failures.cause_of(error)
        if cause and _others_work(worker, error):
            log.warning("work_handed_back", cause=cause)
            raise Reject(f"{cause} {error.remedy}".rstrip(), requeue=True) from error
        if isinstance(error, NotFit):
            where = f"The worker {worker} on {socket.gethostname()}"
            raise type(error)(f"{where}{CANNOT_WORK}{error.message}", error.remedy) from error
        raise
    _failures.worked()


def _others_work(worker: str, error: PipelineError) -> bool:
    """Whether another worker could do what failed so."""
    try:
        others = fit_others(worker)
        if isinstance(error, NotFit) or not others:
            return bool(others)
        places = unreached_places(others, enough=operator.not_)
        return not all(places.values())
    except (RetryableError, ConfigError) as trouble:  # of the broker
        log.warning("others_not_asked", cause=trouble.message)
        return False


def fit_others(worker: str, connection: object = None) -> list[str]:
    """Names of the other workers that answer and can work.

    Raises:
        ConfigError, RetryableError: as ``answers`` does.
    """
    found = answers(connection, quiet_seconds=_OTHERS_SECONDS)
    return [name for name, each in found.items() if name != worker and not each.unfit]
