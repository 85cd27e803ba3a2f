"""What ``celery worker`` and ``beat`` start: Celery's own programs, a worker by a name that no
other has, and both without a banner in a JSON log."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import click
from celery.apps.beat import Beat
from celery.apps.worker import Worker
from celery.utils.nodenames import gethostname, nodename
from click.core import ParameterSource

from pipeline_core.logs import get_logger, name_in_every_line
from workers.celery import settings
from workers.log_lines import configure_log_lines
from workers.sending.broker_tls import tls_error
from workers.start_checks import end

log = get_logger()

_RANDOM_BYTES = 3


class NamedWorker(Worker):  # type: ignore[misc]
    """Celery's. It would call every worker of a host ``celery@HOST``: what asks the fleet counts
    one, and so do Flower and the logs. Two containers may share a host name, and have the same
    process ids, so that chance alone tells them apart."""

    def __init__(self, app: Any = None, hostname: str | None = None, **options: Any) -> None:
        chosen = hostname if hostname and _is_chosen() else _own_name()
        name_in_every_line(worker=chosen)
        configure_log_lines(settings)  # before Celery warns of anything
        _end_without_tls()
        super().__init__(app, chosen, **options)

    def emit_banner(self) -> None:
        """As Celery's; in a JSON log, a line of what is in it."""
        if settings.log_format != "json":
            super().emit_banner()
            return
        broker = self.app.connection().as_uri()
        log.info("worker_starting", broker=broker, processes=self.concurrency)


class LoggedBeat(Beat):  # type: ignore[misc]
    """Celery's, whose banner is no line of a JSON log."""

    def __init__(self, *arguments: Any, quiet: bool = False, **options: Any) -> None:
        configure_log_lines(settings)
        _end_without_tls()
        is_quiet = quiet or settings.log_format == "json"
        super().__init__(*arguments, quiet=is_quiet, **options)


def _end_without_tls() -> None:
    """Ends the process with exit code 2 if there is no TLS with broker or result store where one
    side expects it: it would try for ever. One that is away may come back."""
    for setting in ("SALES_BROKER_URL", "SALES_RESULT_BACKEND"):
        if (refused := tls_error(settings, setting)) is not None:
            end(refused)


def _is_chosen() -> bool:
    """Whether it was said by ``-n``; a program that makes a worker of its own names it itself."""
    context = click.get_current_context(silent=True)
    source = None if context is None else context.get_parameter_source("hostname")
    return source is not ParameterSource.DEFAULT


def _own_name() -> str:
    return str(nodename(f"worker-{token_hex(_RANDOM_BYTES)}", gethostname()))
