"""Compares two published runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline_core.diff.causes import (
    Cause,
    CauseKind,
    CellChange,
    CellFigures,
    ComparedRun,
    Difference,
    KindTotal,
)
from pipeline_core.diff.days import compare_days
from pipeline_core.diff.published_runs import PublishedRun, published_run
from pipeline_core.diff.purchases import gather, united_lists
from pipeline_core.diff.rules import changed_rules, is_of_now
from pipeline_core.diff.steps import Effect, Named
from pipeline_core.diff.views import Amount, Bought, ReportView, United, collect, total
from pipeline_core.errors import ContractError
from pipeline_core.plural import counted
from pipeline_core.storage import Storage
from pipeline_core.transform.money import minor_of, to_text

# So many causes that are alike are named in each cell; the others are one more cause.
MOST_NAMED = 20
_NOTHING = Amount(0, 0)
_COMPARE_LATER = "It was changed, or made by another version of this program. Compare later runs."


class _Row(NamedTuple):
    """What a published report says of a cell."""

    amount: Amount
    customers: int


_NO_CELL = _Row(_NOTHING, 0)


class _Compared(NamedTuple):
    """A published report, by cell; and what the days of its run come to by the rules of now."""

    published: dict[int, _Row]
    computed: dict[int, Amount]

    def differing(self) -> set[int]:
        return {
            cell
            for cell in self.published.keys() | self.computed.keys()
            if cell not in self.computed
            or self.published.get(cell, _NO_CELL).amount != self.computed[cell]
        }


def difference(state: Storage, before: str, after: str) -> Difference:
    """Every cell that differs between the reports of two published runs, with its causes. Reads
    the extracts of the days that count in them, the days of both only once.

    Raises:
        ConfigError: a run is not published, or its report, or an event of it, is gone.
        ContractError: a report is not what its run's archives, customers and products come to,
            and no other rules of that run explain it.
        RetryableError: a storage does not answer.
    """
    one, other = published_run(state, before), published_run(state, after)
    found = gather(one, other, united_lists(one, other), compare_days(one, other))
    old = _end(found.united, one, [found.stayed, found.went], found.steps.first)
    new = _end(found.united, other, [found.stayed, found.came], found.steps.last)
    rules = changed_rules(one, other)
    for run, end in ((one, old), (other, new)):
        if end.differing() and (rules is None or is_of_now(run)):
            raise _is_not_its_archives(run, found.united, end.differing())
    effects = [*found.effects(), *_by_rules(rules, old, new)]
    return _told(found.united, one, other, old.published, new.published, effects)


def _end(
    united: United, run: PublishedRun, bought: Iterable[Bought], view: ReportView
) -> _Compared:
    """Raises ContractError if the report has a category or segment that the run did not know."""
    published = {}
    for category, segment, revenue, units, customers in run.sales_report():
        cell = united.cell(category, segment)
        if cell is None:
            raise ContractError(
                f"the report of run {run.manifest.run_id} has {category} / {segment}, which no "
                "product and customer of it make",
                _COMPARE_LATER,
            )
        amount = Amount(minor_of(revenue, united.scale), units)
        published[cell] = _Row(amount, customers)
    return _Compared(published, united.amounts(collect(bought), view))


def _is_not_its_archives(run: PublishedRun, united: United, wrong: set[int]) -> ContractError:
    category, segment = united.names(min(wrong))
    return ContractError(
        f"the report of run {run.manifest.run_id} is not what its archives come to now: "
        f"{counted(len(wrong), 'cell')} {'differs' if len(wrong) == 1 else 'differ'}, such as "
        f"{category} / {segment}",
        _COMPARE_LATER,
    )


def _by_rules(rules: Named | None, old: _Compared, new: _Compared) -> Iterator[Effect]:
    """From the first report to what its days come to by the rules of now, and from what the
    second's come to, to that report."""
    if rules is None:
        return
    for cell in old.differing() | new.differing():
        by_old = old.computed.get(cell, _NOTHING) - old.published.get(cell, _NO_CELL).amount
        by_new = new.published.get(cell, _NO_CELL).amount - new.computed.get(cell, _NOTHING)
        amount = total([by_old, by_new])
        if any(amount):
            yield Effect(cell, rules, amount)


def _told(
    united: United,
    one: PublishedRun,
    other: PublishedRun,
    old: dict[int, _Row],
    new: dict[int, _Row],
    effects: Iterable[Effect],
) -> Difference:
    by_cell: dict[int, list[Effect]] = defaultdict(list)
    by_kind: dict[CauseKind, Amount] = defaultdict(lambda: _NOTHING)
    for effect in effects:
        kind = effect.named.kind
        by_cell[effect.cell].append(effect)
        by_kind[kind] = total([by_kind[kind], effect.amount])
    changes = {}
    for cell in old.keys() | new.keys() | by_cell.keys():
        was, is_now = old.get(cell, _NO_CELL), new.get(cell, _NO_CELL)
        change = is_now.amount - was.amount
        if total(effect.amount for effect in by_cell[cell]) != change:
            names = " / ".join(united.names(cell))
            raise ContractError(f"the causes of {names} do not add up to its change")
        if was != is_now or by_cell[cell]:
            changes[cell] = change
    ordered = sorted(changes, key=lambda cell: (*changes[cell].rank, united.names(cell)))
    in_all = total(changes.values())
    return Difference(
        before=_compared(one),
        after=_compared(other),
        revenue=to_text(in_all.revenue, united.scale),
        units=in_all.units,
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


def _compared(run: PublishedRun) -> ComparedRun:
    plan, totals = run.manifest, run.summary.totals
    return ComparedRun(plan.run_id, totals, plan.customers, plan.products, plan.report_plugins)


def _cell_change(
    united: United, cell: int, was: _Row, is_now: _Row, change: Amount, effects: list[Effect]
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
    for effect in sorted(effects, key=lambda each: (*each.amount.rank, each.named)):
        alike[_without_name(effect.named)].append(effect)
    found = []
    for nobody, of_kind in alike.items():
        most = len(of_kind) if len(of_kind) <= MOST_NAMED + 1 else MOST_NAMED
        found += [(each.named, each.amount, 0) for each in of_kind[:most]]
        if others := of_kind[most:]:
            found.append((nobody, total(each.amount for each in others), len(others)))
    return sorted(found, key=lambda each: (*each[1].rank, each[0]))


def _without_name(named: Named) -> Named:
    """Moves from one label to another are alike; what prices were is each product's own matter."""
    is_price = named.kind is CauseKind.RESTATED_PRICE
    nobody = named._replace(name="", day="", valid_from="", valid_to="")
    return Named(named.kind) if is_price else nobody


def _figures(cell: _Row, scale: int) -> CellFigures:
    return CellFigures(to_text(cell.amount.revenue, scale), cell.amount.units, cell.customers)
