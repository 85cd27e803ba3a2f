"""Structured log lines: on stderr, pretty or JSON, in a process of ours, standard-library loggers
included; elsewhere as whoever imported us has configured structlog or ``logging``."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from pipeline_core.credentials import without_credentials
from pipeline_core.unprintable import plain, plain_lines

__all__ = [
    "Log",
    "configure_logs",
    "get_logger",
    "log_settings",
    "mask_secrets",
    "name_in_every_line",
    "structlog",
]

# Of a line: what Python says of an error, and where.
_OF_LINES = {"exception", "stack"}
_in_force = ("WARNING", "pretty")
_named: dict[str, str] = {}


class Log:
    """A logger of structlog's, or, where nobody configured that, the standard library's of the name
    ``sales_pipeline``. (structlog's own default would print to stdout.)"""

    def __getattr__(self, method: str) -> Any:
        logger = structlog.get_logger() if structlog.is_configured() else _plain_logger()
        return getattr(logger, method)


def get_logger() -> Log:
    """What a module logs by."""
    return Log()


def configure_logs(level: str, log_format: str, said: frozenset[str] = frozenset()) -> None:
    """Sends every log line of this process to stderr, from ``level`` on, but the actions that are
    ``said`` by what is printed there, which a person would read twice."""
    global _in_force  # noqa: PLW0603  (a process has one log)
    _in_force = (level, log_format)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = (
        [_name_action, _name_process, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [_without_controls, structlog.dev.ConsoleRenderer(colors=_may_colour())]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # Ids that somebody gave to a line of a library's.
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(("run_id", "task_id"))],
            processors=[
                structlog.processors.format_exc_info,
                mask_secrets,
                *render[:-1],
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                render[-1],
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _without(said),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def name_in_every_line(**fields: str) -> None:
    """Fields of every line of a JSON log from now on, also of processes that are forked from this
    one: who writes it."""
    _named.update(fields)


def _without(said: frozenset[str]) -> Processor:
    def drop(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        if line["event"] in said:
            raise structlog.DropEvent
        return line

    return drop


def _plain_logger() -> Any:
    return structlog.wrap_logger(
        logging.getLogger("sales_pipeline"),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            mask_secrets,
            _as_text,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _as_text(
    _logger: WrappedLogger, _method: str, line: EventDict
) -> tuple[tuple[str], dict[str, object]]:
    """The arguments for the standard library's logger."""
    kept = {name: line.pop(name) for name in ("exc_info", "stack_info") if name in line}
    words = [str(line.pop("event")), *(f"{name}={value}" for name, value in line.items())]
    return (plain(" ".join(words)),), kept


def _may_colour() -> bool:
    # A terminal's own variables, no settings of ours.
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not plain


def mask_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Takes user and password out of every URL: libraries log the addresses they were given."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = without_credentials(value)
    return line


def _without_controls(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Names come from zips, and lines go to terminals; a traceback, and what a library says, has
    lines of its own."""
    for key, value in line.items():
        if isinstance(value, str):
            has_lines = key in _OF_LINES or (key == "event" and not line["_from_structlog"])
            line[key] = plain_lines(value) if has_lines else plain(value)
    return line


def _name_action(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Our own lines say what was done in one word; those of libraries are sentences."""
    if line["_from_structlog"]:
        line["action"] = line.pop("event")
    return line


def _name_process(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    return {**_named, **line}


def log_settings() -> tuple[str, str]:
    """Level and format in force, to hand to a child process."""
    return _in_force
