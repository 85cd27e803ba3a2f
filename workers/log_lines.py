"""Log lines of ``celery worker`` and ``beat``, ours and Celery's; a JSON log has no others."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import billiard.util
import celery.apps.worker
from celery.exceptions import Reject

from pipeline_core.logs import configure_logs, get_logger
from pipeline_core.settings import DEFAULT_BROKER_URL, Settings, unused_variables

log = get_logger()

# As `new_run_id` makes them; Celery quotes the arguments of a task.
_RUN = re.compile(r"'([0-9]{8}T[0-9]{12}Z-[0-9a-f]+)'")
_TASK = re.compile(r"\bworkers\.\w+\[([^\]\s]+)\]")  # as all of Celery's lines name one
_ABOUT_TASKS = ("celery.app.trace", "celery.worker.strategy", "celery.worker.request")


def configure_log_lines(settings: Settings) -> None:
    """Of this process, and those that are forked from it."""
    configure_logs(settings.log_level, settings.log_format)
    # Deaths of children are told by a logger that hands nothing on by itself.
    processes = billiard.util.get_logger()
    processes.propagate = True
    processes.setLevel(logging.WARNING)
    logging.getLogger("celery.app.trace").addFilter(_is_not_told_by_us)
    logging.getLogger("celery.app.trace").addFilter(_trace_no_rejection)
    # A broker's URL without a host is refused: kombu says so of one that it has taken apart.
    logging.getLogger("kombu.connection").addFilter(_is_true)
    for name in _ABOUT_TASKS:
        logging.getLogger(name).addFilter(_name_run)
    if settings.log_format == "json":
        logging.captureWarnings(capture=True)
        sys.excepthook = _log_uncaught
        vars(celery.apps.worker)["safe_say"] = _say_in_json


def warn_of_unused_variables() -> None:
    """A line for each variable of the environment that Celery would take, and that counts for
    nothing here."""
    for name in unused_variables():
        log.warning("variable_not_used", name=name)


def warn_without_broker(settings: Settings) -> None:
    """A line if no broker is set: one of this machine is tried then, for ever."""
    if settings.broker_url is None:
        log.warning("broker_not_set", setting="SALES_BROKER_URL", tried=DEFAULT_BROKER_URL)


def _is_not_told_by_us(record: logging.LogRecord) -> bool:
    """False of what Celery says of a message that a task refused: that has its line."""
    said = getattr(record, "data", None)
    return not (isinstance(said, dict) and said.get("description") == "raised expected")


def _trace_no_rejection(record: logging.LogRecord) -> bool:
    """A message that goes back to its queue is no error: its line says why."""
    if record.exc_info and isinstance(record.exc_info[1], Reject):
        record.exc_info = record.exc_text = None
    return True


def _is_true(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("No hostname was supplied")


def _name_run(record: logging.LogRecord) -> bool:
    """Gives Celery's line about a task the ids that our lines have."""
    task = _TASK.search(record.getMessage())
    if task is not None:
        record.task_id = task[1]
        data = getattr(record, "data", None)  # not of all lines
        run = _RUN.search(str(data.get("args"))) if isinstance(data, dict) else None
        if run is not None:
            record.run_id = run[1]
    return True


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger(__name__).critical("it ends by an error", exc_info=(kind, error, trace))


def _say_in_json(said: str, *_: Any) -> None:
    """In the place of Celery's words in a signal handler, which may not use loggers."""
    line = {
        "event": said,
        "level": "info",
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    with suppress(OSError):  # as Celery's own: a signal is heard, whether that can be said or not
        os.write(sys.stderr.fileno(), f"{json.dumps(line)}\n".encode())
