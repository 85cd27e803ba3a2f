"""What the next day costs: one new archive, and besides changed customers and prices."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.builds import AT_HAND, Build
from bench.contenders import DATA, DIMENSIONS, REPORTS, STATE, Contender
from bench.machine import look_around
from bench.results import BEFORE, NOW, Cost, Day, Days, Figures
from bench.rounds import run_again, run_once
from bench.shop import Recipe, Shop, prepare
from pipeline_core.containers.entry_names import day_date

# So many days come behind the archives of a shop.
_FURTHER = 20
LARGE = (Recipe(500 + _FURTHER, 1, 3_200, 20_000, 500), (500,))
SMALL = (Recipe(5_000 + _FURTHER, 1, 30, 20_000, 500), (50, 500, 5_000))
TINY = (Recipe(4 + _FURTHER, 1, 10, 200, 10), (2, 4))
_MORE_CUSTOMERS = 100  # one for so many


def measure_days(
    folder: Path,
    work: Path,
    rounds: int,
    before: Build | None,
    say: Callable[[str], None],
    *,
    tiny: bool,
) -> Days:
    """One build, or two of them in turn: this one and that ``before``."""
    machine = look_around()
    builds = {NOW: _next_day(NOW, AT_HAND)}
    if before is not None:
        builds[BEFORE] = _next_day(BEFORE, before)
    found = [
        day
        for recipe, counts in ((TINY,) if tiny else (LARGE, SMALL))
        for count in counts
        for day in _measured(builds, prepare(folder / "data", recipe), count, work, rounds, say)
    ]
    title = before.title if before else None
    return Days(datetime.now(UTC).date().isoformat(), machine, rounds, title, found)


def _next_day(name: str, build: Build) -> Contender:
    command = build.command(
        *("run", "--quiet", "--jobs", "1", "--engine", "local", "--data", DATA),
        *("--dimensions", DIMENSIONS, "--reports", REPORTS, "--state", STATE),
    )
    return Contender(name, name, command, build.env)


def _measured(
    builds: dict[str, Contender],
    shop: Shop,
    count: int,
    work: Path,
    rounds: int,
    say: Callable[[str], None],
) -> list[Day]:
    """Days alone and days with changes in turn, each upon the one before. Every further archive is
    as large as the others."""
    archives = sorted(shop.data.glob("*.zip"))
    large = shop.facts.events // shop.facts.archives
    say(f"{count:,} archives of {large:,} events, and the days behind them")
    costs: dict[tuple[str, bool], list[Cost]] = {
        (name, changed): [] for name in builds for changed in (False, True)
    }
    places = {}
    for name, build in builds.items():
        place = work / f"{name}-{count}-{large}"
        data, dimensions = place / "data", place / "dimensions"
        data.mkdir(parents=True)
        shutil.copytree(shop.dimensions, dimensions)
        for path in archives[:count]:
            (data / path.name).hardlink_to(path)
        run_once(build, data, dimensions, place / "runs")
        places[name] = (data, dimensions, place / "runs")
    further = iter(archives[count:])
    for number in range(rounds + 1):  # the first one warms up
        for changed in (False, True):
            archive = next(further)
            for name, build in builds.items():
                data, dimensions, runs = places[name]
                (data / archive.name).hardlink_to(archive)
                if changed:
                    _change(dimensions, number, _first_day(archive), dated=name == NOW)
                cost = run_again(build, data, dimensions, runs)
                if number:
                    costs[name, changed].append(cost)
    return [
        Day(
            build=name,
            archives=count,
            events=count * large,
            alone=Figures("alone", costs[name, False], 0),
            changed=Figures("changed", costs[name, True], 0),
        )
        for name in builds
    ]


def _change(dimensions: Path, number: int, today: str, *, dated: bool) -> None:
    """One customer more of a hundred, and one product with another price, from ``today`` on if the
    build can tell."""
    path = dimensions / "customers.csv"
    header, *customers = _rows(path)
    more = max(1, len(customers) // _MORE_CUSTOMERS)
    new = [[f"more{number}-{one}", *customers[0][1:]] for one in range(more)]
    _write(path, [header, *customers, *new])
    path = dimensions / "products.csv"
    (name, category, price, *_), *products = _rows(path)
    products = [row if len(row) > 3 or not dated else [*row, "", ""] for row in products]  # noqa: PLR2004
    place = number % len(products)
    row = products[place]
    after = [row[0], row[1], f"{number + 1}.99"]
    if dated:
        products[place : place + 1] = [[*row[:3], row[3], today], [*after, today, ""]]
    else:
        products[place] = after
    validity = ["valid_from", "valid_to"] if dated else []
    _write(path, [[name, category, price, *validity], *products])


def _first_day(archive: Path) -> str:
    with zipfile.ZipFile(archive) as days:
        return min(str(day_date(name)) for name in days.namelist())


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
