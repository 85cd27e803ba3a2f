"""``plan``: what a run would read, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, run_settings
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from console.display.json_output import PlannedArchive, PlannedState
    from pipeline_core.messages import ArchiveRef, ReportPlugin
    from pipeline_core.settings import Settings
    from pipeline_core.storage import Storage

# So many of the newest runs are looked at for the pace of this machine.
_HISTORY = 20
# Of days that conflict, or are missing.
_SHOWN = 100


@click.command()
@place_options
@click.option("--all", "list_all", is_flag=True, help="List archives also if nothing is new.")
@json_option
def plan_command(list_all: bool, as_json: bool, **options: Any) -> None:
    """Show what a run would read, without running it.

    It opens archives and imports plug-ins, and reads neither customers nor products: `doctor` does.
    """
    show_plan(run_settings(options), as_json=as_json, list_all=list_all)


def show_plan(settings: Settings, *, as_json: bool, list_all: bool = True) -> None:
    """Archives as a run would take them."""
    from console.display.json_output import Planned
    from console.display.views import output, table
    from pipeline_core.containers.ignored import endings_in_words, merge_endings
    from pipeline_core.ledger import read_state, unvouched_words
    from pipeline_core.messages import MOST_MISSING
    from pipeline_core.planning.feed_paths import check_feed_paths
    from pipeline_core.planning.plugins import load_plugins
    from pipeline_core.planning.survey import missing_days, survey
    from pipeline_core.reuse.memory import (
        finished_archives,
        is_known_feed,
        known_archives,
        listed_archives,
        recall,
    )
    from pipeline_core.storage import absolute_uri, open_archives

    note(unvouched_words(settings.state))
    plugins = load_plugins(settings.places(), settings.chosen_reports())
    memory = recall(read_state(settings.state), absolute_uri(settings.data))
    options, known = settings.options(), _versions_and_days(known_archives(memory))
    data = open_archives(settings.data, follow_links=settings.follow_links)
    found = survey(
        data,
        options.limits,
        options.feed,
        () if settings.full else listed_archives(memory, options.feed),
        requests=settings.requests,
    )
    if settings.full or not is_known_feed(options.feed, memory):
        check_feed_paths(data, found.readable(), options.limits, options.feed)
    states = [(archive, _state(archive, known)) for archive in found.archives]
    vanished = sorted(known.keys() - {archive.name for archive in found.archives})
    missing, missing_count = missing_days(
        (day.name for archive in found.archives for day in archive.days),
        options.closed_days,
        MOST_MISSING,
    )
    done = set() if settings.full or memory is None else finished_archives(memory)
    to_read = sum(
        archive.size
        for archive, state in states
        if state in ("new", "changed") or (state == "unchanged" and archive.name not in done)
    )
    ignored = merge_endings(
        [found.ignored, *(a.ignored or {} for a in found.archives if a.duplicate_of is None)]
    )
    is_known = all(archive.name in known for archive, _ in states)
    nothing_new = is_known and not (to_read or vanished or settings.full)
    seconds = _expected_seconds(read_state(settings.state), to_read)
    if as_json:
        print_json(
            Planned(
                nothing_new=nothing_new,
                archives=[_planned(archive, state) for archive, state in states],
                vanished=vanished,
                bytes_to_read=to_read,
                expected_seconds=seconds,
                conflicting_days=found.conflicting_days,
                missing_days=missing,
                missing_days_total=missing_count,
                ignored=ignored,
            )
        )
        return
    console = output()
    if nothing_new and not list_all:
        found_again = f"{counted(len(states), 'archive')} as the last run found them"
        console.print(f"Nothing new: {found_again}. --all lists them.")
        return
    rows: list[tuple[object, ...]] = [
        (
            archive.name,
            state,
            f"{archive.size:,}",
            len(archive.days),
            archive.unreadable or _same_as(archive),
        )
        for archive, state in states
    ]
    gone = "it counts no more"
    rows += [(name, "vanished", "", known[name][1], gone) for name in vanished]
    console.print(table(["archive", "state", "bytes", "days", "note"], rows, numbers=(2, 3)))
    takes = "" if seconds is None else f", about {seconds:,.0f} s at the pace of earlier runs"
    console.print(f"{counted(len(states), 'archive')}, {counted(to_read, 'byte')} to read{takes}.")
    if found.conflicting_days:
        names = _first(found.conflicting_days, len(found.conflicting_days))
        console.print(plain(f"Conflicting days: {names}."), markup=False)
    if ignored:
        console.print(f"Passed over without being read: {endings_in_words(ignored)}.")
    for words in (_dimension_words(settings), _report_words(plugins)):
        if words:
            console.print(plain(words), markup=False)
    if missing:
        days = _first([day.isoformat() for day in missing], missing_count)
        console.print(f"Missing days: {days}.")


def _dimension_words(settings: Settings) -> str:
    from pipeline_core.configuration.places import is_plugin
    from pipeline_core.dimensions.plugin import described

    place = settings.dimensions
    is_one = place is not None and is_plugin(place)
    return f"Customers and products by {described(place)}." if is_one and place else ""


def _report_words(plugins: tuple[ReportPlugin, ...]) -> str:
    from pipeline_core.messages import plugin_words

    return f"Reports by plug-ins: {plugin_words(plugins)}." if plugins else ""


def _first(names: Sequence[str], count: int) -> str:
    """The first of so many names."""
    shown = names[:_SHOWN]
    more = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return f"{', '.join(shown)}{more}"


def _planned(archive: ArchiveRef, state: PlannedState) -> PlannedArchive:
    from console.display.json_output import PlannedArchive

    return PlannedArchive(
        name=archive.name,
        state=state,
        bytes=archive.size,
        days=len(archive.days),
        duplicate_days=[day.name for day in archive.days if day.duplicate_of],
        duplicate_of=archive.duplicate_of,
        cause=archive.unreadable,
    )


def _same_as(archive: ArchiveRef) -> str:
    return f"same as {archive.duplicate_of}" if archive.duplicate_of else ""


def _expected_seconds(state: Storage, to_read: int) -> float | None:
    """By the newest run that read something; None if there is none."""
    from pipeline_core.ledger import RunLedger, newest_runs

    for run_id in islice(newest_runs(state), _HISTORY):
        outcome = RunLedger(state, run_id).outcome()
        if outcome and outcome.summary and outcome.summary.bytes_read:
            summary = outcome.summary
            took = summary.seconds
            if summary.work_seconds is not None:  # of a run that stood still, what one would take
                took = min(took, summary.work_seconds)
            return round(took * to_read / summary.bytes_read, 3)
    return None


def _versions_and_days(archives: Iterable[ArchiveRef]) -> dict[str, tuple[str, int]]:
    """By name, the version, and the number of days."""
    return {each.name: (each.version, len(each.days)) for each in archives}


def _state(archive: ArchiveRef, known: Mapping[str, tuple[str, int]]) -> PlannedState:
    if archive.unreadable:
        return "unreadable"
    if archive.duplicate_of:
        return "duplicate"
    before = known.get(archive.name)
    if before is None:
        return "new"
    return "unchanged" if before[0] == archive.version else "changed"
