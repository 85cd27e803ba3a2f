"""Celery's app, with one broker for workers, beat, Flower and the command: that of ``SALES_*``.

Celery lets ``CELERY_BROKER_URL`` and its like win over what an app was given, in the processes
that happen to have them: workers would listen at one broker, and the command send to another.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from celery import Celery
from celery.loaders.app import AppLoader
from click.core import ParameterSource

from pipeline_core.errors import ConfigError
from pipeline_core.settings import Settings, load_settings

_SETTING_OF = {
    "broker": "SALES_BROKER_URL",
    "result_backend": "SALES_RESULT_BACKEND",
    "config": "SALES_*",
    "loader": "SALES_*",
}
_SERVERS = {"broker_url", "broker_read_url", "broker_write_url", "result_backend"}


class Loader(AppLoader):  # type: ignore[misc]
    """Reads no module that ``CELERY_CONFIG_MODULE`` names."""

    def read_configuration(self, env: str = "") -> None:
        """The app is given all of its configuration."""


class App(Celery):  # type: ignore[misc]
    """Celery's app. ``conf.broker_url`` and its like ask the environment first, ``conf[…]`` has
    what the app was given."""

    def __init__(self, main: str, **options: Any) -> None:
        super().__init__(main, loader=Loader, **options)

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_read(url or self.conf["broker_url"], **options)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(url or self.conf["broker_url"], **options)

    def connection(self, hostname: str | None = None, **options: Any) -> Any:
        return super().connection(hostname or self.conf["broker_url"], **options)

    @property
    def backend_cls(self) -> str:
        """Celery's name for what may be a URL."""
        return str(self.conf["result_backend"])

    def config_from_cmdline(self, argv: Sequence[str], namespace: str = "celery") -> None:
        """Settings at the end of ``celery worker`` and ``celery beat``, the servers excepted.

        Raises:
            ValueError: one of them is a server.
        """
        found = self.loader.cmdline_config_parser(argv, namespace)
        if not _SERVERS.isdisjoint(found):
            raise ValueError("the broker is SALES_BROKER_URL, for workers and command alike")
        self.conf.update(found)


def load_settings_or_end() -> Settings:
    """Settings; ``celery`` is ended with exit code 2 and what is wrong with them.

    Raises:
        ConfigError: a setting is wrong, and this is another program.
    """
    try:
        return load_settings()
    except ConfigError as error:
        if _celery_command() is None:
            raise
        end(error)


def end_without_folder(setting: str, file: Path) -> None:
    """Ends the process with exit code 2 if there is no folder in which to write the file that a
    setting names: found out later, it would be a traceback, or one line among many."""
    folder = file.absolute().parent
    if not os.access(file, os.W_OK) and not os.access(folder, os.W_OK | os.X_OK):
        cause = "may not be written by this user" if folder.is_dir() else "does not exist"
        end(ConfigError(f"{setting}: the folder {folder} {cause}.", "Make it, or correct that."))


def end(error: ConfigError) -> NoReturn:
    """Ends the process with exit code 2 and what is wrong."""
    click.echo(f"Error: {error}", err=True)
    raise SystemExit(2)


def _celery_command() -> click.Context | None:
    context = click.get_current_context(silent=True)
    return context if context is not None and context.command.name == "celery" else None


def refuse_other_servers() -> None:
    """Ends ``celery -b URL …``, and the like, with exit code 2: the command would not see it."""
    context = _celery_command()
    if context is None:
        return
    for option, setting in _SETTING_OF.items():
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            name = option.replace("_", "-")
            click.echo(
                f"--{name} would be for this process only; workers, beat, Flower, command and "
                f"doctor share one configuration. Set {setting} instead.",
                err=True,
            )
            raise SystemExit(2)
