"""The ``sales-pipeline`` command. Imports stay inside the commands, so that ``--help`` is fast."""

from __future__ import annotations

import gc as garbage
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from console import PROGRAM
from console.display.terminal import colour
from console.ending import run_to_the_end
from console.interrupt import hear_every_stop
from console.options import (
    broker_options,
    completed_runs,
    date_option,
    dimension_options,
    duration,
    json_option,
    place_options,
    quiet_option,
    reason_option,
    reports_option,
    run_argument,
    run_options,
    run_settings,
    state_option,
)
from pipeline_core.machine.imports import lean_process

if TYPE_CHECKING:
    from pipeline_core.planning.backfill import Every

# Imports make many objects, and hardly any garbage.
_OBJECTS_BETWEEN_COLLECTIONS = 1_000_000
_USUAL_THRESHOLDS = garbage.get_threshold()
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class SuggestingGroup(click.Group):
    """Says which command a mistyped one was probably meant to be."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean {close[0]!r}?", ctx) from None


@click.group(
    cls=SuggestingGroup,
    context_settings=_CONTEXT,
    epilog="Exit codes: 0 published and complete; 1 failed or refused, the earlier report "
    "stands; 2 wrong usage or settings; 3 published, incomplete.",
)
@click.version_option(package_name="sales-pipeline")
def cli() -> None:
    """Turns a shop's event archives into a sales report that a finance team would sign.

    Places, servers and how a run works are also settings, SALES_<OPTION>, read from the
    environment or from .env; .env.example has them all. An option wins over its setting.
    """


@cli.command()
@place_options
@dimension_options
@run_options
@broker_options
@date_option(
    "--as-of",
    "as_of",
    "Only days dated so far, as if no later one had come; `latest` stays as it is "
    "[default: every day].",
)
@click.option("--wait", is_flag=True, help="If a run is under way, follow that one to its end.")
@json_option
@quiet_option
def run(as_of: date | None, wait: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Plan, process every archive, and publish the reports."""
    from console.fleet import ask_early

    settings = run_settings(options)
    ask_early(settings)
    from console.commands.run import run_command

    sys.exit(run_command(settings, as_of, wait=wait, as_json=as_json, quiet=quiet or as_json))


