"""``make bench``: this project beside its peers and the floors, on the same generated data."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import PROJECT, growth, pages
from bench.contenders import ALL, QUICK_TO_START, contenders
from bench.days import measure_days
from bench.feeds import measure_feeds
from bench.machine import look_around
from bench.results import OURS_1, OURS_2, Comparison, Days, Feeds, Growth, load, save
from bench.rounds import compare
from bench.shop import SIZES, prepare

_BUSY = 0.5


@click.command()
@click.option("--size", type=click.Choice(list(SIZES)), help="How much data.  [default: small]")
@click.option("--growth", "grow", is_flag=True, help="Growth curves, instead of or after a size.")
@click.option("--feeds", "fed", is_flag=True, help="Lines, other names, gzip: of size, or large.")
@click.option("--days", "daily", is_flag=True, help="The next day, alone and with changed lists.")
@click.option("--before", help="With --days: a commit whose build is measured beside this one.")
@click.option("--rounds", default=5, show_default=True, help="Timed rounds; the median counts.")
@click.option("--only", multiple=True, type=click.Choice(ALL), help="Only these contenders.")
@click.option("--report-only", is_flag=True, help="Measure nothing; render what was measured.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=PROJECT / ".bench",
    help="Where data and results are kept.  [default: .bench]",
)
@click.option(
    "--docs",
    type=click.Path(path_type=Path),
    help="Where performance.md and images/ are.  [default: docs; for size tiny, the folder]",
)
def main(
    size: str | None,
    grow: bool,
    fed: bool,
    daily: bool,
    before: str | None,
    rounds: int,
    only: Sequence[str],
    report_only: bool,
    folder: Path,
    docs: Path | None,
) -> None:
    """Measures contenders in turn, prints ratios first, and writes docs/performance.md.

    Fails if reports are not identical to the cent, the unit and the customer.
    """
    # A terminated benchmark stops its workers and servers, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if size == "tiny":  # it shows that all of this works, and no figure worth keeping
        folder /= "tiny"
        docs = docs or folder
    if not report_only:
        if not (fed or daily) and (size or not grow):
            _measure_size(size or "small", only, folder, rounds)
        if grow:
            _measure_growth(only or growth.ALL, folder, rounds, tiny=size == "tiny")
        if fed:
            _measure_feeds(size or "large", folder, rounds)
        if daily:
            _measure_days(folder, rounds, before, tiny=size == "tiny")
    results, docs = folder / "results", docs or PROJECT / "docs"
    sizes = {name: load(results / f"{name}.json", Comparison) for name in SIZES}
    found = {name: result for name, result in sizes.items() if result is not None}
    grown, feeds = load(results / "growth.json", Growth), load(results / "feeds.json", Feeds)
    pages.render(docs, found, grown, feeds, load(results / "days.json", Days))
    _say(f"Written: {docs / 'performance.md'}")


def _measure_size(size: str, only: Sequence[str], folder: Path, rounds: int) -> None:
    _say(f"Data of size {size} ...")
    shop = prepare(folder / "data", SIZES[size])
    machine = look_around()
    if machine.load > _BUSY:
        _say(f"Other programs want {machine.load} cores here; the figures will be worth less.")
    wanted = only or (ALL if size == "large" else QUICK_TO_START)
    with contenders(folder, wanted) as (available, skipped):
        if not only:
            late = "its start-up alone takes longer than all of this; it is in size large"
            skipped |= {name: late for name in ALL if name not in wanted}
        _tell_skipped(skipped)
        with TemporaryDirectory(prefix="work-", dir=folder) as work:
            figures = compare(available, shop.data, shop.dimensions, Path(work), rounds, _say)
    result = Comparison(
        size=size,
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        data=shop.facts,
        rounds=rounds,
        figures=figures,
        skipped=skipped,
    )
    save(folder / "results" / f"{size}.json", result)
    pages.show(result)


def _measure_growth(wanted: Sequence[str], folder: Path, rounds: int, *, tiny: bool) -> None:
    with contenders(folder, [*wanted, OURS_2]) as (available, skipped):
        _tell_skipped(skipped)
        with TemporaryDirectory(prefix="work-", dir=folder) as work:
            grown = growth.measure_growth(available, folder, Path(work), rounds, _say, tiny=tiny)
    save(folder / "results" / "growth.json", grown)
    pages.show_growth(grown)


def _measure_feeds(size: str, folder: Path, rounds: int) -> None:
    shop = prepare(folder / "data", SIZES[size])
    with contenders(folder, [OURS_1]) as ((ours,), _), TemporaryDirectory(dir=folder) as work:
        place = shop.data.parent / "feeds"
        found = measure_feeds(ours, shop, place, Path(work), rounds, _say)
    save(folder / "results" / "feeds.json", found)
    pages.show_feeds(found)


def _measure_days(folder: Path, rounds: int, before: str | None, *, tiny: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="work-", dir=folder) as work:
        found = measure_days(folder, Path(work), rounds, before, _say, tiny=tiny)
        save(folder / "results" / "days.json", found)  # to remove what was made takes a while
    pages.show_days(found)


def _tell_skipped(skipped: dict[str, str]) -> None:
    for name, reason in skipped.items():
        _say(f"Skipped {name}: {reason}.")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
