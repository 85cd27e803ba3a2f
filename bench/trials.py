"""This build, and the one before beside it: small archives, the start, many groups, questions, and
one large part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import msgspec
from msgspec import Struct

from bench import opened
from bench.builds import AT_HAND, Build
from bench.chord_floor import chord_floor
from bench.contenders import (
    DATA,
    REPORTS,
    STATE,
    Contender,
    clean_environment,
    contenders,
    local,
)
from bench.machine import look_around
from bench.many_groups import MANY_GROUPS, prepare_groups
from bench.meter import measure
from bench.one_part import parts_text, prepare_parts, room_for
from bench.publishing import publish_in_turn
from bench.results import (
    ARCHIVES,
    CELERY_2,
    EXPLAIN,
    GROUPS,
    HELP,
    ONE,
    ONE_PART,
    OPENED,
    OURS_2,
    QUESTIONS,
    SMALL_PARTS,
    START,
    VERIFY,
    Cost,
    Figures,
    Trial,
    before_of,
)
from bench.rounds import compare, run_once
from bench.shop import SIZES, Recipe, Shop, prepare
from bench.tables import data_text

MANY_ARCHIVES = {
    "tiny": Recipe(16, 1, 10, 20, 10),
    "small": Recipe(200, 1, 30, 20_000, 500),
    "large": Recipe(5_000, 1, 30, 20_000, 500),
}
_MOST_LONG_ROUNDS = 3
_STARTS_EACH_ROUND = 3
_CELL = ("--category", "Books", "--segment", "VIP")


class Bench(Struct, frozen=True):
    """What every trial needs: folders to keep data and to work in, and how often."""

    folder: Path
    work: Path
    size: str
    rounds: int
    before: Build | None
    say: Callable[[str], None]

    @property
    def builds(self) -> list[tuple[Build, Callable[[str], str]]]:
        """Each build, and how its contenders are called."""
        return [(AT_HAND, str), *([(self.before, before_of)] if self.before else [])]


class _Found(Struct, frozen=True):
    data: str
    archives: int
    figures: dict[str, Figures]
    rounds: int
    skipped: dict[str, str] = {}


def measure_trial(name: str, bench: Bench) -> Trial:
    """One of the trials below."""
    machine = look_around()
    found = TRIALS[name](bench)
    return Trial(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        rounds=found.rounds,
        before=bench.before.title if bench.before else None,
        data=found.data,
        archives=found.archives,
        figures=found.figures,
        skipped=found.skipped,
    )


def _archives(bench: Bench) -> _Found:
    """Very many small archives, locally and by Celery, and what Celery takes for as many empty
    tasks; fewer warm up."""
    shop = prepare(bench.folder / "data", MANY_ARCHIVES[bench.size])
    few = prepare(bench.folder / "data", SIZES["tiny"])
    rounds = min(bench.rounds, _MOST_LONG_ROUNDS)
    with (
        contenders(bench.folder, (OURS_2, CELERY_2), bench.before) as (available, skipped),
        chord_floor(bench.folder, shop.facts.archives) as floor,
    ):
        figures = compare(
            [*available, floor],
            shop.data,
            shop.dimensions,
            bench.work,
            rounds,
            bench.say,
            warm_up=few.data,
        )
    return _Found(data_text(shop.facts), shop.facts.archives, _unwatched(figures), rounds, skipped)


def _start(bench: Bench) -> _Found:
    """From nothing to ``--help``, and to the first archive that a run of two jobs opens."""
    shop = prepare(bench.folder / "data", SIZES["tiny" if bench.size == "tiny" else "small"])
    reason = opened.missing()
    costs: dict[str, list[Cost]] = {}
    for number in range(1 + _STARTS_EACH_ROUND * bench.rounds):
        for build, named in bench.builds if number % 2 else reversed(bench.builds):
            found = {HELP: _help(bench, build)}
            if not reason:
                found[OPENED] = _first_archive(bench, build, shop)
            for name, cost in found.items():
                costs.setdefault(named(name), []).append(cost)
    titles = {HELP: "`--help`", OPENED: "the first archive opened, 2 jobs"}
    figures = _figures(bench, titles, {name: each[1:] for name, each in costs.items()})
    skipped = {titles[OPENED]: reason} if reason else {}
    rounds = _STARTS_EACH_ROUND * bench.rounds
    return _Found(data_text(shop.facts), shop.facts.archives, figures, rounds, skipped)


def _help(bench: Bench, build: Build) -> Cost:
    env = clean_environment() | build.env
    return measure(build.command("--help"), bench.work / "help.log", env=env)


def _first_archive(bench: Bench, build: Build, shop: Shop) -> Cost:
    place = Path(mkdtemp(dir=bench.work))
    command = local(build).command_for(shop.data, shop.dimensions, place)
    env = clean_environment() | local(build).env
    return opened.until_first_archive(command, shop.data, place / "log", env)


def _groups(bench: Bench) -> _Found:
    """A run whose report has very many groups, published again and again."""
    groups = MANY_GROUPS[bench.size]
    shop = prepare_groups(bench.folder / "data", groups)
    builds, places = dict[str, Build](), dict[str, Path]()
    for build, named in bench.builds:
        name = named(GROUPS)
        builds[name], places[name] = build, bench.work / name
        run_once(local(build), shop.data, shop.dimensions, places[name])
        bench.say(f"{build.title} has made a run of {groups.categories:,} categories")
    title = f"publishing {groups.categories:,} categories, {groups.segments} segments"
    rounds = min(bench.rounds, _MOST_LONG_ROUNDS)
    costs = publish_in_turn(builds, places, rounds)
    figures = _figures(bench, {GROUPS: title}, costs)
    return _Found(data_text(shop.facts), shop.facts.archives, figures, rounds)


def _questions(bench: Bench) -> _Found:
    """``verify`` and ``explain``, of a run that is there."""
    shop = prepare(bench.folder / "data", SIZES[bench.size])
    asking = []
    for build, named in bench.builds:
        place = bench.work / named(QUESTIONS)
        run_once(local(build), shop.data, shop.dimensions, place)
        places = ("--data", DATA, "--reports", REPORTS, "--state", STATE)
        for name, words in ((VERIFY, ("--quiet",)), (EXPLAIN, _CELL)):
            asking.append(
                Contender(
                    named(name),
                    f"`{name}`" if build == AT_HAND else f"`{name}` of {build.title}",
                    build.command(name, *words, *places),
                    build.env,
                    has_report=False,
                    run=place,
                )
            )
    rounds = min(bench.rounds, _MOST_LONG_ROUNDS)
    figures = compare(asking, shop.data, shop.dimensions, bench.work, rounds, bench.say)
    return _Found(data_text(shop.facts), shop.facts.archives, figures, rounds)


def _one_part(bench: Bench) -> _Found:
    """The same events in one part and in parts of 1 MiB, by one job; where the disk has no room
    for the large part, a smaller one."""
    size = bench.size
    if not room_for(bench.folder, size):
        bench.say(f"The disk has no room for a part of size {size}; one of size small it is.")
        size = "small"
    shop, one, many = prepare_parts(bench.folder / "data", size)
    reading = [
        _reading(build, named(name), title, data)
        for build, named in bench.builds
        for name, title, data in (
            (ONE, "one part", one),
            (SMALL_PARTS, "parts of 1 MiB", many),
        )
    ]
    figures = compare(reading, shop.data, shop.dimensions, bench.work, bench.rounds, bench.say)
    return _Found(parts_text(shop.facts), 1, figures, bench.rounds)


def _reading(build: Build, name: str, title: str, data: Path) -> Contender:
    ours = local(build, 1)
    command = [str(data) if word == DATA else word for word in ours.command]
    title = title if build == AT_HAND else f"{title}, {build.title}"
    return Contender(name, title, command, ours.env)


def _figures(
    bench: Bench, titles: Mapping[str, str], costs: Mapping[str, Sequence[Cost]]
) -> dict[str, Figures]:
    """Figures of what was measured of each build."""
    found = {}
    for name, title in titles.items():
        for build, named in bench.builds:
            if each := costs.get(named(name)):
                whose = title if build == AT_HAND else f"{title}, {build.title}"
                peak = max(cost.peak_bytes for cost in each)
                found[named(name)] = Figures(whose, list(each), peak)
    return found


def _unwatched(figures: Mapping[str, Figures]) -> dict[str, Figures]:
    """Memory was looked at while others were read, which says nothing of these."""
    return {name: msgspec.structs.replace(each, peak_bytes=0) for name, each in figures.items()}


TRIALS: Mapping[str, Callable[[Bench], _Found]] = {
    ARCHIVES: _archives,
    START: _start,
    GROUPS: _groups,
    QUESTIONS: _questions,
    ONE_PART: _one_part,
}