@cli.command()
@date_option("--from", "first", "First date.", required=True)
@date_option("--to", "last", "Last date.", required=True)
@click.option(
    "--every",
    type=click.Choice(["day", "week", "month"]),
    default="day",
    show_default=True,
    help="A run as of each day, of each Sunday, or of each month's last day.",
)
@place_options
@dimension_options
@run_options
@broker_options
@json_option
@quiet_option
def backfill(
    first: date, last: date, every: Every, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Make the runs `--as-of` each date of a range that are not there yet, newest date first.

    Safe to repeat, and to stop: runs that are published stay, and one that stopped is gone on
    with. Dates before the first day, or after the last, have no run.
    """
    _check_range(first, last)
    settings = run_settings(options)
    from console.commands.backfill import backfill_command

    quiet = quiet or as_json
    sys.exit(backfill_command(settings, first, last, every, as_json=as_json, quiet=quiet))


@cli.command()
@run_argument(metavar="RUN")
@place_options
@broker_options
@json_option
@quiet_option
def resume(run_id: str, as_json: bool, quiet: bool, **options: Any) -> None:
    """Go on with a run that stopped or failed; what is done is not done again.

    Archives that were quarantined are tried anew. A run that is under way is followed.
    """
    from console.commands.run import resume_command

    settings = run_settings(options)
    sys.exit(resume_command(settings, run_id, as_json=as_json, quiet=quiet or as_json))


@cli.command()
@place_options
@broker_options
@json_option
@quiet_option
def recover(as_json: bool, quiet: bool, **options: Any) -> None:
    """Look for a run that stopped moving, and give it what it misses.

    `celery -A workers beat` does this every minute. A run on Celery goes on there; one of this
    machine goes on here.
    """
    from console.commands.run import recover_command

    settings = run_settings(options)
    sys.exit(recover_command(settings, as_json=as_json, quiet=quiet or as_json))


@cli.command()
@place_options
@json_option
def plan(as_json: bool, **options: Any) -> None:
    """Show what a run would read, without running it."""
    from console.commands.plan import show_plan

    show_plan(run_settings(options), as_json=as_json)


@cli.command()
@run_argument(metavar="RUN")
@place_options
@click.option(
    "--allow-incomplete", is_flag=True, help="Publish although something could not be read."
)
@click.option(
    "--allow-drift",
    is_flag=True,
    help="Publish although a figure moved too far since the last published run.",
)
@json_option
def publish(
    run_id: str, allow_incomplete: bool, allow_drift: bool, as_json: bool, **options: Any
) -> None:
    """Publish a run that was refused, without reading anything again.

    A run that was refused for both needs both options.
    """
    from console.commands.run import publish_command

    settings = run_settings(options)
    code = publish_command(
        settings,
        run_id,
        allow_incomplete=allow_incomplete,
        allow_drift=allow_drift,
        as_json=as_json,
    )
    sys.exit(code)


@cli.command()
@place_options
@click.option("-n", "--newest", default=20, show_default=True, help="How many runs to list.")
@json_option
def runs(newest: int, as_json: bool, **options: Any) -> None:
    """List the runs, newest first."""
    from console.commands.runs import list_runs

    list_runs(run_settings(options), newest=newest, as_json=as_json)


@cli.command()
@run_argument()
@place_options
@json_option
def show(run_id: str | None, as_json: bool, **options: Any) -> None:
    """Show one run's figures, rejects and timings (the newest run, unless RUN is given)."""
    from console.commands.runs import show_run

    show_run(run_settings(options), run_id, as_json=as_json)


@cli.command()
@run_argument()
@place_options
@reason_option
@click.option("-n", "--most", default=50, show_default=True, help="How many events to show.")
@json_option
def rejects(
    run_id: str | None, reason: str | None, most: int, as_json: bool, **options: Any
) -> None:
    """Show what a run left out, event by event (the newest run, unless RUN is given)."""
    from console.commands.runs import show_rejects

    show_rejects(run_settings(options), run_id, reason=reason, most=most, as_json=as_json)


@cli.command()
@run_argument()
@click.option("--category", required=True, help="Category, as in the report.")
@click.option("--segment", required=True, help="Customer segment, as in the report.")
@date_option("--date", "day", "Only this date, as in daily_sales.csv.")
@place_options
@click.option(
    "-n",
    "--most",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many events to show.",
)
@json_option
def explain(
    run_id: str | None,
    category: str,
    segment: str,
    day: date | None,
    most: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what a figure of the report is made of, down to the events.

    The figure is one of the newest published run, unless RUN is given. Events that were left out,
    and would or might belong to it, are shown, too.
    """
    from console.commands.explain import show_explanation
    from pipeline_core.questions.explain.explanation import Cell

    cell = Cell(category, segment, day)
    show_explanation(run_settings(options), run_id, cell, most=most, as_json=as_json)


@cli.command()
@date_option("--from", "first", "First date.", required=True)
@date_option("--to", "last", "Last date.", required=True)
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    shell_complete=completed_runs,
    help="Of this run [default: the newest published].",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for sales_report.csv and .parquet, daily_sales.csv, by_category/ and "
    "report.json [default: sales_report.csv on stdout].",
)
@place_options
@json_option
def report(
    first: date, last: date, run_id: str | None, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Print the sales report of a range of dates, both included, as CSV.

    The dates are those in the names of the daily zips. Customers are distinct in the range. Exit
    code 3 if something of the range could not be read.
    """
    _check_range(first, last)
    settings = run_settings(options)
    from console.commands.report import report_command

    sys.exit(report_command(settings, run_id, first, last, out=out, as_json=as_json))


@cli.command()
@run_argument("before", "[RUN_A]")
@run_argument("after", "[RUN_B]")
@place_options
@json_option
def diff(before: str | None, after: str | None, as_json: bool, **options: Any) -> None:
    """Show what changed in the report from one published run to another, and why.

    Compares the two newest; RUN_A alone with the newest. The causes of every row add up to its
    change, to the last decimal.
    """
    from console.commands.diff import show_difference

    show_difference(run_settings(options), before, after, as_json=as_json)


@cli.command()
@place_options
@click.option(
    "--keep-runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Newest runs that keep everything [default: 30].",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
def gc(dry_run: bool, as_json: bool, **options: Any) -> None:
    """Remove extracts, partials and rejects that no later run can use.

    Published reports and the records of runs stay.
    """
    from console.commands.runs import collect

    collect(run_settings(options), dry_run=dry_run, as_json=as_json)


@cli.command()
@run_argument(metavar="RUN")
@place_options
@click.option(
    "--dry-run", is_flag=True, help="Only compare, and change no report; exit 1 if wrong."
)
@json_option
@quiet_option
def rebuild(run_id: str, dry_run: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Compute a past run's reports again, and publish anew what is missing or damaged.

    Its own archives, customers, products and options count: events come from what runs keep, or
    from archives that still have them. Nothing is written unless the run comes out as it did.
    """
    from console.commands.rebuild import rebuild_command

    settings = run_settings(options)
    code = rebuild_command(
        settings, run_id, dry_run=dry_run, as_json=as_json, quiet=quiet or as_json
    )
    sys.exit(code)


@cli.command()
@run_argument()
@place_options
@json_option
@quiet_option
def verify(run_id: str | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Check a published run by counting its archives again (`latest`, unless RUN is given).

    Exit code 0 if everything agrees, 1 with the first difference otherwise. Archives and reports
    are looked for where the run had them, unless --data and --reports say where they are now.
    """
    from console.commands.verify import verify_command

    settings, data, reports = run_settings(options), options["data"], options["reports"]
    sys.exit(
        verify_command(settings, run_id, data, reports, as_json=as_json, quiet=quiet or as_json)
    )


@cli.command()
@place_options
@dimension_options
@broker_options
@json_option
@click.option("--live", is_flag=True, help="Only: does a worker of this machine live?")
@click.option(
    "--fresh",
    metavar="AGE",
    callback=duration,
    help="Only: is the newest report at most so old, such as 26h (s, m, h or d)?",
)
def doctor(as_json: bool, live: bool, fresh: timedelta | None, **options: Any) -> None:
    """Check settings, storage, database, broker, workers and clock; exit 1 if one fails."""
    from console import checks, health

    settings = run_settings(options)
    found = [health.live(settings)] if live else []
    found += [health.fresh(settings, fresh)] if fresh is not None else []
    if not found:
        from console.commands.doctor import examine

        found = examine(settings)
    sys.exit(checks.report(found, as_json=as_json))


@cli.command()
@click.option(
    "--host", "serve_host", metavar="ADDRESS", help="Where to listen [default: 127.0.0.1]."
)
@click.option(
    "--port",
    "serve_port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Port to listen on; 0 is any free one [default: 8080].",
)
@click.option(
    "--names",
    "serve_names",
    metavar="NAMES",
    help="Host names to answer to besides localhost, separated by commas [default: none].",
)
@click.option("--flower-url", metavar="URL", help="Flower's page, to link to [default: none].")
@reports_option
@state_option
def serve(**options: Any) -> None:
    """Show the published reports, and the run under way, to browsers. Read-only.

    /latest/ is the newest report, /live the progress of every archive, and /api/progress the same
    as JSON. Without --host, only this machine can look. Names of hosts that are not in --names
    are refused: a web page of elsewhere may point its own name here.
    """
    settings = run_settings(options)
    from console.serving import serve_command

    garbage.set_threshold(*_USUAL_THRESHOLDS)  # it stays for weeks
    sys.exit(serve_command(settings))


@cli.command()
@click.option(
    "--folder", default=".demo", show_default=True, help="Where the data and reports are left."
)
@click.option("--archives", default=50, show_default=True, help="Weekly archives to generate.")
@click.option("--workers", default=2, show_default=True, help="Celery worker processes.")
@click.option("--dirt", default=0.01, show_default=True, help="Share (0 to 1) of spoilt events.")
def demo(folder: str, archives: int, workers: int, dirt: float) -> None:
    """Run the whole job on sample archives with real, throw-away servers and workers."""
    from console.commands.demo import demo_command

    sys.exit(demo_command(folder, archives=archives, workers=workers, dirt=dirt))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options and run ids.

    \b
    bash: sales-pipeline completion bash > ~/.local/share/bash-completion/completions/sales-pipeline
    zsh:  eval "$(sales-pipeline completion zsh)"            in ~/.zshrc, after compinit
    fish: sales-pipeline completion fish > ~/.config/fish/completions/sales-pipeline.fish
    """  # noqa: D301  (click's own sign, not two characters)
    from click.shell_completion import get_completion_class

    made_by = get_completion_class(shell)
    if made_by is not None:
        click.echo(made_by(cli, {}, PROGRAM, "_SALES_PIPELINE_COMPLETE").source())


def _check_range(first: date, last: date) -> None:
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}.")


def main() -> NoReturn:
    """Entry point: every error ends as one clear text on stderr, with an exit code."""
    garbage.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    lean_process()
    hear_every_stop()
    run_to_the_end(lambda: cli(prog_name=PROGRAM, standalone_mode=False, color=colour()))


if __name__ == "__main__":
    main()
