"""Structured log lines on stderr, pretty or JSON; standard-library loggers included.

The one door to structlog: whoever imports it first decides whether it imports rich.
"""

from __future__ import annotations

import logging
import os
import re
import sys

from pipeline_core.lean_imports import hidden

with hidden("rich"):
    import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["configure_logs", "log_settings", "mask_secrets", "structlog"]

_in_force = ("INFO", "pretty")
_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/\"]*@")


def configure_logs(level: str, log_format: str) -> None:
    """Sends every log line of this process to stderr, from ``level`` on."""
    global _in_force  # noqa: PLW0603  (a process has one log)
    _in_force = (level, log_format)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = (
        [_name_action, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=_may_colour())]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
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
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _may_colour() -> bool:
    # A terminal's own variables, no settings of ours.
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not plain


def mask_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Takes user and password out of every URL: libraries log the addresses they were given."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = _CREDENTIALS.sub(r"\1***@", value)
    return line


def _name_action(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Our own lines say what was done in one word; those of libraries are sentences."""
    if line["_from_structlog"]:
        line["action"] = line.pop("event")
    return line


def log_settings() -> tuple[str, str]:
    """Level and format in force, to hand to a child process."""
    return _in_force
