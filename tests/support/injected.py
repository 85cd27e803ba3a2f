"""The workers' app with faults put in from outside: ``celery -A tests.support.injected worker``.

The folder SALES_TEST_FAULTS has a file for each archive (or for ``publication`` or ``messages``)
that shall meet a fault; its text says which:

- ``pause``: wait, marked by ``<name>.reached``, until the file is gone
- ``kill``: die, every time; ``kill once``: die, and the file is gone before
- ``memory``, ``memory once``: raise MemoryError
- ``sleep <s>``, ``sleep <s> once``; ``stuck <s> once`` also hears no signal but SIGKILL
- ``messages`` only: ``kill at <n>``: die instead of sending the n-th archive's message;
  ``twice``: send each message twice
- ``look`` meets it each time a plan looks into an archive
- ``clock`` only: so many seconds that beat's clock is ahead

Production code has no seam for this: the functions that read an archive, write a CSV, send a
message and tell beat the time are wrapped here, in the test's own worker processes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.messaging import Producer

from pipeline_core.planning import survey
from pipeline_core.processing.extraction import Extraction
from pipeline_core.publication import report_files
from pipeline_core.running import schedule
from workers.celery import app
from workers.config import PROCESS_ARCHIVE

__all__ = ["app"]

FAULTS = Path(os.environ["SALES_TEST_FAULTS"])


def meet(name: str) -> None:
    """Suffers what is planned for this name, if anything."""
    planned = FAULTS / name
    try:
        action, *words = planned.read_text().split()
    except FileNotFoundError:
        return
    if "once" in words:
        planned.unlink(missing_ok=True)
    if action == "pause":
        (FAULTS / f"{name}.reached").write_text(str(os.getpid()))
        while planned.exists():
            time.sleep(0.05)
    elif action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "memory":
        raise MemoryError
    elif action in ("sleep", "stuck"):
        if action == "stuck":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])
        time.sleep(float(words[0]))


def _before(wrapped: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        meet(name(*arguments))
        return wrapped(*arguments, **options)

    return call


_sent = 0


def _send(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    def publish_message(self: Producer, *arguments: Any, **options: Any) -> Any:
        global _sent  # noqa: PLW0603
        task = (options.get("headers") or {}).get("task", "")
        planned = FAULTS / "messages"
        words = planned.read_text().split() if planned.exists() else []
        if words[:1] == ["kill"] and task == PROCESS_ARCHIVE:
            _sent += 1
            if _sent == int(words[2]):
                planned.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        if words == ["twice"] and task.startswith("workers."):
            wrapped(self, *arguments, **options)
        return wrapped(self, *arguments, **options)

    return publish_message


def _ahead(wrapped: Callable[..., Any]) -> Callable[..., Any]:
    def now(*arguments: Any) -> Any:
        planned = FAULTS / "clock"
        seconds = float(planned.read_text()) if planned.exists() else 0
        return wrapped(*arguments) + timedelta(seconds=seconds)

    return now


setattr(  # noqa: B010  (mypy forbids the plain way)
    Extraction,
    "extract",
    _before(vars(Extraction)["extract"], lambda extraction: str(extraction.archive.name)),
)
vars(survey)["_look_into"] = _before(vars(survey)["_look_into"], lambda *_: "look")
vars(report_files)["write_csv"] = _before(vars(report_files)["write_csv"], lambda *_: "publication")
setattr(Celery, "now", _ahead(Celery.now))  # noqa: B010  (mypy forbids the plain way)
vars(schedule)["datetime"] = type("Ahead", (datetime,), {"now": staticmethod(_ahead(datetime.now))})
setattr(Producer, "publish", _send(Producer.publish))  # noqa: B010  (mypy forbids the plain way)
