"""inspect: an archive and the tables looked into, and the settings that would count most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline_core.catalog.env_line import env_line
from pipeline_core.catalog.remedy import remedy
from pipeline_core.catalog.sources import Sources
from pipeline_core.catalog.tables import Table, match
from pipeline_core.configuration.places import Places
from pipeline_core.dimensions.source import find_columns
from pipeline_core.errors import ConfigError, UnreadableArchive
from pipeline_core.inspection.chosen import chosen_archive
from pipeline_core.inspection.fields import fields_of, type_values
from pipeline_core.inspection.hints import hints_of, key_hints
from pipeline_core.inspection.lines import feed_lines, place_lines, table_lines
from pipeline_core.inspection.look_up import LookUp
from pipeline_core.inspection.proposal import lacking, likeliest_type
from pipeline_core.inspection.rows import id_text, kind_of, view_of
from pipeline_core.inspection.sample import ArchiveSample, sampled, something_else
from pipeline_core.inspection.search import Chosen, Search
from pipeline_core.messages import Feed, Options
from pipeline_core.messages.inspection import Inspection, Match, Share
from pipeline_core.storage import Storage, open_archives

_VALUES_TOLD = 30


def inspect(places: Places, options: Options, archive: str | None = None) -> Inspection:
    """What one archive and the tables hold, and which settings would count most of it. Writes
    nothing.

    Raises:
        ConfigError: a place does not exist or holds no archive, or none of this name.
        UnreadableArchive: the archive cannot be read at all.
        RetryableError: the storage of the archives does not answer.
    """
    data = open_archives(places.data, follow_links=options.follow_links)
    name, others = chosen_archive(data, archive)
    tables = Sources(places)

    def take(feed: Feed) -> ArchiveSample:
        return sampled(data, name, options.limits, feed)

    look_up = LookUp(places, options)
    search = Search(take, tables.of, look_up, (places.customers, places.products))
    today: Chosen | None = None
    refusal = ""
    try:
        today = _today(take(options.feed), places, options, tables, look_up)
    except UnreadableArchive as error:
        refusal = f"{name}: {error.message}."
    best = search.best(options.feed, today.sample if today else None)
    if today is None:
        sample = best.sample if best else _something_else(data, name, options, others)
        nothing = Share(events=0)
        today = Chosen(options.feed, places.customers, places.products, sample, nothing, refusal)
    is_best = bool(today.share.counted) and (best is None or today.worth >= best.worth)
    found = None if is_best else best
    return _told(places, tables, today, found, search.nearest, is_best=is_best)


def _something_else(data: Storage, name: str, options: Options, others: str) -> ArchiveSample:
    try:
        return something_else(data, name, options.limits)
    except UnreadableArchive as error:
        raise UnreadableArchive(f"{name}: {error.message}.", others) from error


def _today(
    sample: ArchiveSample, places: Places, options: Options, tables: Sources, look_up: LookUp
) -> Chosen:
    """What the settings of today count."""
    tables.of(sample.ids)
    feed, customers, products = options.feed, places.customers, places.products
    assumed = tables.cause is not None
    share, cause = look_up.share(sample, feed, customers, products, is_assumed=assumed)
    return Chosen(feed, customers, products, sample, share, cause)


def _told(
    places: Places,
    tables: Sources,
    today: Chosen,
    best: Chosen | None,
    nearest: Chosen | None,
    *,
    is_best: bool,
) -> Inspection:
    shown = best or today
    sample, feed = shown.sample, shown.feed
    known = tables.of(sample.ids)
    view = view_of(sample.events, feed.items)
    cause = best.cause if best and not tables.cause else None
    counts = is_best or (best is not None and best.share.counted > 0)
    looked_up = nearest if nearest is not None and not counts else shown
    matches, remedies = _matches(looked_up, tables, is_file=places.dimensions is not None)
    nothing = []
    if not counts and nearest is not None:
        nothing = [_nothing_counts(nearest, matches)]
    elif not counts:
        nothing = [_nothing_found(sample, known)]
    events = view_of(sample.events, None)
    is_seen = view.present(feed.event_type) or events.present(feed.event_type)
    type_field = feed.event_type if is_seen else likeliest_type(events)
    values = type_values(sample.events, type_field, feed.items) if type_field else []
    return Inspection(
        archive=sample.archive,
        entries=sample.entries,
        parts=sample.parts,
        events=len(sample.events),
        fields=fields_of(sample.events),
        type_field=type_field,
        type_values=values[:_VALUES_TOLD],
        more_type_values=len(values[_VALUES_TOLD:]),
        tables=[table.found() for table in known],
        tables_cause=tables.cause,
        matches=matches,
        today=today.share,
        today_cause=today.cause,
        is_best=is_best,
        proposed=best.share if best else None,
        lines=[
            *place_lines(places),
            *feed_lines(feed),
            *table_lines(shown.customers, places.customers),
            *table_lines(shown.products, places.products),
        ],
        hints=[
            *_lacking_columns(places, known, today),
            *nothing,
            *remedies,
            *key_hints(today, best),
            *hints_of(sample, view, feed, cause),
        ],
    )


def _lacking_columns(places: Places, tables: Sequence[Table], today: Chosen) -> Iterator[str]:
    """What the SELECTs of the settings lack, beyond what keeps a run of today from beginning."""
    for asked in (places.customers, places.products):
        found = next(
            (each for each in tables if asked.is_select and each.name == asked.named), None
        )
        if found is not None:
            try:
                names = [column.name for column in found.columns]
                find_columns(names, asked, f"The SELECT of {asked.setting}")
            except ConfigError as error:
                if error.message not in (today.cause or ""):
                    yield str(error)


def _nothing_found(sample: ArchiveSample, tables: Sequence[Table]) -> str:
    if not sample.events:
        return "No event was found in what was looked at."
    missing = lacking(sample.events, tables)
    if missing is None:
        return (
            "No field of the sampled events tells purchases from the rest. If there is one, "
            "SALES_FIELDS and SALES_PURCHASE_TYPES can say so."
        )
    return (
        f"No field of the sampled events looks like {missing}. If there is one, SALES_FIELDS can "
        "say so; --archive opens another archive."
    )


def _nothing_counts(nearest: Chosen, matches: Sequence[Match]) -> str:
    """Why what fits best counts nothing."""
    settings = " ".join(env_line(line.name, line.value) for line in feed_lines(nearest.feed))
    causes = [each.words for each in matches if not each.found]
    causes = causes or [f"{each.events:,} {each.reason}" for each in nearest.share.reasons]
    said = f"With {settings}, which fits best" if settings else "With names that are the default"
    return f"{said}, nothing would count: {'; '.join(causes)}."


def _matches(shown: Chosen, tables: Sources, *, is_file: bool) -> tuple[list[Match], list[str]]:
    """The ids of the events in the columns that would be asked for them, and what can be done
    where they are written in another way there."""
    found, remedies = list[Match](), list[str]()
    feed, view = shown.feed, view_of(shown.sample.events, shown.feed.items)
    for path, table in ((feed.customer_id, shown.customers), (feed.product_id, shown.products)):
        values = view.columns.get(path, [])
        ids = [text for value in values if (text := id_text(value)) is not None]
        columns = (
            (column, [other.name for other in each.columns])
            for each in tables.of(shown.sample.ids)
            if each.name == table.named
            for column in each.columns
            if column.name
            == next(iter(table.wanted([other.name for other in each.columns]).values()))
        )
        column, names = next(columns, (None, []))
        if ids and column is not None:
            are_numbers = any(kind_of(value) == "integer" for value in values)
            found.append(match(path, ids, table.named, column, numbers=are_numbers))
            if found[-1].difference not in (None, "numbers"):
                whole = table.called(table.named, table.wanted(names))
                remedies.append(remedy(ids, whole, column, is_file=is_file))
    return found, remedies
