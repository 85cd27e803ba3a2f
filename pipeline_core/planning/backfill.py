"""backfill: which as-of runs of a range of dates are there, and which are to be made."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pipeline_core.configuration.places import Places
from pipeline_core.containers.entry_names import day_date
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger, open_state, run_ids
from pipeline_core.messages import Manifest, Options, Outcome
from pipeline_core.places.standing_report import stands
from pipeline_core.planning.survey import survey
from pipeline_core.reuse.memory import decisive, listed_archives, recall, recall_days
from pipeline_core.storage import Storage, absolute_uri, open_archives

Every = Literal["day", "week", "month"]

_SUNDAY = 6


@dataclass(frozen=True)
class Backfill:
    """``dates``, newest first: the first run reads what all others need. ``published`` are those
    that are there, ``stopped`` runs that were begun and can be gone on with. ``first`` and ``last``
    are those of the days that there are."""

    dates: tuple[date, ...]
    published: dict[date, Outcome]
    stopped: dict[date, RunLedger]
    first: date
    last: date


def plan_backfill(
    places: Places, options: Options, first: date, last: date, every: Every
) -> Backfill:
    """As-of runs at the end of each day, week (Sunday) or month from ``first`` to ``last``, as far
    as there are days. What was made of the same archives by the same rules need not be made again.

    Raises:
        ConfigError: there is no data folder, or no such date.
        RetryableError: a storage does not answer.
    """
    dates = [each for each in _days(first, last) if _is_end(each, every)]
    if not dates:
        raise ConfigError(
            f"No {every} ends between {first} and {last}.", "Give --from and --to further apart."
        )
    state, data = open_state(places.state), absolute_uri(places.data)
    known = [listed_archives(find(state, data), options.feed) for find in (recall, recall_days)]
    archives = open_archives(places.data, follow_links=options.follow_links)
    listed = survey(archives, options.limits, options.feed, *known).listed
    there = {day_date(day.name) for archive in listed for day in archive.days}
    dated = sorted(day for day in there if day is not None)
    wanted = [each for each in dates if dated and dated[0] <= each <= dated[-1]]
    if not wanted:
        covered = f"There are days from {dated[0]} to {dated[-1]}." if dated else ""
        raise ConfigError(
            f"{data} has no days for an as-of run between {first} and {last}.", covered
        )
    published: dict[date, Outcome] = {}
    stopped: dict[date, RunLedger] = {}
    for ledger, manifest in _as_of_runs(state, wanted):
        as_of = manifest.options.as_of
        if as_of is None or not _is_same(manifest, places, options):
            continue
        outcome = ledger.outcome()
        if outcome is None:
            stopped.setdefault(as_of, ledger)
        elif outcome.state == "published" and stands(manifest, outcome):
            published.setdefault(as_of, outcome)
    return Backfill(tuple(reversed(wanted)), published, stopped, dated[0], dated[-1])


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _is_end(day: date, every: Every) -> bool:
    if every == "month":
        return day.day == monthrange(day.year, day.month)[1]
    return every == "day" or day.weekday() == _SUNDAY


def _as_of_runs(state: Storage, dates: Collection[date]) -> Iterator[tuple[RunLedger, Manifest]]:
    """Newest first."""
    for run_id in reversed(run_ids(state)):
        ledger = RunLedger(state, run_id)
        manifest = ledger.planned()
        if manifest is not None and manifest.options.as_of in dates:
            yield ledger, manifest


def _is_same(manifest: Manifest, places: Places, options: Options) -> bool:
    """Whether it is a run of these places, by the same rules."""
    return (manifest.data, manifest.reports) == (
        absolute_uri(places.data),
        absolute_uri(places.reports),
    ) and decisive(manifest.options) == decisive(options)
