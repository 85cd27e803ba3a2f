"""``make bench``: this project beside its peers and the floors, on the same generated data."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import PROJECT, growth, pages
from bench.builds import Build, build_of
from bench.contenders import ALL, QUICK_TO_START, contenders
from bench.days import measure_days
from bench.feeds import measure_feeds
from bench.machine import look_around
from bench.results import (
    DAYS,
    FEEDS,
    FLEET,
    GROWTH,
    OURS_1,
    OURS_2,
    PEERS,
    SCALE,
    Comparison,
    Days,
    Feeds,
    Growth,
    Measured,
    Scale,
    StoreRequests,
    Trial,
    load,
    save,
)
from bench.rounds import compare
from bench.scale import measure_scale
from bench.shop import SIZES, prepare
from bench.store_requests import measure_requests
from bench.trials import TRIALS, Bench, measure_trial

_BUSY = 0.5
_Found = Trial | Growth | Feeds | Days | StoreRequests | Scale
_WHATS = (PEERS, *TRIALS, GROWTH, FEEDS, DAYS, FLEET, SCALE)


@click.command()
@click.option(
    "--size", type=click.Choice(list(SIZES)), default="small", show_default=True, help="How much."
)
@click.option(
    "--what",
    multiple=True,
    type=click.Choice(_WHATS),
    help="Only these.  [default: peers; of size large, neither growth nor anything behind it]",
)
@click.option("--fleet", is_flag=True, help="As --what fleet: what is asked of an object store.")
@click.option("--scale", is_flag=True, help="As --what scale: 1,000 to 100,000 archives.")
@click.option("--before", metavar="COMMIT", help="Measure the build of a commit, too.")
@click.option("--rounds", default=5, show_default=True, help="Timed rounds; the median counts.")
@click.option("--only", multiple=True, type=click.Choice(ALL), help="Of peers, only these.")
@click.option("--report-only", is_flag=True, help="Measure nothing; render what was measured.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=PROJECT / ".bench",
    help="Where builds, data and results are kept.  [default: .bench]",
)
@click.option(
    "--docs",
    type=click.Path(path_type=Path),
    help="Where performance.md and images/ are.  [default: docs; for size tiny, the folder]",
)
def main(
    size: str,
    what: Sequence[str],
    fleet: bool,
    scale: bool,
    before: str | None,
    rounds: int,
    only: Sequence[str],
    report_only: bool,
    folder: Path,
    docs: Path | None,
) -> None:
    """Measures contenders in turn, prints ratios first, and writes docs/performance.md.

    Beside its peers (peers), this project is measured with many small archives (archives), from
    its start on (start), publishing many groups (groups), asked to verify and to explain
    (questions), with one large part (one-part), on an object store (fleet), and with very many
    archives of which nothing is read (scale). The page has those of size large. Fails if
    reports are not identical to the cent, the unit and the customer.
    """
    # A terminated benchmark stops its workers and servers, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if size == "tiny":  # it shows that all of this works, and no figure worth keeping
        folder /= "tiny"
        docs = docs or folder
    results, docs = folder / "results", docs or PROJECT / "docs"
    if not report_only:
        folder.mkdir(parents=True, exist_ok=True)
        build = build_of(folder / "builds", before) if before else None
        usual = (PEERS, *TRIALS) if size == "large" else (PEERS,)
        chosen = (*what, *([FLEET] if fleet else []), *([SCALE] if scale else []))
        for name in chosen or usual:
            _measure(name, size, only, build, folder, rounds)
    pages.render(docs, _measured(results, size))
    _say(f"Written: {docs / 'performance.md'}")


def _measure(
    name: str, size: str, only: Sequence[str], before: Build | None, folder: Path, rounds: int
) -> None:
    """One thing, kept among the results and shown."""
    started, results = time.monotonic(), folder / "results"
    _warn_if_busy()
    if name == PEERS:
        compared = _compare_peers(size, only, before, folder, rounds)
        save(results / f"{size}.json", compared)
        pages.show(compared)
    else:
        with TemporaryDirectory(prefix="work-", dir=folder) as place:
            bench = Bench(folder, Path(place), size, rounds, before, _say)
            found, kept = _measure_ours(name, bench)
            save(results / f"{kept}.json", found)  # to remove what was made takes a while
        pages.show_text(_as_measured(name, found))
    _say(f"{name} took {time.monotonic() - started:,.0f} s, data and builds included.")


def _measure_ours(name: str, bench: Bench) -> tuple[_Found, str]:
    """A result, and its name among those that are kept."""
    tiny = bench.size == "tiny"
    if name == GROWTH:
        with contenders(bench.folder, [*growth.ALL, OURS_2]) as (available, skipped):
            _tell_skipped(skipped)
            found = growth.measure_growth(
                available, bench.folder, bench.work, bench.rounds, _say, tiny=tiny
            )
        return found, name
    if name == SCALE:
        return measure_scale(bench.work, _say, tiny=tiny), name
    if name == FEEDS:
        shop = prepare(bench.folder / "data", SIZES[bench.size])
        place = shop.data.parent / "feeds"
        with contenders(bench.folder, [OURS_1]) as ((ours,), _):
            return measure_feeds(ours, shop, place, bench.work, bench.rounds, _say), name
    if name == DAYS:
        days = measure_days(bench.folder, bench.work, bench.rounds, bench.before, _say, tiny=tiny)
        return days, name
    if name == FLEET:
        return measure_requests(bench), name
    trial = measure_trial(name, bench)
    _tell_skipped(trial.skipped)
    return trial, f"{name}-{bench.size}"


def _compare_peers(
    size: str, only: Sequence[str], before: Build | None, folder: Path, rounds: int
) -> Comparison:
    _say(f"Data of size {size} ...")
    shop, machine = prepare(folder / "data", SIZES[size]), look_around()
    wanted = only or (ALL if size == "large" else QUICK_TO_START)
    with contenders(folder, wanted, before) as (available, skipped):
        if not only:
            late = "its start-up alone takes longer than all of this; it is in size large"
            skipped |= {name: late for name in ALL if name not in wanted}
        _tell_skipped(skipped)
        with TemporaryDirectory(prefix="work-", dir=folder) as work:
            figures = compare(available, shop.data, shop.dimensions, Path(work), rounds, _say)
    return Comparison(
        size=size,
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        data=shop.facts,
        rounds=rounds,
        figures=figures,
        skipped=skipped,
        before=before.title if before else None,
    )


def _as_measured(name: str, found: _Found) -> Measured:
    if isinstance(found, Trial):
        return Measured(trials={name: found})
    if isinstance(found, Growth):
        return Measured(growth=found)
    if isinstance(found, StoreRequests):
        return Measured(fleet=found)
    if isinstance(found, Scale):
        return Measured(scale=found)
    return Measured(feeds=found) if isinstance(found, Feeds) else Measured(days=found)


def _measured(results: Path, size: str) -> Measured:
    """All that is kept; of trials, those of size large, or of tiny ones in their folder."""
    shown = "tiny" if size == "tiny" else "large"
    sizes = {name: load(results / f"{name}.json", Comparison) for name in SIZES}
    trials = {name: load(results / f"{name}-{shown}.json", Trial) for name in TRIALS}
    return Measured(
        comparisons={name: each for name, each in sizes.items() if each is not None},
        trials={name: each for name, each in trials.items() if each is not None},
        growth=load(results / "growth.json", Growth),
        feeds=load(results / "feeds.json", Feeds),
        days=load(results / "days.json", Days),
        fleet=load(results / "fleet.json", StoreRequests),
        scale=load(results / "scale.json", Scale),
    )


def _warn_if_busy() -> None:
    load = look_around().load
    if load > _BUSY:
        _say(f"Other programs want {load} cores here; the figures will be worth less.")


def _tell_skipped(skipped: dict[str, str]) -> None:
    for name, reason in skipped.items():
        _say(f"Skipped {name}: {reason}.")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
