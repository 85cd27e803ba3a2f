"""What ends ``celery worker``, ``beat`` and ``flower`` at their start: exit code 2, and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click
from click.core import ParameterSource

from pipeline_core.errors import ConfigError
from pipeline_core.machine.standard_streams import lose_what_cannot_be_written
from pipeline_core.settings import DEFAULT_BROKER_URL, Settings, load_settings, store_variables
from pipeline_core.store_environment import use_store_variables

_SERVICES = {"worker", "beat", "flower"}
_SETTING_OF = {
    "broker": "SALES_BROKER_URL",
    "result_backend": "SALES_RESULT_BACKEND",
    "config": "SALES_*",
    "loader": "SALES_*",
}


def lose_log_lines_on_full_disk() -> None:
    """Has ``celery worker``, ``beat`` and ``flower`` work on where what they say cannot be written,
    or nobody reads it any more; all they say is log lines. Nothing in another program."""
    context = _celery_command()
    if context is not None:
        is_service = context.invoked_subcommand in _SERVICES
        lose_what_cannot_be_written("stderr", *(["stdout"] if is_service else []))


def load_settings_or_end() -> Settings:
    """Settings; from now on object stores are opened as .env says. ``celery`` is ended with exit
    code 2 and what is wrong with either.

    Raises:
        ConfigError: a setting is wrong, and this is another program.
    """
    try:
        settings = load_settings()
        use_store_variables(store_variables())
        if _celery_command() is not None:
            settings.check_plugins()
        return settings
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
    click.echo(f"Error: {error.message}\n  {error.remedy}".rstrip(), err=True)
    raise SystemExit(2)


def _celery_command() -> click.Context | None:
    context = click.get_current_context(silent=True)
    return context if context is not None and context.command.name == "celery" else None


def warn_flower_without_broker(settings: Settings) -> None:
    """A line on standard error if ``celery flower`` has no broker: it has no log of ours."""
    context = _celery_command()
    if context is not None and context.invoked_subcommand == "flower" and not settings.broker_url:
        click.echo(f"SALES_BROKER_URL is not set; Flower tries {DEFAULT_BROKER_URL}.", err=True)


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
