"""What a recount comes to: of a part, a day, an archive, a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from pipeline_core.messages import RejectReason
from pipeline_core.verify.judge import Reject, Sale


class Place(NamedTuple):
    """Where something is; None below the level that is meant."""

    archive: str
    day: str | None = None
    part: str | None = None


class RejectRow(NamedTuple):
    """A row of rejects.csv without the event."""

    reason: str
    archive: str
    day: str
    part: str
    position: str


class Judged(NamedTuple):
    """What an event of a part came to. ``sold_on`` is the date of its day (ISO) or empty."""

    place: Place
    sold_on: str
    position: str
    found: Sale | Reject


class Day(NamedTuple):
    """A day in an archive. ``content`` is the SHA-256 of its bytes, or unlike any other if they
    cannot be inflated; ``entry`` is its name with folders, ``sold_on`` the date in that (ISO) or
    empty."""

    archive: str
    name: str
    content: str
    entry: str
    sold_on: str
    is_zip: bool


@dataclass
class Amount:
    """What some events add up to."""

    events: int = 0
    units: int = 0
    revenue: Decimal = Decimal(0)

    def add(self, events: int, units: int, revenue: Decimal) -> None:
        """Takes more."""
        self.events += events
        self.units += units
        self.revenue += revenue


@dataclass
class Lost:
    """What was left out for one reason; of ``unknown_units`` and ``unknown_revenue`` events nobody
    knows them. ``returns`` are those that came back, if that is not the reason: they are in
    ``events``, and in no sum."""

    events: int = 0
    units: int = 0
    revenue: Decimal = Decimal(0)
    unknown_units: int = 0
    unknown_revenue: int = 0
    returns: Lost | None = None

    def take(self, found: Reject) -> None:
        """Takes one more."""
        self.events += 1
        into = self
        if found.is_return and found.reason is not RejectReason.RETURN:
            into = self.returns = self.returns or Lost()
            into.events += 1
        into.units += found.units
        into.revenue += found.revenue or 0
        into.unknown_units += not found.units
        into.unknown_revenue += found.revenue is None

    def include(self, other: Lost) -> None:
        """Takes all of another."""
        self.events += other.events
        self.units += other.units
        self.revenue += other.revenue
        self.unknown_units += other.unknown_units
        self.unknown_revenue += other.unknown_revenue
        if other.returns is not None:
            self.returns = self.returns or Lost()
            self.returns.include(other.returns)


@dataclass
class Count:
    """What a part, a day, an archive or a run comes to. ``sales`` are by date (ISO, or empty),
    category and segment, ``customers`` the ids by category and segment; ``returns``, which count,
    as positive amounts, and ``returners`` are the same of what came back. Of ``rejects`` the first
    ``most_rejects`` are kept. ``newest`` is how many sales are that (see `Sale`). ``waiting`` are
    numbers of parts whose events are not counted yet."""

    most_rejects: int
    seen: int = 0
    counted: int = 0
    newest: int = 0
    not_purchase: int = 0
    parts_read: int = 0
    days_read: int = 0
    days_duplicate: int = 0
    sales: dict[tuple[str, str, str], Amount] = field(default_factory=dict)
    customers: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    returns: dict[tuple[str, str, str], Amount] = field(default_factory=dict)
    returners: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    rejected: dict[str, Lost] = field(default_factory=dict)
    rejects: list[RejectRow] = field(default_factory=list)
    unreadable: list[Place] = field(default_factory=list)
    repeated: list[Place] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    days: list[Day] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    @property
    def held(self) -> int:
        """How many customers of cells, and rejects, it holds."""
        people = (*self.customers.values(), *self.returners.values())
        return len(self.rejects) + sum(map(len, people))

    def take(self, event: Judged) -> None:
        """Counts a sale, a return or a reject."""
        place, sold_on, position, found = event
        if isinstance(found, Reject):
            self.rejected.setdefault(found.reason.value, Lost()).take(found)
            if len(self.rejects) < self.most_rejects:
                archive, day, part = place.archive, place.day or "", place.part or ""
                self.rejects.append(RejectRow(found.reason.value, archive, day, part, position))
            return
        self.counted += 1
        self.newest += found.newest
        is_return = found.units < 0
        amounts = self.returns if is_return else self.sales
        amount = amounts.setdefault((sold_on, found.category, found.segment), Amount())
        amount.add(1, abs(found.units), abs(found.revenue))
        ids = self.returners if is_return else self.customers
        people = ids.setdefault((found.category, found.segment), set())
        if found.customer is not None:
            people.add(found.customer)

    def add(self, sold_on: str, cell: tuple[str, str], amount: Amount, customers: set[str]) -> None:
        """Counts sales of a date, category and segment."""
        self.counted += amount.events
        _include(self.sales, {(sold_on, *cell): amount})
        self.customers.setdefault(cell, set()).update(customers)

    def include(self, inner: Count) -> None:
        """Takes over what a finished inner level came to."""
        self.seen += inner.seen
        self.counted += inner.counted
        self.newest += inner.newest
        self.not_purchase += inner.not_purchase
        self.parts_read += inner.parts_read
        self.days_read += inner.days_read
        self.days_duplicate += inner.days_duplicate
        _include(self.sales, inner.sales)
        _include(self.returns, inner.returns)
        for mine, others in ((self.customers, inner.customers), (self.returners, inner.returners)):
            for pair, people in others.items():
                mine.setdefault(pair, set()).update(people)
        for reason, lost in inner.rejected.items():
            self.rejected.setdefault(reason, Lost()).include(lost)
        self.rejects += inner.rejects[: self.most_rejects - len(self.rejects)]
        self.unreadable += inner.unreadable
        self.repeated += inner.repeated
        self.ignored.update(inner.ignored)
        self.days += inner.days
        self.waiting += inner.waiting


def _include(
    amounts: dict[tuple[str, str, str], Amount], more: dict[tuple[str, str, str], Amount]
) -> None:
    for group, amount in more.items():
        amounts.setdefault(group, Amount()).add(amount.events, amount.units, amount.revenue)
