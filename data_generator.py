"""Sample sales archives: one zip a week, in it one zip a day, in that JSON parts of events.

    data/events_week_43.zip
      events_2023-10-23.zip ... events_2023-10-29.zip
        part-001.json ...            one JSON array of events each

An archive is seven consecutive days, named after the ISO week of its first day:
`events_week_43.zip` in 2023 (the default start's ISO year), `events_2024_week_01.zip` in any
other year, and `events_week_43_wed.zip` when its first day is not a Monday. A name depends on
the days alone, never on the run, so no two different weeks share one: another count or start
date adds archives to a folder or replaces the same weeks, and nothing else.

A part depends on the seed, its date, its number and the content options only. Any run that
covers a day writes the same bytes for it (the JSON on every machine; the zips as far as the
zlib library is the same).

Customers are `c001`, `c002`, ... and products `p001`, `p002`, ... with more digits from 1000
on; the defaults are exactly the rows of sql/init.sql.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

FIRST_DAY = date(2023, 10, 23)
EVENT_TYPES = {"view_product": 70, "add_to_cart": 25, "purchase": 5}  # percent
FIELDS = ("timestamp", "customer_id", "event_type", "product_id", "quantity")

_DAYS = 7
_SECONDS = 86_400
_MAX_IDS = 1_000_000
_MAX_INDENT = 16
_CHUNK = 1 << 16  # events formatted at once: bounds memory whatever the size of a part
_LEVEL = 3  # of zlib: level 6 saves a sixth of the bytes and halves the speed
_SPOOL = 32 << 20  # a daily zip beyond this many bytes waits on disk
_ZIP64_EVENTS = 4_000_000  # a part of this many events may pass 2 GiB
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Event = dict[str, Any]
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: archives, events in them, bytes of the archives on disk."""

    archives: int
    events: int
    size: int


def archive_name(first_day: date) -> str:
    """The file name of the archive that starts on `first_day`; see the module's rule."""
    year, week, weekday = first_day.isocalendar()
    of_year = "" if year == FIRST_DAY.isocalendar().year else f"{year:04}_"
    start = "" if weekday == 1 else f"_{_WEEKDAYS[weekday - 1]}"
    return f"events_{of_year}week_{week:02}{start}.zip"


def generate(
    output_dir: Path | str = "data",
    count: int = 50,
    start_date: date = FIRST_DAY,
    *,
    seed: int = 0,
    events_per_part: int = 1_000,
    parts_per_day: int = 3,
    customers: int = 100,
    products: int = 50,
    indent: int | None = 2,
    dirt: float = 0.0,
    advance: Advance | None = None,
) -> Summary:
    """Write `count` weekly archives into `output_dir`, replacing those of the same weeks.

    `indent` is in spaces; 0 or None gives compact one-line JSON. `dirt` is the share of events,
    0 to 1, that are made dirty (see DIRT). `advance` is called with the number of events
    written since its last call.

    Each archive appears whole or not at all. Raises ValueError for a value out of range, before
    anything is written, and OSError where the folder cannot be written.
    """
    _check("count", count, 1)
    _check("seed", seed, 0)
    _check("events per part", events_per_part, 1)
    _check("parts per day", parts_per_day, 1)
    _check("customers", customers, 1, _MAX_IDS)
    _check("products", products, 1, _MAX_IDS)
    _check("indent", indent or 0, 0, _MAX_INDENT)
    if not 0 <= dirt <= 1:
        raise ValueError(f"dirt must be a share from 0 to 1, not {dirt}")
    if count * _DAYS > (date.max - start_date).days + 1:
        raise ValueError(f"{count} weeks from {start_date} go beyond {date.max}")

    parts = _Parts(seed, events_per_part, parts_per_day, customers, products, indent, dirt)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for week in range(count):
        first_day = start_date + timedelta(weeks=week)
        size += _write_archive(folder / archive_name(first_day), first_day, parts, advance)
    return Summary(count, count * _DAYS * parts.events_per_day, size)


def _check(name: str, value: int, least: int, most: int | None = None) -> None:
    if value < least or (most is not None and value > most):
        limits = f"at least {least:,}" if most is None else f"from {least:,} to {most:,}"
        raise ValueError(f"{name} must be {limits}, not {value:,}")


