"""Whether what fails on this host was tried on another, and could be: else whose fault is it?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline_core.errors import ConfigError, FailsHereOnly, NotFit, RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import is_of_one_host
from pipeline_core.logs import get_logger
from pipeline_core.machine.process_ids import host_mark
from pipeline_core.plural import counted
from workers.sending.broker import answers

log = get_logger()

# One that is busy and not heard here is taken for none.
_OTHERS_SECONDS = 1.0


def another_host_works() -> bool:
    """Whether a worker of another host answers and can work."""
    try:
        found = answers(quiet_seconds=_OTHERS_SECONDS).values()
    except (RetryableError, ConfigError) as trouble:  # of the broker
        log.warning("others_not_asked", cause=trouble.message)
        return False
    return any(not each.unfit and each.host not in {"", host_mark()} for each in found)


@contextmanager
def last_try_elsewhere(ledger: RunLedger, work_id: str, *, is_last: bool) -> Iterator[None]:
    """The last of the tries at the work that Celery counts: one that fails as all those before it
    did, on this host, is for another host, if one works.

    Raises:
        FailsHereOnly: so it is.
    """
    try:
        yield
    except RetryableError as error:
        if not is_last or isinstance(error, NotFit):
            raise
        failed = [each for each in ledger.attempts(work_id) if each.state == "failed"]
        here = bool(failed) and is_of_one_host(failed) and failed[0].host == host_mark()
        if not here or not another_host_works():
            raise
        raise FailsHereOnly(
            f"Work {work_id} failed in {counted(len(failed), 'attempt')} on this host, and no "
            f"other tried it: {error.message}",
            error.remedy,
        ) from error
