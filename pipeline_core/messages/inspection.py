"""What an inspection found, as ``inspect --json`` prints it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pipeline_core.plural import counted

Kind = Literal["day", "part", "ignored"]
Looks = Literal["id", "label", "price", "date", "other"]
_DUPLICATE_EVENT = "duplicate_event"
Difference = Literal["padded", "prefixed", "numbers", "case", "blanks"]


class EntryKind(Struct, frozen=True):
    """Entries of one kind, at one level of the archive."""

    level: Literal["archive", "day"]
    """Whether they stand in the archive, or in one of its days that were looked into."""
    kind: Kind
    """What a run takes them for."""
    ending: str
    """The ending of their names; empty if they have none."""
    entries: int
    """How many there are."""
    bytes: int
    """Uncompressed bytes that they declare."""
    example: str
    """The name of the first one."""


class PartFound(Struct, frozen=True):
    """A part that was looked into."""

    day: str
    """Name of its day."""
    part: str
    """Its name."""
    shape: str | None
    """Whether its events are an array, lines, values or in an envelope; null if it is not known."""
    compression: str | None
    """How it is packed inside its zip; null if it is not."""
    events: int
    """Events that were sampled."""
    cause: str | None
    """Why it cannot be read; null if it can."""


class Field(Struct, frozen=True):
    """A field of the sampled events, or of the objects in one of their lists."""

    path: str
    """Its dotted path; ``[]`` stands for a list of objects."""
    present: int
    """How many of them have it."""
    rows: int
    """How many there are: events, or objects in such lists."""
    types: dict[str, int]
    """How often it holds which JSON type, whole numbers being ``integer``."""
    distinct: int
    """How many different values it holds, at most 10,000."""
    examples: list[str]
    """The first values, cut."""


class TypeValue(Struct, frozen=True):
    """One value of the type field."""

    value: str
    """The value."""
    events: int
    """How many sampled events have it."""
    items: int | None = None
    """How many items these have; null without `SALES_ITEMS`."""


class ColumnFound(Struct, frozen=True):
    """A column of a table."""

    name: str
    """Its name."""
    type: str
    """Its type, as its source calls it."""
    looks: Looks
    """What its values look like."""
    distinct: int
    """How many different values the rows that were looked at have."""
    examples: list[str]
    """The first values, cut."""


class TableFound(Struct, frozen=True):
    """A table, a view or a file that may hold customers or products."""

    name: str
    """What it is called."""
    rows: int
    """Rows that were looked at for types and examples."""
    columns: list[ColumnFound]
    """Its columns."""


class Match(Struct, frozen=True):
    """Ids of the sample, looked up in a column."""

    field: str
    """Path of the field."""
    table: str
    """The table."""
    column: str
    """The column."""
    found: int
    """Different ids that stand there."""
    ids: int
    """Different ids in the field."""
    difference: Difference | None
    """What tells those that do not stand there from those that do: ``padded`` with zeros,
    ``prefixed``, ``numbers`` instead of texts, ``case`` or ``blanks``; null if nothing was seen."""
    example: str
    """An id of the field beside one of the column that differs in just that; empty if none."""

    @property
    def words(self) -> str:
        """How many stand there."""
        ids = counted(self.ids, "id")
        return f"{self.field}: {self.found:,} of {ids} stand in {self.table}.{self.column}"


class ReasonFound(Struct, frozen=True):
    """Why sampled events would not count."""

    reason: str
    """A reject reason, or ``not_a_purchase``."""
    events: int
    """How many of them."""
    example: str
    """The JSON of the first, cut."""


class Share(Struct, frozen=True, kw_only=True):
    """What some settings would count of the sample."""

    events: int
    """Events that they see; with `SALES_ITEMS` each item is one, and so is an event without any."""
    items: int | None = None
    """How many of these are items; null without `SALES_ITEMS`."""
    counted: int = 0
    """How many of the events would count."""
    counted_again: int = 0
    """How many of those stood there before, alike in every field."""
    copies_differ: int = 0
    """How many `SALES_EVENT_ID` takes for sent twice although they differ from the first in
    customer, product or quantity."""
    reasons: list[ReasonFound] = []
    """Why not the rest, the commonest first."""

    @property
    def understood(self) -> int:
        """How many count, or would if they were no copies."""
        copies = (each.events for each in self.reasons if each.reason == _DUPLICATE_EVENT)
        return self.counted + sum(copies)


class Line(Struct, frozen=True):
    """A setting that is proposed."""

    name: str
    """Its name, as in `.env`."""
    value: str
    """Its value, without quotes."""
    why: str
    """What speaks for it."""


class Inspection(Struct, frozen=True, kw_only=True):
    """An archive, the tables, what would be counted of them, and the settings that would count
    most."""

    archive: str
    """Name of the archive."""
    entries: list[EntryKind]
    """What it holds, by kind."""
    parts: list[PartFound]
    """Parts that were looked into."""
    events: int
    """Events that were sampled."""
    fields: list[Field]
    """Their fields."""
    type_field: str | None
    """Path of the field that tells purchases from the rest; null if there is none."""
    type_values: list[TypeValue]
    """Its values, the commonest first."""
    more_type_values: int
    """How many more there are, which are less common."""
    tables: list[TableFound]
    """What may hold customers and products."""
    tables_cause: str | None
    """Why no table was looked at; null if some were."""
    matches: list[Match]
    """Ids of the sample in columns of the tables."""
    today: Share
    """What the settings of today would count."""
    today_cause: str | None
    """Why a run with them would not even begin; null if it would."""
    is_best: bool
    """Whether these are the best already."""
    proposed: Share | None
    """What the proposed settings would count; null if there are none."""
    lines: list[Line]
    """The settings that would count most: all that are not their defaults, so those of today where
    these are the best."""
    hints: list[str]
    """What else was seen, for people."""

    @property
    def counts(self) -> bool:
        """Whether anything would count by the lines."""
        return self.is_best or (self.proposed is not None and self.proposed.counted > 0)
