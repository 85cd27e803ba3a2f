"""What the reports of two runs are made of, and all that was done to them in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline_core.diff.days import ComparedDays, Origin
from pipeline_core.diff.published_runs import PublishedRun
from pipeline_core.diff.steps import Effect, Steps
from pipeline_core.diff.unite import unite
from pipeline_core.diff.views import Bought, Side, United, collect
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.processing.recount import CountedDay, day_candidates


@dataclass(frozen=True)
class GatheredPurchases:
    """Days that both runs counted, and those of one only; of the latter, ``origins`` are numbered
    in the rows."""

    united: United
    steps: Steps
    stayed: Bought
    went: Bought
    came: Bought
    origins: list[Origin]

    def effects(self) -> Iterator[Effect]:
        """Everything that changed a cell."""
        yield from self.steps.of_days(self.went, self.came, self.origins)
        yield from self.steps.of_lists(collect([self.stayed, self.came]))


def united_lists(one: PublishedRun, other: PublishedRun) -> United:
    """Customers and products of two runs. Raises ContractError if a snapshot is gone."""
    digests = one.manifest.dimensions_digest, other.manifest.dimensions_digest
    before = load_snapshot(one.ledger.state, digests[0])
    after = before if digests[0] == digests[1] else load_snapshot(one.ledger.state, digests[1])
    paid_one, paid_other = (each.manifest.options.feed.price is not None for each in (one, other))
    return unite(before, after, (paid_one, paid_other))


def gather(
    one: PublishedRun,
    other: PublishedRun,
    united: United,
    days: ComparedDays,
    *,
    again: bool = True,
) -> GatheredPurchases:
    """Reads the extracts of the days that count in the runs, the days of both only once. What is
    not kept is read from the archives, unless it is not to be read ``again``.

    Raises:
        EventsGone: an event is neither kept nor in its archive.
        RetryableError: a storage does not answer.
    """
    origins = list(dict.fromkeys(origin for origin, _ in [*days.went, *days.came]))
    numbers = {origin: number for number, origin in enumerate(origins)}
    bought = partial(_bought, united, again=again)
    return GatheredPurchases(
        united=united,
        steps=Steps(united, one.manifest.options, other.manifest.options),
        stayed=bought(other, united.after, [(0, day) for day in days.stayed]),
        went=bought(one, united.before, [(numbers[origin], day) for origin, day in days.went]),
        came=bought(other, united.after, [(numbers[origin], day) for origin, day in days.came]),
        origins=origins,
    )


def _bought(
    united: United,
    run: PublishedRun,
    side: Side,
    days: Sequence[tuple[int, CountedDay]],
    *,
    again: bool,
) -> Bought:
    """What was bought on some days of a run, each with the number of its origin."""
    origins = [origin for origin, _ in days]
    counted = day_candidates(run.ledger, run.manifest, [day for _, day in days], again=again)
    return collect(
        united.bought(placed.decoded.candidates, origin, placed.date, side)
        for origin, (_, candidates) in zip(origins, counted, strict=True)
        for placed in candidates
    )
