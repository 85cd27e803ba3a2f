"""Compares two published runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline_core.errors import ContractError
from pipeline_core.ledger import load_snapshot
from pipeline_core.pipeline.diff.causes import (
    Cause,
    CauseKind,
    CellChange,
    ComparedRun,
    Difference,
    Figures,
    KindTotal,
)
from pipeline_core.pipeline.diff.days import Origin, compare_days
from pipeline_core.pipeline.diff.published import PublishedRun, published_run
from pipeline_core.pipeline.diff.steps import Effect, Named, Steps
from pipeline_core.pipeline.diff.views import Amount, Bought, United, View, collect, unite
from pipeline_core.pipeline.events import CountedDay, day_candidates
from pipeline_core.storage import Storage
from pipeline_core.transform.money import to_text

# So many causes that are alike are named in each cell; the others are one more cause.
MOST_NAMED = 20
_NOTHING = Amount(0, 0)


class _Cell(NamedTuple):
    """A cell of a published report."""

    amount: Amount
    customers: int


_NO_CELL = _Cell(_NOTHING, 0)


def difference(state: Storage, before: str, after: str) -> Difference:
    """Every cell that differs between the reports of two published runs, with its causes. Reads
    the extracts of the days that count in them, the days of both only once.

    Raises:
        ConfigError: a run is not published, or its report, or an event of it, is gone.
        ContractError: a report is not what its run's archives, customers and products come to.
        RetryableError: a storage does not answer.
    """
    one, other = published_run(state, before), published_run(state, after)
    snapshot = load_snapshot(state, one.manifest.dimensions_digest)
    same_lists = one.manifest.dimensions_digest == other.manifest.dimensions_digest
    united = unite(
        snapshot,
        snapshot if same_lists else load_snapshot(state, other.manifest.dimensions_digest),
    )
    days = compare_days(one, other)
    origins = list(dict.fromkeys(origin for origin, _ in [*days.went, *days.came]))
    numbers = {origin: number for number, origin in enumerate(origins)}
    went = _bought(united, one, [(numbers[origin], day) for origin, day in days.went])
    came = _bought(united, other, [(numbers[origin], day) for origin, day in days.came])
    stayed = _bought(united, other, [(0, day) for day in days.stayed])
    steps = Steps(united, one.manifest.options.unknown, other.manifest.options.unknown)
    old = _checked(united, one, [stayed, went], steps.first)
    new = _checked(united, other, [stayed, came], steps.last)
    return _told(united, one, other, old, new, _all_effects(steps, stayed, went, came, origins))


def _bought(united: United, run: PublishedRun, days: Iterable[tuple[int, CountedDay]]) -> Bought:
    """What was bought on some days of a run, each with the number of its origin."""
    return collect(
        united.bought(placed.decoded.candidates, origin)
        for origin, day in days
        for placed in day_candidates(run.ledger, run.manifest, day)
    )


def _all_effects(
    steps: Steps, stayed: Bought, went: Bought, came: Bought, origins: list[Origin]
) -> Iterator[Effect]:
    yield from steps.of_days(went, came, origins)
    yield from steps.of_lists(collect([stayed, came]))


def _checked(
    united: United, run: PublishedRun, bought: Iterable[Bought], view: View
) -> dict[int, _Cell]:
    """The published report of a run, by cell; it is what the run's days come to."""
    published = {
        united.cell(category, segment): _Cell(Amount(_minor(revenue, united.scale), units), count)
        for category, segment, revenue, units, count in run.sales_report()
    }
    computed = united.amounts(collect(bought), view)
    wrong = {
        cell
        for cell in published.keys() | computed.keys()
        if cell not in computed or published.get(cell, _NO_CELL).amount != computed[cell]
    }
    if wrong:
        category, segment = united.names(min(wrong))
        raise ContractError(
            f"the report of run {run.manifest.run_id} is not what its archives come to now: "
            f"{len(wrong)} cells differ, such as {category} / {segment}",
            "It was changed, or made by another version of this program. Compare later runs.",
        )
    return published


