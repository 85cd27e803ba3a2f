"""Options that several commands share. Each has the name of the setting it overrides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
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


reports_option = click.option(
    "--reports", metavar="URI", help="Folder to publish in [default: reports]."
)
state_option = click.option(
    "--state", metavar="URI", help="Folder for the records of runs [default: state]."
)
place_options = _together(
    click.option("--data", metavar="URI", help="Folder of the weekly archives [default: data]."),
    reports_option,
    state_option,
)

dimension_options = _together(
    click.option(
        "--database",
        "database_url",
        metavar="URL",
        help="postgresql:// URL of customers and products, also where SALES_DIMENSIONS is set "
        "[default: from SALES_DB_*].",
    ),
    click.option(
        "--dimensions",
        metavar="DIR|plugin:NAME",
        help="In place of a database, folder with customers and products as .csv or .parquet, or "
        "a function of a package of your own.",
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
    place_options,
    dimension_options,
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
    click.option(
        "--returns",
        type=click.Choice(["reject", "net", "separate"]),
        help="What came back: leave out, subtract, or report apart in returns.csv "
        "[default: reject].",
    ),
    broker_options,
)


def completed_runs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Runs that the shell may offer, newest first; none if the state cannot be read."""
    from pipeline_core.errors import PipelineError
    from pipeline_core.ledger import read_state, run_ids
    from pipeline_core.settings import load_settings, store_variables
    from pipeline_core.store_environment import use_store_variables
    from pipeline_core.vouching.key import use_state_key

    try:
        settings = load_settings({"state": ctx.params.get("state")})
        use_state_key(settings.chosen_state_key())
        use_store_variables(store_variables())
        state = read_state(settings.state)
        return [each for each in reversed(run_ids(state)) if each.startswith(incomplete)]
    except PipelineError:  # the command itself will say so
        return []


def run_argument(name: str = "run_id", metavar: str = "[RUN]") -> Callable[[_Command], _Command]:
    """A run's id, completed by the shell; in brackets it may be left out."""
    return click.argument(
        name,
        metavar=metavar,
        required=not metavar.startswith("["),
        callback=no_empty_run,
        shell_complete=completed_runs,
    )


def no_empty_run(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A run's id as it was given. An empty one is no run left out, which would mean the newest."""
    if value == "":
        raise click.BadParameter(
            "No run has an empty name; `sales-pipeline runs` lists them. Is a variable of the "
            "shell not set?",
            param=param,
        )
    return value


def _reasons(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from pipeline_core.messages import RejectReason

    return [reason for reason in RejectReason if reason.startswith(incomplete)]


def _known_reason(_ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    from difflib import get_close_matches

    from pipeline_core.messages import RejectReason

    known = [reason.value for reason in RejectReason]
    if value is None or value in known:
        return value
    close = get_close_matches(value, known, n=1)
    help_ = f"Did you mean {close[0]}?" if close else f"It is one of {', '.join(known)}."
    raise click.BadParameter(f"{value!r} is no reason. {help_}", param=param)


reason_option = click.option(
    "--reason",
    metavar="REASON",
    callback=_known_reason,
    shell_complete=_reasons,
    help="Only rejects for this reason, such as unknown_product.",
)


def date_option(
    name: str, argument: str, help_: str, *, required: bool = False
) -> Callable[[_Command], _Command]:
    """A date, such as 2024-03-01."""

    def as_date(_ctx: click.Context, _param: click.Parameter, value: datetime | None) -> Any:
        return None if value is None else value.date()

    return click.option(
        name,
        argument,
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="YYYY-MM-DD",
        callback=as_date,
        required=required,
        help=help_,
    )


def check_range(first: date, last: date) -> None:
    """Raises UsageError if the last date is before the first."""
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}.")


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
    """Settings with the given options on top; logging starts here, as they say, and states are
    opened under their key.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    from console.command_logs import configure_command_logs
    from pipeline_core.logs import get_logger
    from pipeline_core.settings import load_settings, misspelt_variables, store_variables
    from pipeline_core.store_environment import use_store_variables
    from pipeline_core.vouching.key import use_state_key

    settings = load_settings(options)
    configure_command_logs(settings.log_level, settings.log_format)
    use_state_key(settings.chosen_state_key())
    use_store_variables(store_variables())
    for name, meant in misspelt_variables().items():
        get_logger().warning("no_such_setting", name=name, perhaps=meant)
    return settings
