"""Log lines of a command, beside what it prints."""

from __future__ import annotations

from pipeline_core.logs import configure_logs

# How a run ended is what the command says last.
_SAID = frozenset({"run_ended"})


def configure_command_logs(level: str, log_format: str) -> None:
    """As ``configure_logs``; for people, a failure has one text. Programs read each JSON line."""
    configure_logs(level, log_format, frozenset() if log_format == "json" else _SAID)
