"""Customers and products that come, go, and are restated, corrected and dated as time passes."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

_ONE = timedelta(days=1)
FIRST = date(2024, 1, 1)
TODAY = date(2024, 2, 1)  # no event is of that day, or later
LABELS = {"products": ("Toys", "Food", "Art"), "customers": ("Retail", "VIP")}


@dataclass(frozen=True)
class Row:
    """What a table says of an id, from the first date to before the second."""

    label: str
    price: str
    begin: date | None = None
    end: date | None = None

    def holds(self, day: date) -> bool:
        """Whether it begins before that day, and ends behind it."""
        return (self.begin is None or self.begin < day) and (self.end is None or day < self.end)


@dataclass
class ChangingList:
    """The rows of one table, by id; an id has at least one, and unless they are ``dated`` just
    one."""

    kind: str
    chance: random.Random
    ids: list[str]
    dated: bool = True
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {each: [self._row()] for each in self.ids[: len(self.ids) * 2 // 3]}

    def change(self) -> None:
        """One thing that may happen to a table."""
        changes = [self._come, self._go, self._restate, self._rescale]
        if self.dated:
            changes += [self._from_a_day, self._from_today, self._end, self._forget, self._move]
        self.chance.choice(changes)()

    def write(self, folder: Path) -> None:
        """The CSV file, without columns of validity if no row needs them."""
        dated = any(row.begin or row.end for rows in self.rows.values() for row in rows)
        name = self.kind.removesuffix("s")
        header = [f"{name}_id", "category" if name == "product" else "segment"]
        header += ["price"] if name == "product" else []
        header += ["valid_from", "valid_to"] if dated else []
        found = [header]
        for one, rows in self.rows.items():
            for row in rows:
                prices = [row.price] if name == "product" else []
                dates = [f"{day or ''}" for day in (row.begin, row.end)] if dated else []
                found.append([one, row.label, *prices, *dates])
        with (folder / f"{self.kind}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(found)

    def _row(self) -> Row:
        label = self.chance.choice([*LABELS[self.kind], ""])
        return Row(label, f"{self.chance.randint(0, 99)}.{self.chance.randint(0, 99):02}")

    def _some(self) -> tuple[str, int]:
        """An id and one of its rows."""
        one = self.chance.choice(list(self.rows))
        return one, self.chance.randrange(len(self.rows[one]))

    def _day(self) -> date:
        return FIRST + self.chance.randint(1, 30) * _ONE

    def _come(self) -> None:
        others = [each for each in self.ids if each not in self.rows]
        if others:
            begin = self.chance.choice([None, None, self._day(), TODAY]) if self.dated else None
            self.rows[self.chance.choice(others)] = [replace(self._row(), begin=begin)]

    def _go(self) -> None:
        if len(self.rows) > 1:
            del self.rows[self._some()[0]]

    def _restate(self) -> None:
        one, place = self._some()
        was, row = self.rows[one][place], self._row()
        self.rows[one][place] = replace(row, begin=was.begin, end=was.end)

    def _from_a_day(self) -> None:
        self._begin_anew(self._day())

    def _from_today(self) -> None:
        self._begin_anew(TODAY)

    def _begin_anew(self, day: date) -> None:
        """Another row from that day on; now and then it says what the one before said."""
        one, place = self._some()
        row = self.rows[one][place]
        if row.holds(day):
            after = row if self.chance.random() < 0.2 else self._row()
            self.rows[one][place] = replace(row, end=day)
            self.rows[one].insert(place + 1, replace(after, begin=day, end=row.end))

    def _end(self) -> None:
        one, place = self._some()
        day = self._day()
        if self.rows[one][place].holds(day):
            self.rows[one][place] = replace(self.rows[one][place], end=day)

    def _forget(self) -> None:
        one, place = self._some()
        if len(self.rows[one]) > 1:
            del self.rows[one][place]

    def _move(self) -> None:
        """A border by a day, of both rows that it is between."""
        one, place = self._some()
        rows = self.rows[one]
        row, after = rows[place], rows[place + 1] if place + 1 < len(rows) else None
        day = None if row.end is None else row.end + self.chance.choice([-1, 1]) * _ONE
        if day is None or not (row.begin is None or row.begin < day):
            return
        if after is not None and after.begin == row.end:
            if after.end is not None and after.end <= day:
                return
            rows[place + 1] = replace(after, begin=day)
        elif after is not None and after.begin is not None and after.begin < day:
            return
        rows[place] = replace(row, end=day)

    def _rescale(self) -> None:
        """Money has three decimals, if it is money; or two again."""
        if self.chance.random() < 0.4 or any(
            len(row.price.partition(".")[2]) > 2 for rows in self.rows.values() for row in rows
        ):
            finer = self._some()
            for one, rows in self.rows.items():
                self.rows[one] = [replace(row, price=_cents(row.price)) for row in rows]
            if self.chance.random() < 0.4:
                one, place = finer
                row = self.rows[one][place]
                self.rows[one][place] = replace(row, price=row.price + "5")


def _cents(price: str) -> str:
    whole, _, part = price.partition(".")
    return f"{whole}.{part[:2]}"
