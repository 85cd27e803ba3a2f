"""Options that several commands share. Each has the name of the setting it overrides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pipeline_core.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _together(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


place_options = _together(
    click.option("--data", metavar="URI", help="Folder of the weekly archives [default: data]."),
    click.option("--reports", metavar="URI", help="Folder to publish in [default: reports]."),
    click.option("--state", metavar="URI", help="Folder for the records of runs [default: state]."),
)

dimension_options = _together(
    click.option(
        "--database",
        "database_url",
        metavar="URL",
        help="SQLAlchemy URL of customers and products [default: from SALES_DB_*].",
    ),
    click.option(
        "--dimensions",
        metavar="DIR",
        help="Folder with customers and products as .csv or .parquet, in place of a database.",
    ),
)

broker_options = _together(
    click.option(
        "--broker",
        "broker_url",
        metavar="URL",
        help="redis:// or rediss:// URL of the Celery broker [default: SALES_BROKER_URL].",
    ),
)

run_options = _together(
    click.option(
        "--engine",
        type=click.Choice(["local", "celery"]),
        help="Processes of this machine, or Celery workers [default: celery if a broker is set].",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes of the local engine [default: from the machine profile].",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        metavar="N",
        help="Events a process holds at once; bounds memory [default: from the profile].",
    ),
    click.option(
        "--profile",
        type=click.Choice(["auto", "weak", "strong"]),
        help="Machine profile for jobs and batch size [default: auto].",
    ),
    click.option(
        "--full",
        is_flag=True,
        default=None,
        help="Use nothing that earlier runs left; read everything.",
    ),
    click.option(
        "--allow-incomplete",
        is_flag=True,
        default=None,
        help="Publish although something could not be read (exit code 3).",
    ),
    click.option(
        "--allow-drift",
        is_flag=True,
        default=None,
        help="Publish although a figure moved further since the last published run than the "
        "SALES_MAX_... settings allow.",
    ),
    click.option(
        "--unknown",
        type=click.Choice(["reject", "bucket"]),
        help="Purchases of unknown products or customers: leave out, or keep under 'Unknown' "
        "[default: reject].",
    ),
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(_ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A number and its unit: 90s, 45m, 26h, 2d."""
    if value is None:
        return None
    number, unit = value[:-1], value[-1:]
    try:
        if number.isascii() and number.isdigit() and unit in _UNITS:
            return timedelta(**{_UNITS[unit]: int(number)})
    except (OverflowError, ValueError):  # no report is so old
        pass
    raise click.BadParameter(f"{value!r} is no age such as 90s, 45m, 26h or 2d.", param=param)


quiet_option = click.option("--quiet", is_flag=True, help="No progress and no table; errors only.")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="JSON on stdout and nothing else."
)


def run_settings(options: dict[str, Any]) -> Settings:
    """Settings with the given options on top; logging starts here, as they say.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    from pipeline_core.logs import configure_logs
    from pipeline_core.settings import load_settings

    settings = load_settings(options)
    configure_logs(settings.log_level, settings.log_format)
    return settings
