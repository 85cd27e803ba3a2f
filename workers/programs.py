"""What ``celery worker`` starts: Celery's own program, by a name that no other worker has."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import click
from celery.apps.worker import Worker
from celery.utils.nodenames import gethostname, nodename
from click.core import ParameterSource

from pipeline_core.logs import name_in_every_line

_RANDOM_BYTES = 3


class NamedWorker(Worker):  # type: ignore[misc]
    """Celery's. It would call every worker of a host ``celery@HOST``: what asks the fleet counts
    one, and so do Flower and the logs. Two containers may share a host name, and have the same
    process ids, so that chance alone tells them apart."""

    def __init__(self, app: Any = None, hostname: str | None = None, **options: Any) -> None:
        chosen = hostname if hostname and _is_chosen() else _own_name()
        super().__init__(app, chosen, **options)

    def setup_logging(self, colorize: bool | None = None) -> Any:
        """As Celery's; each line of a JSON log says whose it is."""
        name_in_every_line(worker=self.hostname)
        return super().setup_logging(colorize)


def _is_chosen() -> bool:
    """Whether it was said by ``-n``; a program that makes a worker of its own names it itself."""
    context = click.get_current_context(silent=True)
    source = None if context is None else context.get_parameter_source("hostname")
    return source is not ParameterSource.DEFAULT


def _own_name() -> str:
    return str(nodename(f"worker-{token_hex(_RANDOM_BYTES)}", gethostname()))
