"""search: ways to read an archive and its events are tried, and the one that counts most kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix

import msgspec

from pipeline_core.catalog.tables import Mapped, Table
from pipeline_core.catalog.words import words
from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.containers.entry_names import base_name
from pipeline_core.containers.ignored import ending
from pipeline_core.errors import UnreadableArchive
from pipeline_core.inspection.candidates import is_writable
from pipeline_core.inspection.look_up import LookUp
from pipeline_core.inspection.proposal import Asked, closest_tables, proposals
from pipeline_core.inspection.repeats import event_id
from pipeline_core.inspection.sample import ArchiveSample
from pipeline_core.messages import Feed
from pipeline_core.messages.inspection import Share

Sampler = Callable[[Feed], ArchiveSample]
Tables = Callable[[frozenset[str]], Sequence[Table]]

_ALL = "*"
# Of the beginning of a name that many files without an ending have in common.
_LEAST_PREFIX = 3
# What lists of files are called, which say of an export what it holds.
_OF_AN_EXPORT = frozenset(["manifest", "metadata", "schema", "success", "checksum", "checksums"])
_BEFORE_DIGITS = re.compile(r"[^0-9]*")


@dataclass(frozen=True)
class Chosen:
    """A feed and tables, what they count of ``sample``, and why a run could not use the tables."""

    feed: Feed
    customers: DimensionTable
    products: DimensionTable
    sample: ArchiveSample
    share: Share
    cause: str | None

    @property
    def worth(self) -> tuple[int, int]:
        """Purchases that count, each of them once; then fewer that count again."""
        again = self.share.counted_again
        return self.share.counted - again, -again


class Search:
    """``sampled`` takes a sample as a feed says, ``tables`` has what may hold customers and
    products, with those of some ids that stand there; ``asked`` are those of today, and no other is
    looked at in place of one that has a name of its own and is there."""

    def __init__(
        self,
        sampled: Sampler,
        tables: Tables,
        look_up: LookUp,
        asked: Asked = (CUSTOMERS, PRODUCTS),
    ) -> None:
        self._sampled, self._tables, self._look_up = sampled, tables, look_up
        self._asked = asked
        # What fits best, although it counts nothing.
        self.nearest: Chosen | None = None

    def best(self, today: Feed, sample: ArchiveSample | None) -> Chosen | None:
        """What counts most; None if nothing does, and ``sample``, which is what the feed of today
        finds, is all that there is. It is None if that cannot read the archive: then what further
        files hold is told, if any are understood, although nothing of it counts."""
        ways = [] if sample is None else [(today, sample)]
        ways += self._with_more_parts(today, sample)
        ways += [way for feed, seen in ways for way in self._with_records(feed, seen)]
        found = [self._counted(feed, seen) for feed, seen in ways]
        best = max(filter(None, found), key=lambda each: each.share.counted, default=None)
        if best is None:
            return self._uncounted(*ways[0]) if sample is None and ways else None
        return self._settled(best)

    def _uncounted(self, feed: Feed, sample: ArchiveSample) -> Chosen:
        return self._chosen(feed, *self._asked, sample)

    def _chosen(
        self, feed: Feed, customers: DimensionTable, products: DimensionTable, sample: ArchiveSample
    ) -> Chosen:
        """What a feed counts, without a key of events that calls copies what differs."""
        share, cause = self._look_up.share(sample, feed, customers, products, is_assumed=True)
        if share.copies_differ:
            feed = msgspec.structs.replace(feed, event_id=())
            return self._chosen(feed, customers, products, sample)
        return Chosen(feed, customers, products, sample, share, cause)

    def _settled(self, found: Chosen) -> Chosen:
        """The same, of a sample that was taken as its own feed says."""
        feed = msgspec.structs.replace(found.feed, ignore=_ignored(found))
        if not feed.event_id:
            repeated = event_id(found.sample.events, feed)
            feed = msgspec.structs.replace(feed, event_id=repeated)
        again = self._counted(feed, self._sampled(feed))
        return again or found

    def _with_more_parts(
        self, today: Feed, sample: ArchiveSample | None
    ) -> list[tuple[Feed, ArchiveSample]]:
        """With files that hold events and are no parts today, if there are any."""
        if sample is not None and not _passes_over(sample):
            return []
        try:
            everything = self._sampled(msgspec.structs.replace(today, parts=(_ALL,)))
        except UnreadableArchive:  # whatever is taken for a part: it holds nothing that is read
            return []
        read = [] if sample is None else [part for part in sample.parts if part.part]
        known = {ending(part.part) for part in read}
        names = [
            base_name(part.part)
            for part in everything.parts
            if part.events and part.cause is None and ending(part.part) not in known
        ]
        if not names:
            return []
        feed = msgspec.structs.replace(today, parts=(*today.parts, *patterns(names)))
        return [(feed, self._sampled(feed))]

    def _with_records(
        self, feed: Feed, sample: ArchiveSample
    ) -> Iterator[tuple[Feed, ArchiveSample]]:
        for path in sample.arrays:
            if path != feed.records and is_writable(path):
                named = msgspec.structs.replace(feed, records=path)
                yield named, self._sampled(named)

    def _counted(self, base: Feed, sample: ArchiveSample) -> Chosen | None:
        """The best proposal for what was sampled: ``base`` itself, where none counts more."""
        tables = self._tables(sample.ids)
        closest = closest_tables(tables, self._asked)
        ranked: list[tuple[float, int, Chosen]] = []
        for number, each in enumerate(proposals(sample.events, tables, base, self._asked)):
            customers = _called(self._asked[0], each.customers or closest[0])
            products = _called(self._asked[1], each.products or closest[1])
            found = self._chosen(each.feed, customers, products, sample)
            ranked.append((-each.rank(found.share.understood), number, found))
        counting = [each for each in ranked if each[2].share.counted]
        if ranked and not counting:
            self.nearest = self.nearest or min(ranked, key=lambda item: item[:2])[2]
        best = min(counting, key=lambda item: item[:2])[2] if counting else None
        called = _called(self._asked[0], closest[0]), _called(self._asked[1], closest[1])
        return self._or_base(base, best, called, sample)

    def _or_base(
        self,
        base: Feed,
        best: Chosen | None,
        called: Asked,
        sample: ArchiveSample,
    ) -> Chosen | None:
        """``best``, or ``base`` where with the same tables that counts as much; with the tables
        ``called`` if there is no best."""
        if best is not None:
            base = msgspec.structs.replace(base, only=best.feed.only)
            called = best.customers, best.products
        if best is not None and best.feed == base:
            return best
        found = self._chosen(base, *called, sample)
        if not found.share.counted or (best is not None and found.worth < best.worth):
            return best
        return found


def _passes_over(sample: ArchiveSample) -> bool:
    """Whether something was not read that could be a part: a day without any is one, too."""
    days_refused = any(not part.part for part in sample.parts)
    return days_refused or any(each.kind == "ignored" for each in sample.entries)


def _called(table: DimensionTable, mapped: Mapped | None) -> DimensionTable:
    if mapped is None:
        return table
    renamed = {ours: theirs for ours, theirs in mapped.columns.items() if ours != theirs}
    return table.called(mapped.table.name, renamed)


def patterns(names: Sequence[str]) -> tuple[str, ...]:
    """What SALES_PARTS calls files of these base names, and of others like them: by their endings
    or, where one has none, by what all of these begin with. Digits are of one file alone."""
    bare = [name for name in names if not ending(name)]
    endings = tuple(sorted({_without_digits(ending(name)) for name in names} - {""}))
    if not bare:
        return endings
    beginning = commonprefix(bare)  # noqa: RUF071  (characters, not folders, are meant)
    prefix = _BEFORE_DIGITS.match(beginning)[0] if len(bare) > 1 else ""  # type: ignore[index]
    if len(prefix) < _LEAST_PREFIX or not is_writable(prefix) or set("*?[]") & set(prefix):
        return (_ALL,)
    whole = f"{prefix}{_ALL}"
    return (whole,) if all(name.startswith(prefix) for name in names) else (*endings, whole)


def _without_digits(told: str) -> str:
    """``.gz`` of ``.a0.gz``."""
    inner, dot, last = told.rpartition(".")
    return dot + last if any(map(str.isdigit, inner)) else told


def _ignored(found: Chosen) -> tuple[str, ...]:
    """Further files that stop a run and hold no events: sound ones, and called so. Whatever else
    cannot be read may be a loss."""
    sound = {base_name(each.part) for each in found.sample.parts if each.cause is None}
    names = {base_name(name) for name in found.sample.without_events} - sound
    others = sorted(
        name
        for name in names
        if _OF_AN_EXPORT & set(words(name)) and is_writable(name) and not set("*?[]") & set(name)
    )
    return (*found.feed.ignore, *others)
