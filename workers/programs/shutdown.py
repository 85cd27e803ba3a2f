"""Whether this worker was asked to go, also known to its child processes."""

from __future__ import annotations

import mmap
from typing import Any

from celery.signals import worker_init, worker_shutting_down

# One byte that the main process and the children it forks share.
_leaving = mmap.mmap(-1, 1)


def is_leaving() -> bool:
    """True from SIGTERM or SIGQUIT on: this process may be killed at any moment."""
    return _leaving[0] == 1


@worker_shutting_down.connect
def _leave(**_: Any) -> None:
    _leaving[0] = 1


@worker_init.connect
def _leave_before_the_soft_shutdown(sender: Any, **_: Any) -> None:
    """Celery sends its signal after the soft shutdown's wait: too late to hand anything back."""
    wait = sender.wait_for_soft_shutdown

    def leave_and_wait() -> None:
        _leave()
        wait()

    sender.wait_for_soft_shutdown = leave_and_wait
