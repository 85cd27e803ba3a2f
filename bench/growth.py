"""How costs grow with events, archives and customers, and what does not depend on the data."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import PROJECT
from bench.builds import AT_HAND
from bench.contenders import Contender, clean_environment
from bench.machine import look_around
from bench.publishing import publish_in_turn
from bench.results import NOW, OURS_1, OURS_2, Distinct, Growth, Point, Publication, Unchanged
from bench.rounds import compare, run_again, run_once
from bench.shop import Recipe, prepare

SCALES = (1, 4, 16)
# The same parts get longer; the same events are in more archives; the same events name more people.
CURVES = {
    "events": [Recipe(10, 4, 2_500 * scale, 20_000, 500) for scale in SCALES],
    "archives": [Recipe(10 * scale, 4, 8_000 // scale, 20_000, 500) for scale in SCALES],
    "customers": [Recipe(10, 4, 8_000, 62_500 * scale, 500) for scale in SCALES],
}
UNCHANGED = (50, 500, 5_000)
MANY = Recipe(5_000, 1, 30, 20_000, 500)
# To see that everything works.
TINY_CURVES = {"events": [Recipe(2, 1, 10 * scale, 20, 10) for scale in SCALES]}
TINY_UNCHANGED = (2, 4)
TINY_MANY = Recipe(16, 1, 10, 20, 10)
# Peers only where the question is what grows with the events.
CONTENDERS = {
    "events": (OURS_1, OURS_2, "pandas", "duckdb"),
    "archives": (OURS_1, OURS_2),
    "customers": (OURS_1, OURS_2),
}
ALL = (OURS_1, OURS_2, "pandas", "duckdb")

_DISTINCT, _TINY_DISTINCT, _DISTINCT_PARTIALS = 100_000_000, 1_000, 2


def measure_growth(
    available: Sequence[Contender],
    folder: Path,
    work: Path,
    rounds: int,
    say: Callable[[str], None],
    *,
    tiny: bool = False,
) -> Growth:
    """Everything that takes more than one size of data."""
    machine = look_around()
    named = {contender.name: contender for contender in available}
    curves = {}
    for name, recipes in (TINY_CURVES if tiny else CURVES).items():
        chosen = [named[each] for each in CONTENDERS[name] if each in named]
        curves[name] = [
            _point(scale, recipe, chosen, folder, work, rounds, say)
            for scale, recipe in zip(SCALES, recipes, strict=True)
        ]
    many = TINY_MANY if tiny else MANY
    return Growth(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        rounds=rounds,
        curves=curves,
        publications=_publications(named[OURS_2], many, folder, work, rounds, say),
        unchanged=_unchanged(
            named[OURS_2], many, folder, work, rounds, TINY_UNCHANGED if tiny else UNCHANGED, say
        ),
        distinct=_distinct(_TINY_DISTINCT if tiny else _DISTINCT, say),
    )


def _point(
    scale: int,
    recipe: Recipe,
    chosen: list[Contender],
    folder: Path,
    work: Path,
    rounds: int,
    say: Callable[[str], None],
) -> Point:
    say(f"{recipe.archives:,} archives of {recipe.events_per_part:,} events a part")
    shop = prepare(folder / "data", recipe)
    return Point(scale, shop.facts, compare(chosen, shop.data, shop.dimensions, work, rounds, say))


def _publications(
    contender: Contender,
    many: Recipe,
    folder: Path,
    work: Path,
    rounds: int,
    say: Callable[[str], None],
) -> list[Publication]:
    """A run of so many archives, published again and again."""
    shop = prepare(folder / "data", many)
    found = []
    for scale in reversed(SCALES):
        count = many.archives // scale
        say(f"publishing {count:,} partials")
        place = work / f"publication-{count}"
        data = _first_archives(shop.data, work / f"published-{count}", count)
        run_once(contender, data, shop.dimensions, place)
        costs = publish_in_turn({NOW: AT_HAND}, {NOW: place}, rounds)[NOW]
        found.append(Publication(count, statistics.median(cost.seconds for cost in costs)))
    return found


def _unchanged(
    contender: Contender,
    many: Recipe,
    folder: Path,
    work: Path,
    rounds: int,
    counts: Sequence[int],
    say: Callable[[str], None],
) -> list[Unchanged]:
    """Runs on the state of the run before, when nothing has changed since."""
    shop = prepare(folder / "data", many)
    again = msgspec.structs.replace(
        contender, command=[word for word in contender.command if word != "--full"]
    )
    found = []
    for count in counts:
        say(f"{count:,} archives, and nothing new")
        place = work / f"unchanged-{count}"
        data = _first_archives(shop.data, work / f"archives-{count}", count)
        run_once(again, data, shop.dimensions, place)
        costs = [run_again(again, data, shop.dimensions, place) for _ in range(rounds)]
        found.append(
            Unchanged(
                count,
                statistics.median(cost.seconds for cost in costs),
                statistics.median(cost.cpu_seconds for cost in costs),
            )
        )
    return found


def _distinct(customers: int, say: Callable[[str], None]) -> Distinct:
    say(f"{customers:,} distinct customers")
    command = [sys.executable, "-m", "bench.distinct", str(customers), str(_DISTINCT_PARTIALS)]
    done = subprocess.run(
        command, cwd=PROJECT, env=clean_environment(), stdout=subprocess.PIPE, check=True
    )
    return msgspec.json.decode(done.stdout, type=Distinct)


def _first_archives(data: Path, folder: Path, count: int) -> Path:
    folder.mkdir()
    for path in sorted(data.glob("*.zip"))[:count]:
        (folder / path.name).hardlink_to(path)
    return folder