def _told(
    united: United,
    one: PublishedRun,
    other: PublishedRun,
    old: dict[int, _Cell],
    new: dict[int, _Cell],
    effects: Iterable[Effect],
) -> Difference:
    by_cell: dict[int, list[Effect]] = defaultdict(list)
    by_kind: dict[CauseKind, Amount] = defaultdict(lambda: _NOTHING)
    for effect in effects:
        kind = effect.named.kind
        by_cell[effect.cell].append(effect)
        by_kind[kind] = _sum([by_kind[kind], effect.amount])
    changes = {}
    for cell in old.keys() | new.keys() | by_cell.keys():
        was, is_now = old.get(cell, _NO_CELL), new.get(cell, _NO_CELL)
        change = _less(is_now.amount, was.amount)
        if _sum(effect.amount for effect in by_cell[cell]) != change:
            names = " / ".join(united.names(cell))
            raise ContractError(f"the causes of {names} do not add up to its change")
        if was != is_now or by_cell[cell]:
            changes[cell] = change
    ordered = sorted(changes, key=lambda cell: (*_rank(changes[cell]), united.names(cell)))
    total = _sum(changes.values())
    return Difference(
        before=ComparedRun(one.manifest.run_id, one.summary.totals),
        after=ComparedRun(other.manifest.run_id, other.summary.totals),
        revenue=to_text(total.revenue, united.scale),
        units=total.units,
        kinds=tuple(
            KindTotal(kind, to_text(by_kind[kind].revenue, united.scale), by_kind[kind].units)
            for kind in CauseKind
            if kind in by_kind
        ),
        cells=tuple(
            _cell_change(
                united,
                cell,
                old.get(cell, _NO_CELL),
                new.get(cell, _NO_CELL),
                changes[cell],
                by_cell[cell],
            )
            for cell in ordered
        ),
    )


def _cell_change(
    united: United, cell: int, was: _Cell, is_now: _Cell, change: Amount, effects: list[Effect]
) -> CellChange:
    category, segment = united.names(cell)
    return CellChange(
        category=category,
        segment=segment,
        before=_figures(was, united.scale),
        after=_figures(is_now, united.scale),
        revenue=to_text(change.revenue, united.scale),
        units=change.units,
        causes=tuple(
            Cause(
                revenue=to_text(amount.revenue, united.scale),
                units=amount.units,
                others=others,
                **named._asdict(),
            )
            for named, amount, others in _largest(effects)
        ),
    )


def _largest(effects: list[Effect]) -> list[tuple[Named, Amount, int]]:
    """Named causes, the largest first, and how many others each stands for."""
    alike: dict[Named, list[Effect]] = defaultdict(list)
    for effect in sorted(effects, key=lambda each: (*_rank(each.amount), each.named)):
        alike[_without_name(effect.named)].append(effect)
    found = []
    for nobody, of_kind in alike.items():
        most = len(of_kind) if len(of_kind) <= MOST_NAMED + 1 else MOST_NAMED
        found += [(each.named, each.amount, 0) for each in of_kind[:most]]
        if others := of_kind[most:]:
            found.append((nobody, _sum(each.amount for each in others), len(others)))
    return sorted(found, key=lambda each: (*_rank(each[1]), each[0]))


def _without_name(named: Named) -> Named:
    """Moves from one label to another are alike; what prices were is each product's own matter."""
    is_price = named.kind is CauseKind.RESTATED_PRICE
    return Named(named.kind) if is_price else named._replace(name="", day="")


def _rank(amount: Amount) -> tuple[int, int]:
    return -abs(amount.revenue), -abs(amount.units)


def _figures(cell: _Cell, scale: int) -> Figures:
    return Figures(to_text(cell.amount.revenue, scale), cell.amount.units, cell.customers)


def _sum(amounts: Iterable[Amount]) -> Amount:
    revenue = units = 0
    for amount in amounts:
        revenue, units = revenue + amount.revenue, units + amount.units
    return Amount(revenue, units)


def _less(left: Amount, right: Amount) -> Amount:
    return Amount(left.revenue - right.revenue, left.units - right.units)


def _minor(text: str, scale: int) -> int:
    """Decimal text in minor units of at least as many decimals."""
    whole, _, decimals = text.partition(".")
    return int(whole + decimals.ljust(scale, "0"))