def _write_archive(path: Path, first_day: date, parts: _Parts, advance: Advance | None) -> int:
    # Readers skip hidden files, so a crash leaves nothing that looks like an archive.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            for offset in range(_DAYS):
                _add_day(archive, first_day + timedelta(days=offset), parts, advance)
        size = unfinished.stat().st_size
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def _add_day(archive: zipfile.ZipFile, day: date, parts: _Parts, advance: Advance | None) -> None:
    with SpooledTemporaryFile(_SPOOL) as spool:
        # Entries opened by name carry the fixed date 1980-01-01: equal runs, equal bytes.
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as daily:
            for number in range(1, parts.per_day + 1):
                name = f"part-{number:03}.json"
                with daily.open(name, "w", force_zip64=parts.events >= _ZIP64_EVENTS) as part:
                    for events, text in parts.chunks(day, number):
                        part.write(text)
                        if advance is not None:
                            advance(events)
        large = spool.tell() >= zipfile.ZIP64_LIMIT
        spool.seek(0)
        with archive.open(f"events_{day}.zip", "w", force_zip64=large) as entry:
            shutil.copyfileobj(spool, entry, 1 << 20)


# --- clean events: whole columns at a time --------------------------------------------------


class _Layout:
    """The bytes around the values of an event, taken from json.dumps itself."""

    def __init__(self, indent: int | None) -> None:
        self.indent = indent or None
        event = dict.fromkeys(FIELDS, "@")
        body = self.render(event)
        opening, closing = self._dumps([event]).split(body)
        between = self._dumps([event, event]).removeprefix(opening + body)
        self.opening, self.closing = opening.encode(), closing.encode()
        self.separator = between.removesuffix(body + closing).encode()
        # before, between and after the five values
        self.around = [text.encode() for text in body.split('"@"')]

    def render(self, value: object, *, ascii_only: bool = True) -> str:
        """One array item as it stands inside the part."""
        text = self._dumps(value, ascii_only=ascii_only)
        return text.replace("\n", "\n" + " " * (self.indent or 0))

    def _dumps(self, value: object, *, ascii_only: bool = True) -> str:
        separators = (",", ":") if self.indent is None else None
        return json.dumps(value, ensure_ascii=ascii_only, indent=self.indent, separators=separators)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Index of every event's value in the tables of _Parts; arrays of one length."""

    second: NDArray[np.intp]
    customer: NDArray[np.intp]
    event_type: NDArray[np.intp]
    product: NDArray[np.intp]
    quantity: NDArray[np.intp]


class _Parts:
    """Makes the bytes of any part; the tables hold each possible value with its surroundings."""

    def __init__(
        self,
        seed: int,
        events: int,
        per_day: int,
        customers: int,
        products: int,
        indent: int | None,
        dirt: float,
    ) -> None:
        self.seed, self.events, self.per_day, self.dirt = seed, events, per_day, dirt
        self.events_per_day = events * per_day
        self.layout = _Layout(indent)
        _, *after = self.layout.around
        clocks = (
            f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            for second in range(_SECONDS)
        )
        self.clocks = _table(f'{clock}"' for clock in clocks) + after[0]
        self.customers = _table(f'"c{n:03}"' for n in range(1, customers + 1)) + after[1]
        self.percent_above = np.cumsum(list(EVENT_TYPES.values()))[:-1]
        self.event_types = _table(f'"{name}"' for name in EVENT_TYPES) + after[2]
        self.products = _table(f'"p{n:03}"' for n in range(1, products + 1)) + after[3]
        self.quantities = _table("123") + after[4]

    def chunks(self, day: date, number: int) -> Iterator[tuple[int, bytes]]:
        """The text of part `number` (from 1) of `day` in pieces, each with its count of events."""
        clean, soil = (self._bits(day, number, stream) for stream in range(2))
        layout = self.layout
        head = layout.separator + layout.around[0] + f'"{day}T'.encode()
        for start in range(0, self.events, _CHUNK):
            length = min(_CHUNK, self.events - start)
            columns = self._draw(clean, (number - 1) * self.events + start, length)
            rows = self._rows(head, columns)
            if self.dirt:
                self._soil(soil, rows)
            if start == 0:
                rows[0, 0] = layout.opening + rows[0, 0].removeprefix(layout.separator)
            last = start + length == self.events
            yield length, b"".join(rows.ravel().tolist()) + (layout.closing if last else b"")

    def _bits(self, day: date, number: int, stream: int) -> np.random.PCG64:
        key = (day.toordinal(), number, stream)
        return np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key))

    def _draw(self, bits: np.random.PCG64, position: int, length: int) -> _Columns:
        # Raw bits only: unlike Generator's methods they are the same in every numpy release.
        raw = _words(bits, length, 4)
        where = np.arange(position, position + length) + raw[:, 0] / 2.0**32
        second = (where * (_SECONDS / self.events_per_day)).astype(np.intp)
        percent = _below(raw[:, 3] & 0xFFFF, 100, 16)
        return _Columns(
            second=np.minimum(second, _SECONDS - 1),
            customer=_below(raw[:, 1], len(self.customers), 32),
            event_type=np.searchsorted(self.percent_above, percent, side="right"),
            product=_below(raw[:, 2], len(self.products), 32),
            quantity=_below(raw[:, 3] >> 16, len(self.quantities), 16),
        )

    def _rows(self, head: bytes, columns: _Columns) -> NDArray[np.object_]:
        rows = np.empty((len(columns.second), len(FIELDS) + 1), dtype=object)
        rows[:, 0] = head
        rows[:, 1] = self.clocks[columns.second]
        rows[:, 2] = self.customers[columns.customer]
        rows[:, 3] = self.event_types[columns.event_type]
        rows[:, 4] = self.products[columns.product]
        rows[:, 5] = self.quantities[columns.quantity]
        return rows

    def _soil(self, bits: np.random.PCG64, rows: NDArray[np.object_]) -> None:
        raw = _words(bits, len(rows), 2)
        kinds = list(DIRT)
        for row in np.flatnonzero(raw[:, 0] < self.dirt * 2.0**32).tolist():
            event = json.loads(b"".join(rows[row].tolist()).removeprefix(self.layout.separator))
            variant, kind = divmod(int(raw[row, 1]), len(kinds))
            text = _soiled(kinds[kind], event, variant, self.layout)
            rows[row, 0] = self.layout.separator + text.encode()
            rows[row, 1:] = b""


