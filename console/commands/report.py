"""``report``: the sales report of a range of dates."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import complain, print_json
from console.options import (
    check_range,
    completed_runs,
    date_option,
    json_option,
    no_empty_run,
    place_options,
    run_settings,
)
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from pipeline_core.questions.range_report import RangeReport, RangeSales

_DAYS_SHOWN = 6


@click.command()
@date_option("--from", "first", "First date.", required=True)
@date_option("--to", "last", "Last date.", required=True)
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    callback=no_empty_run,
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
def report_command(
    first: date, last: date, run_id: str | None, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Print the sales report of a range of dates, both included, as CSV.

    The dates are those of the days. Customers are distinct in the range. Exit
    code 3 if something of the range could not be read.
    """
    check_range(first, last)
    settings = run_settings(options)
    from pipeline_core.errors import ConfigError
    from pipeline_core.ledger import RunLedger, open_state
    from pipeline_core.load.tables import csv_lines
    from pipeline_core.publication.latest import chosen_run
    from pipeline_core.questions.range_report import range_sales

    if out is not None and (out.is_file() or (out.is_dir() and any(out.iterdir()))):
        raise ConfigError(f"{out} is there already.", "Name a folder that is not, or is empty.")
    state = open_state(settings.state)
    found = range_sales(RunLedger(state, chosen_run(state, run_id)), first, last)
    if out is not None:
        _write(found, out.absolute())
    if as_json:
        print_json(found.report)
    elif out is None:
        for line in csv_lines(found.sales, spreadsheet_safe=found.spreadsheet_safe):
            sys.stdout.buffer.write(line.encode())
    else:
        _print_totals(found.report, out)
    _tell(found.report)
    sys.exit(0 if found.report.is_whole else 3)


def _write(found: RangeSales, out: Path) -> None:
    """The files of a run that a range can have, as a whole."""
    from pipeline_core.load.tables import to_parquet, write_by_category, write_csv
    from pipeline_core.messages import to_json
    from pipeline_core.storage.local import LocalStorage

    safe = found.spreadsheet_safe
    with LocalStorage(out.parent).publish_folder(out.name) as folder:
        for name, table in found.tables.items():
            write_csv(table, folder / f"{name}.csv", spreadsheet_safe=safe)
        (folder / "sales_report.parquet").write_bytes(to_parquet(found.sales))
        write_by_category(found.sales, folder / "by_category", spreadsheet_safe=safe)
        (folder / "report.json").write_bytes(to_json(found.report))


def _print_totals(report: RangeReport, out: Path) -> None:
    from pipeline_core.transform.money import grouped

    totals = report.totals
    click.echo(
        f"{report.first} to {report.last}, run {report.run_id}: revenue "
        f"{grouped(totals.total_revenue)}, {counted(totals.units_sold, 'unit')}, "
        f"{counted(totals.unique_customers, 'customer')}, {counted(len(report.days), 'day')}."
    )
    click.echo(f"Files: {plain(str(out))}/")


def _tell(report: RangeReport) -> None:
    """What a reader of the figures should know, on stderr."""
    if not report.days:
        click.echo(
            f"Run {report.run_id} has no day from {report.first} to {report.last}.", err=True
        )
    if report.missing_days:
        more = ", ..." if len(report.missing_days) > _DAYS_SHOWN else ""
        shown = ", ".join(map(str, report.missing_days[:_DAYS_SHOWN]))
        click.echo(f"Days missing: {len(report.missing_days)} ({shown}{more}).", err=True)
    if report.undated_days:
        click.echo(
            f"Without a date in their names, and so in no range: "
            f"{counted(report.undated_days, 'day')} of the run.",
            err=True,
        )
    if not report.is_whole:
        unread = len(report.unreadable) + report.unlisted
        several = unread > 1
        complain(
            f"{unread:,} input{'s' if several else ''} that may be of this range "
            "could not be read.",
            f"`--json` names {'them' if several else 'it'}.",
        )
