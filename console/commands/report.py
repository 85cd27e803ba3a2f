"""``report``: the sales report of some dates, of a month or of a year, and what changed in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import complain, note, print_json
from console.options import (
    check_range,
    completed_runs,
    date_option,
    json_option,
    no_empty_run,
    place_options,
    run_settings,
)
from console.run_places import check_reports_place
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from pipeline_core.ledger import RunLedger
    from pipeline_core.questions.comparison import ComparedSales
    from pipeline_core.questions.period import ComparedWith, Period
    from pipeline_core.questions.range_report import RangeReport, RangeSales

_DAYS_SHOWN = 6


def _parsed(ctx: click.Context, param: click.Parameter, value: str | None) -> Period | None:
    from pipeline_core.questions.period import Period

    parse: Callable[[str], Period] = (
        Period.parse_month if param.name == "month" else Period.parse_year
    )
    try:
        return None if value is None else parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", ctx, param) from None


@click.command()
@date_option("--from", "first", "First date; with --to.")
@date_option("--to", "last", "Last date; with --from.")
@click.option("--month", metavar="YYYY-MM", callback=_parsed, help="All dates of a month instead.")
@click.option("--year", metavar="YYYY", callback=_parsed, help="All dates of a year instead.")
@click.option(
    "--compare",
    "compared_with",
    type=click.Choice(["previous", "last-year"]),
    help="Beside the month or year before, or the same month a year before; of one that is not "
    "over, beside the same days.",
)
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
    help="New folder for sales_report.csv and .parquet, daily_sales.csv, by_category/, "
    "report.json; returns.csv and .parquet, if returns are separate; comparison.csv, with "
    "--compare [default: stdout].",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["csv", "table"]),
    help="Of stdout: CSV, or a table to read [default: csv; with --compare a table].",
)
@place_options
@json_option
def report_command(
    first: date | None,
    last: date | None,
    month: Period | None,
    year: Period | None,
    compared_with: ComparedWith | None,
    run_id: str | None,
    out: Path | None,
    shape: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print the sales report of a month, a year or a range of dates, both included.

    The dates are those of the days. Customers are distinct in the range. Exit
    code 3 if something of the range could not be read, or the run has no day of it.
    """
    period = _period(first, last, month, year, compared_with)
    settings = run_settings(options)
    from pipeline_core.errors import ConfigError
    from pipeline_core.ledger import RunLedger, read_state
    from pipeline_core.publication.latest import chosen_run
    from pipeline_core.questions.range_report import range_sales

    if out is not None and (out.is_file() or (out.is_dir() and any(out.iterdir()))):
        raise ConfigError(f"{out} is there already.", "Name a folder that is not, or is empty.")
    state = read_state(settings.state, may_add=True)
    ledger = RunLedger(state, chosen_run(state, run_id))
    check_reports_place(settings, ledger)
    if isinstance(period, tuple):
        found, compared = range_sales(ledger, *period), None
    elif compared_with is None:
        found, compared = range_sales(ledger, period.first, period.last), None
    else:
        compared = _compared(ledger, period, compared_with)
        found = compared.sales
    reports = [found.report] if compared is None else [found.report, compared.comparison.before]
    if out is not None:
        _write(found, compared, out.absolute())
    if as_json:
        print_json(found.report if compared is None else compared.comparison)
    elif out is None:
        _print(found, compared, shape)
    else:
        _print_totals(found.report, out)
    for report in reports:
        _tell_gaps(report, is_asked_for=report is found.report)
    _tell_undated(found.report)
    sys.exit(0 if found.report.days and all(report.is_whole for report in reports) else 3)


def _period(
    first: date | None,
    last: date | None,
    month: Period | None,
    year: Period | None,
    compared_with: ComparedWith | None,
) -> Period | tuple[date, date]:
    """The one that is asked for. Raises UsageError if that is none, or more than one."""
    whole = month or year
    if whole is not None:
        if first or last or (month and year):
            raise click.UsageError("--month, --year, and --from with --to: only one of them goes.")
        return whole
    if compared_with is not None:
        raise click.UsageError("--compare goes with --month or --year.")
    if first is None or last is None:
        raise click.UsageError("Say of when: --month, --year, or --from and --to.")
    check_range(first, last)
    return first, last


def _compared(ledger: RunLedger, period: Period, compared_with: ComparedWith) -> ComparedSales:
    from pipeline_core.questions.comparison import compare

    try:
        period.before(compared_with)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    return compare(ledger, period, compared_with)


def _write(found: RangeSales, compared: ComparedSales | None, out: Path) -> None:
    """The files of a run that a range can have, as a whole."""
    from pipeline_core.load.tables import to_parquet, write_by_category, write_csv
    from pipeline_core.messages import to_json
    from pipeline_core.storage.local import LocalStorage
    from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
    from pipeline_core.transform.reports.returns import REPORT as RETURNS

    safe = found.spreadsheet_safe
    added = {} if compared is None else {"comparison": compared.table}
    report = found.report if compared is None else compared.comparison
    with LocalStorage(out.parent).publish_folder(out.name) as folder:
        for name, table in (found.tables | added).items():
            write_csv(table, folder / f"{name}.csv", spreadsheet_safe=safe)
            if name in (CATEGORY_SALES.name, RETURNS.name):
                (folder / f"{name}.parquet").write_bytes(to_parquet(table))
        write_by_category(found.sales, folder / "by_category", spreadsheet_safe=safe)
        (folder / "report.json").write_bytes(to_json(report))


def _print(found: RangeSales, compared: ComparedSales | None, shape: str | None) -> None:
    from console.display.comparison import print_comparison, print_range
    from pipeline_core.load.tables import csv_lines

    if compared is not None and shape != "csv":
        print_comparison(compared.comparison)
    elif shape == "table":
        print_range(found.report)
    else:
        table = found.sales if compared is None else compared.table
        for line in csv_lines(table, spreadsheet_safe=found.spreadsheet_safe):
            sys.stdout.buffer.write(line.encode())


def _print_totals(report: RangeReport, out: Path) -> None:
    from console.display.comparison import totals_in_words

    click.echo(totals_in_words(report))
    click.echo(f"Files: {plain(str(out))}/")


def _tell_gaps(report: RangeReport, *, is_asked_for: bool) -> None:
    """What a reader of the figures should know, on stderr."""
    span = f"from {report.first} to {report.last}"
    if not report.days:
        has = f"{report.run_first} to {report.run_last}" if report.run_first else "no date"
        told = f"Run {report.run_id} has no day {span}."
        if is_asked_for:
            complain(told, f"It has days of {has}.")
        else:
            note(told)
    elif not report.is_covered:
        days = f"{report.run_first} to {report.run_last}"
        click.echo(f"The run has days of {days}, and so not all {span}.", err=True)
    if report.missing_days:
        more = ", ..." if len(report.missing_days) > _DAYS_SHOWN else ""
        shown = ", ".join(map(str, report.missing_days[:_DAYS_SHOWN]))
        click.echo(f"Days missing {span}: {len(report.missing_days)} ({shown}{more}).", err=True)
    if not report.is_whole:
        unread = len(report.unreadable) + report.unlisted
        several = unread > 1
        complain(
            f"{unread:,} input{'s' if several else ''} that may be of a day {span} could not be "
            "read.",
            f"`--json` names {'them' if several else 'it'}.",
        )


def _tell_undated(report: RangeReport) -> None:
    if report.undated_days:
        click.echo(
            f"Without a date in their names, and so in no range: "
            f"{counted(report.undated_days, 'day')} of the run.",
            err=True,
        )