def _table(values: Iterator[str] | str) -> NDArray[np.object_]:
    encoded = [value.encode() for value in values]
    table = np.empty(len(encoded), dtype=object)
    table[:] = encoded
    return table


def _words(bits: np.random.PCG64, rows: int, width: int) -> NDArray[np.uint64]:
    """Random 32-bit numbers, `rows` by `width` (even), the same on either byte order."""
    raw = np.asarray(bits.random_raw(rows * width // 2), dtype="<u8")
    return raw.view("<u4").reshape(rows, width).astype(np.uint64)


def _below(raw: NDArray[np.integer[Any]], limit: int, width: int) -> NDArray[np.intp]:
    """Unsigned 64-bit numbers of `width` random bits, scaled to 0 .. limit - 1."""
    return ((raw * np.uint64(limit)) >> np.uint64(width)).astype(np.intp)


# --- dirty events: a few, one at a time -----------------------------------------------------


def _put(field: str, *values: object) -> Callable[[Event, int], object]:
    return lambda event, variant: {**event, field: values[variant % len(values)]}


def _drop(field: str) -> Callable[[Event, int], object]:
    return lambda event, _: {key: value for key, value in event.items() if key != field}


def _unknown(field: str) -> Callable[[Event, int], object]:
    def unknown(event: Event, variant: int) -> object:
        known = event[field]
        ids = (known.upper(), f"{known} ", f"former-{known}", known + "0" * 40)
        return {**event, field: ids[variant % len(ids)]}

    return unknown


def _other(*values: object) -> Callable[[Event, int], object]:
    return lambda _, variant: values[variant % len(values)]


def _reordered(event: Event, variant: int) -> object:
    keys = FIELDS[variant % 5 :] + FIELDS[: variant % 5]
    return {key: event[key] for key in reversed(keys)}


DIRT: dict[str, Callable[[Event, int], object]] = {
    "guest_missing": _drop("customer_id"),
    "guest_null": _put("customer_id", None),
    "guest_empty": _put("customer_id", ""),
    "customer_not_text": _put("customer_id", 17, False, ["c001"], {"id": "c001"}),
    "customer_unknown": _unknown("customer_id"),
    "product_missing": _drop("product_id"),
    "product_null": _put("product_id", None),
    "product_empty": _put("product_id", ""),
    "product_not_text": _put("product_id", 17, True, ["p001"], {"id": "p001"}),
    "product_unknown": _unknown("product_id"),
    "quantity_missing": _drop("quantity"),
    "quantity_null": _put("quantity", None),
    "quantity_zero": _put("quantity", 0),
    "quantity_negative": _put("quantity", -1, -2, -(2**31)),
    "quantity_text": _put("quantity", "2", "", "two", "1.0"),
    "quantity_float": _put("quantity", 1.5, 2.0, 0.1, 1e300),
    "quantity_bool": _put("quantity", True, False),
    "quantity_huge": _put("quantity", 2**31, 2**64, 10**30),
    "not_an_object": _other(None, True, 42, 1.5, "purchase", [], ["purchase", {}]),
    "event_type_missing": _drop("event_type"),
    "event_type_not_text": _put("event_type", None, 3, True, ["purchase"], {"is": "purchase"}),
    "event_type_other": _put("event_type", "Purchase", "refund", "purchase ", ""),
    "timestamp_bad": _put("timestamp", None, "", "yesterday", 1698019200, "2023-10-32T25:00:00"),
    "extra_fields": lambda event, variant: {
        "event_id": variant,
        **event,
        "currency": "EUR",
        "discount": 0.1,
        "gift": False,
    },
    "nested_fields": lambda event, _: {
        "context": {"event_type": "purchase", "items": [{"product_id": "p001", "quantity": 9}]},
        **event,
        "history": [[], {}, [dict(event)]],
    },
    "punctuation": lambda event, _: {**event, "note": '"quantity": 3}, {\\ [/] \t\x01\x7f'},
    "reordered": _reordered,
    "escapes": lambda event, _: {**event, "note": "naïve 🎉 \u2028"},
    "unicode": lambda event, _: {**event, "note": "Zoë 東京 🎉 \u2028"},
}
"""Kind of dirt -> the dirty JSON value for a clean event and a number that picks a variant.

Some kinds make an event that a reader must leave out, others only look odd and still count.
Every kind is as likely as any other.
"""


def _soiled(kind: str, event: Event, variant: int, layout: _Layout) -> str:
    text = layout.render(DIRT[kind](event, variant), ascii_only=kind != "unicode")
    # the letter p stands in keys and values alike, never in a literal of JSON
    return text.replace("p", r"\u0070") if kind == "escapes" else text


# --- the command ----------------------------------------------------------------------------


def _spaces(_context: click.Context, _option: click.Parameter, value: str) -> int:
    if value.lower() == "none":
        return 0
    try:
        return int(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is neither a number nor 'none'") from error


@contextmanager
def _progress(total: int) -> Iterator[Advance | None]:
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("Generating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=max(total, 0))
        yield lambda events: progress.advance(task, events)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("-c", "--count", type=int, default=50, help="Weekly archives to write.")
@click.option(
    "-o",
    "--output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    help="Folder for the archives; made if missing.",
)
@click.option(
    "-s",
    "--start-date",
    type=click.DateTime(["%Y-%m-%d"]),
    default=str(FIRST_DAY),
    help="First day of the first archive.",
)
@click.option("--seed", type=int, default=0, help="Same seed and options, same bytes.")
@click.option("--events-per-part", type=int, default=1_000, help="Events in each JSON part.")
@click.option("--parts-per-day", type=int, default=3, help="JSON parts in each daily zip.")
@click.option("--customers", type=int, default=100, help="Customers c001, c002, ...")
@click.option("--products", type=int, default=50, help="Products p001, p002, ...")
@click.option(
    "--indent", callback=_spaces, default="2", help="Spaces of JSON indent; 0 or none: one line."
)
@click.option(
    "--dirt",
    type=float,
    default=0.0,
    help="Share of events, 0 to 1, made dirty: guests, bad quantities, unknown products and "
    "customers, things that are no event, odd but valid JSON.",
)
def main(output_dir: Path, count: int, start_date: datetime, **content: Any) -> None:
    """Write weekly archives of shop events to try the sales pipeline on.

    An archive holds the seven days from its first day and is named after that day's ISO week:
    events_week_43.zip in 2023, events_2024_week_01.zip in any other year, and
    events_week_43_wed.zip when the first day is not a Monday. The name depends on the days
    alone: other counts and start dates never overwrite a different week. Archives of the same
    weeks are replaced; others in the folder stay.

    Customers c001..c100 and products p001..p050, the defaults, are the rows of sql/init.sql.
    """
    total = count * _DAYS * content["parts_per_day"] * content["events_per_part"]
    try:
        with _progress(total) as advance:
            summary = generate(output_dir, count, start_date.date(), advance=advance, **content)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write to {output_dir}: {error}") from error
    click.echo(
        f"{_counted(summary.archives, 'archive')}, {_counted(summary.events, 'event')}, "
        f"{_counted(summary.size, 'byte')} in {output_dir}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    main()
