"""The report computed a second time: slow, obvious, from the standard library alone.

It reads everything into memory, believes zipfile and json, and adds Decimals in dicts. It knows
no limits but the depth of JSON, and nothing of the product. What a shop calls things, and where
events are in a part, is in `oracle_feed.py` and `oracle_parts.py`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, localcontext
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from tests.support.oracle_feed import Counted as Found
from tests.support.oracle_feed import Feed, date_of_day, date_of_folder, date_of_part
from tests.support.oracle_parts import NotEvents, events_of, unpacked

UNKNOWN = "Unknown"
PACKED = ("gz", "bz2", "xz", "zst", "lz4", "lzma", "br", "z")

# Everything zipfile and its decompressors raise on damaged input.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted; also NotImplementedError (method)
    ValueError,  # a name that is none
    struct.error,
)


class Place(NamedTuple):
    """Where something is: file name, then full entry names; empty below the level it names."""

    archive: str
    day: str = ""
    part: str = ""


class Reject(NamedTuple):
    """One event that was left out."""

    reason: str
    archive: str
    day: str
    part: str
    position: int | str  # in its part, from 0; `event/item` of an item
    event: object  # as json reads it


class Counted(NamedTuple):
    """One event that counts, in its cell of the report."""

    archive: str
    day: str
    part: str
    position: int | str  # in its part, from 0; `event/item` of an item
    date: str
    category: str
    segment: str
    customer: str | None  # None: a guest
    product: str
    units: int
    revenue: str


class Row(NamedTuple):
    """One line of the sales report, as printed."""

    category: str
    customer_segment: str
    total_revenue: str
    units_sold: int
    unique_customers: int


@dataclass(frozen=True)
class OracleResult:
    """What a run must publish."""

    rows: list[Row]
    sales_report: bytes  # sales_report.csv
    daily_sales: bytes  # daily_sales.csv
    returns: bytes  # returns.csv, where returns are separate
    products: list[tuple[str, str | None, str, int]]  # category, id if known, revenue, units
    rejects: list[Reject]  # by archive, day, part, position
    counted: list[Counted]  # the same
    unreadable: list[Place]
    summary: dict[str, Any]  # the part of summary.json that can be known from outside


class _Product(NamedTuple):
    valid_from: str  # ISO, or empty
    valid_to: str
    category: str | None
    price: Decimal


class _Customer(NamedTuple):
    valid_from: str
    valid_to: str
    segment: str | None


class _Sale(NamedTuple):
    category: str
    segment: str
    customer: str | None  # None: a guest
    product: str
    units: int
    revenue: Decimal
    is_undated: bool = False


class _Lost(NamedTuple):
    reason: str
    units: int | None
    revenue: Decimal | None
    came_back: bool


class _Paid(NamedTuple):
    counts: bool  # or the price of the product does
    price: Decimal | None


class _Dimensions(NamedTuple):
    customers: dict[str, list[_Customer]]
    products: dict[str, list[_Product]]
    decimals: int


class _Part(NamedTuple):
    place: Place
    date: str  # or empty
    events: list[Any]


class _Loose(NamedTuple):
    """A day that is no zip: its parts by name; None for damaged bytes."""

    date: str  # or empty
    parts: list[tuple[str, bytes | None]]
    are_parts: bool = True  # or only something else is there


class _Day(NamedTuple):
    kind: Literal["read", "duplicate", "unreadable"]
    parts: list[_Part]
    unreadable: list[Place]
    ignored: list[str]  # endings
    repeated: list[Place]


class _Zip(NamedTuple):
    entries: list[tuple[str, bytes | None]]  # those wanted, by name; None for damaged bytes
    others: list[tuple[str, bytes | None]]  # the others, too
    ignored: list[str]  # endings of the others
    is_understood: bool  # or it holds something, and nothing that is wanted


class _Reading(NamedTuple):
    parts: list[_Part]
    unreadable: list[Place]
    ignored: list[str]  # endings
    archives: dict[str, int]
    days: dict[str, int]
    conflicting_days: list[str]
    repeated_parts: list[dict[str, str | None]]


def compute(
    data: Path,
    dimensions: Path,
    *,
    unknown: Literal["reject", "bucket"] = "reject",
    returns: Literal["reject", "net", "separate"] = "reject",
    feed: Mapping[str, str] | None = None,
) -> OracleResult:
    """The report, the rejects and the figures of one complete reading of `data`; `feed` are the
    SALES_* settings that describe it."""
    with localcontext(Context(prec=1000, traps=[Inexact, InvalidOperation, DivisionByZero])):
        own = replace(Feed.of(feed or {}), returns=returns)
        return _compute(data, _read_dimensions(dimensions, own), own, bucket=unknown == "bucket")


def _compute(data: Path, known: _Dimensions, feed: Feed, *, bucket: bool) -> OracleResult:
    reading = _read(data, feed)
    sales: list[tuple[str, _Sale]] = []
    rejects: list[Reject] = []
    lost: list[_Lost] = []
    counted: list[Counted] = []
    seen = not_purchase = 0
    sent_before = _sent_before(reading.parts, feed)
    for number, ((archive, day, part), sold_on, events) in enumerate(reading.parts):
        for found in (each for n, event in enumerate(events) for each in feed.counted(n, event)):
            seen += 1
            verdict = _judge(found, sold_on, known, feed, bucket=bucket)
            if (number, found.position) in sent_before:
                verdict = "duplicate_event"
            if isinstance(verdict, _Sale):
                sales.append((sold_on, verdict))
                counted.append(
                    Counted(
                        *(archive, day, part, found.position, sold_on, verdict.category),
                        *(verdict.segment, verdict.customer, verdict.product, verdict.units),
                        _money(verdict.revenue, known.decimals),
                    )
                )
            elif verdict == "not_purchase":
                not_purchase += 1
            else:
                rejects.append(Reject(verdict, archive, day, part, found.position, found.value))
                lost.append(_what_is_lost(verdict, found, sold_on, known, feed))

    returned = [
        (day, sale._replace(units=-sale.units, revenue=-sale.revenue))
        for day, sale in sales
        if sale.units < 0
    ]
    total, undated = len(sales), sum(sale.is_undated for _, sale in sales)
    if feed.returns == "separate":
        sales = [(day, sale) for day, sale in sales if sale.units > 0]
    rows = _sales_rows(sales, known.decimals)
    revenue = sum((sale.revenue for _, sale in sales), Decimal(0))
    return OracleResult(
        rows=rows,
        sales_report=_csv(Row._fields, rows),
        daily_sales=_csv(
            ("date", "category", "customer_segment", "total_revenue", "units_sold"),
            _daily_rows(sales, known.decimals),
        ),
        returns=_csv(Row._fields, _sales_rows(returned, known.decimals)),
        products=_product_rows(sales, known),
        rejects=rejects,
        counted=counted,
        unreadable=reading.unreadable,
        summary={
            "status": "incomplete" if reading.unreadable or (seen and not total) else "complete",
            "ignored": {each: reading.ignored.count(each) for each in set(reading.ignored)},
            "archives": reading.archives,
            "days": reading.days,
            "parts": {
                "read": len(reading.parts),
                "unreadable": sum(place.part != "" for place in reading.unreadable),
            },
            "events": {
                "seen": seen,
                "counted": total,
                "not_purchase": not_purchase,
                "rejected": len(rejects),
            },
            "rejected": _rejected(lost, known.decimals),
            "returns": _returns(returned, known.decimals, feed),
            "undated": undated,
            "totals": {
                "total_revenue": _money(revenue, known.decimals),
                "units_sold": sum(sale.units for _, sale in sales),
                "unique_customers": _customers(sales),
            },
            "conflicting_days": reading.conflicting_days,
            "repeated_parts": reading.repeated_parts,
        },
    )


# --- reading -------------------------------------------------------------------------------------


def _read(data: Path, feed: Feed) -> _Reading:
    parts: list[_Part] = []
    unreadable: list[Place] = []
    ignored: list[str] = []
    archives = {"read": 0, "duplicate": 0, "unreadable": 0}
    days = {"read": 0, "duplicate": 0, "unreadable": 0}
    archives_seen: set[bytes] = set()
    days_seen: set[bytes] = set()
    versions: dict[str, set[tuple[str, bytes]]] = {}
    zips: set[tuple[str, str]] = set()  # date and base name of days
    folders: set[tuple[str, str]] = set()
    repeated: list[Place] = []

    for file in sorted(data.iterdir(), key=lambda file: file.name):
        if _is_junk(file.name) or not _is_zip(file.name):
            ignored += [] if file.is_dir() else [_ending(file.name)]
            continue
        if not file.is_file():
            archives["unreadable"] += 1
            unreadable.append(Place(file.name))
            continue
        content = file.read_bytes()
        inside = _entries(content, lambda name: _is_day(name, feed) or _is_part(name, feed))
        if content in archives_seen:
            archives["duplicate"] += 1
        elif inside is None or not inside.is_understood:
            archives["unreadable"] += 1
            unreadable.append(Place(file.name))
            ignored += inside.ignored if inside else []
        else:
            archives["read"] += 1
            ignored += inside.ignored
            same_name: dict[str, set[bytes]] = {}
            for number, (day, held) in enumerate(_days(inside, file.name, feed)):
                version = _version(held)
                if version is None:  # bytes that cannot be read are unlike any others
                    version = f"unreadable {file.name} {number}".encode()
                versions.setdefault(_base(day), set()).add((file.name, version))
                if isinstance(held, _Loose):
                    folders.add((held.date, _base(day)))
                else:
                    zips.add((date_of_day(day) or "no date", _base(day)))
                same_name.setdefault(day, set()).add(version)
                outcome = _read_day(Place(file.name, day), held, version, days_seen, feed)
                days[outcome.kind] += 1
                parts += outcome.parts
                unreadable += outcome.unreadable
                ignored += outcome.ignored
                repeated += outcome.repeated
            repeated += [Place(file.name, day) for day, has in same_name.items() if len(has) > 1]
        archives_seen.add(content)
    return _Reading(
        parts,
        unreadable,
        ignored,
        archives,
        days,
        sorted(
            {name for name, contents in versions.items() if _conflict(contents)}
            | {day for a, b in product(zips, folders) if a[0] == b[0] for day in (a[1], b[1])}
        ),
        [
            {"archive": archive, "day": day, "part": part or None}
            for archive, day, part in sorted(set(repeated))
        ],
    )


def _days(inside: _Zip, archive: str, feed: Feed) -> list[tuple[str, bytes | _Loose | None]]:
    """Daily zips, and parts that are in none by their dates, and dated folders of other things; by
    name."""
    days: list[tuple[str, bytes | _Loose | None]] = []
    loose: dict[str, _Loose] = {}
    stem = archive[: -len(".zip")]
    for name, content in inside.entries:
        if _is_zip(name):
            days.append((name, content))
        else:
            day = date_of_part(name, stem)
            loose.setdefault(day, _Loose(day, [])).parts.append((name, content))
    found = {date_of_folder(name) for name, _ in inside.entries}
    found |= {date_of_day(name) for name, _ in days} | loose.keys()
    for name, content in inside.others:
        day = date_of_folder(name)
        if day and day not in found and not _is_junk(name) and not feed.is_ignored(name):
            loose.setdefault(day, _Loose(day, [], are_parts=False)).parts.append((name, content))
    days += [(day or stem, held) for day, held in loose.items()]
    return sorted(days, key=lambda day: day[0])


def _version(held: bytes | _Loose | None) -> bytes | None:
    """What is the same of two days that are."""
    if not isinstance(held, _Loose):
        return held
    if any(content is None for _, content in held.parts):
        return None
    return held.date.encode() + b"".join(
        sorted(
            {
                _base(name).encode() + b"\0" + hashlib.sha256(content or b"").digest()
                for name, content in held.parts
            }
        )
    )


def _read_day(
    place: Place, held: bytes | _Loose | None, version: bytes, seen: set[bytes], feed: Feed
) -> _Day:
    if held is None:
        return _Day("unreadable", [], [place], [], [])
    if version in seen:
        return _Day("duplicate", [], [], [], [])
    seen.add(version)
    if isinstance(held, _Loose):
        if not held.are_parts:
            return _Day("unreadable", [], [place], [], [])
        return _read_parts(place, held, [], feed)
    inside = _entries(held, lambda name: _is_part(name, feed))
    if inside is None or not inside.is_understood:
        return _Day("unreadable", [], [place], inside.ignored if inside else [], [])
    return _read_parts(place, _Loose(date_of_day(place.day), inside.entries), inside.ignored, feed)


def _read_parts(place: Place, held: _Loose, ignored: list[str], feed: Feed) -> _Day:
    day = _Day("read", [], [], ignored, [])
    read: set[tuple[str, bytes]] = set()
    bases = {_base(name) for name, _ in held.parts}
    for name, content in held.parts:
        part = place._replace(part=name)
        if content is None:
            day.unreadable.append(part)
            continue
        try:
            events = events_of(content, feed.envelope)
        except NotEvents:
            day.unreadable.append(part)
            continue
        base = _bare(_base(name))
        is_packed_otherwise = sum(_bare(each) == base for each in bases) > 1
        same = (base, unpacked(content) if is_packed_otherwise else content)
        if same not in read:
            read.add(same)
            day.parts.append(_Part(part, held.date, events))
    named: dict[str, list[str]] = {}
    for each in day.parts:
        named.setdefault(_bare(each.place.part), []).append(each.place.part)
    for bare, names in named.items():
        if len(names) > 1:
            day.repeated.append(place._replace(part=bare if len(set(names)) > 1 else names[0]))
    return day


def _bare(name: str) -> str:
    return name.rpartition(".")[0] if name.lower().endswith((".gz", ".zst")) else name


def _conflict(contents: Iterable[tuple[str, bytes]]) -> bool:
    """Are there two archives in which the day has different bytes?"""
    return any(a != b and x != y for a, x in contents for b, y in contents)


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _is_junk(name: str) -> bool:
    *folders, base = name.replace("\\", "/").split("/")
    return (
        base.startswith(".")
        or any(re.match(r"\.(?!\.?\Z)", folder, re.DOTALL) for folder in folders)
        or "__MACOSX" in (*folders, base)
    )


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _is_day(name: str, feed: Feed) -> bool:
    return not _is_junk(name) and _is_zip(name) and not feed.is_ignored(name)


def _is_part(name: str, feed: Feed) -> bool:
    return not _is_junk(name) and feed.is_part(name) and not feed.is_ignored(name)


def _entries(content: bytes, is_wanted: Callable[[str], bool]) -> _Zip | None:
    """What is in a zip; None if it is none, or what is left of one that held others."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            first = min((entry.header_offset for entry in opened.infolist()), default=0)
            if b"PK\3\4" in content[: max(0, first)]:
                return None
            files = [
                entry
                for entry in opened.infolist()
                if _base(entry.filename) or entry.file_size or entry.CRC
            ]
            files.sort(key=lambda entry: entry.filename)
            wanted = [
                (entry.filename, _entry(opened, entry))
                for entry in files
                if is_wanted(entry.filename)
            ]
            others = [
                (entry.filename.rstrip("/\\"), _entry(opened, entry))
                for entry in files
                if not is_wanted(entry.filename)
            ]
    except DAMAGE:
        return None
    names = [name for name, _ in others]
    return _Zip(
        wanted, others, list(map(_ending, names)), bool(wanted) or all(map(_is_junk, names))
    )


def _ending(name: str) -> str:
    """`.json.gz` of `a.JSON.gz`; nothing if there is no dot with something short on both sides."""
    first, *endings = _base(name).lower().rsplit(".", 2)
    before, last = (endings[0] if len(endings) == 2 else "", endings[-1]) if endings else ("", "")
    if not _is_ending(last) or (not first and len(endings) < 2):
        return ""
    if last in PACKED and first and _is_ending(before):
        return f".{before}.{last}"
    return f".{last}"


def _is_ending(text: str) -> bool:
    return 0 < len(text) < 16 and set(text) <= set("0123456789abcdefghijklmnopqrstuvwxyz_~+-")


def _entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | None:
    try:
        return opened.read(entry)
    except DAMAGE:
        return None


def _read_dimensions(folder: Path, feed: Feed) -> _Dimensions:
    customers = _read_csv(folder / "customers.csv")
    products = _read_csv(folder / "products.csv")
    if feed.price is not None:
        products = [row | {"price": "0"} for row in products]
        known = _Dimensions({}, {}, feed.price_decimals)
    else:
        shown = max((_decimals(row["price"]) for row in products), default=0)
        known = _Dimensions({}, {}, shown)
    for row in customers:
        one = _Customer(*_validity(row), row["segment"] or None)
        known.customers.setdefault(row["customer_id"], []).append(one)
    for row in products:
        thing = _Product(*_validity(row), row["category"] or None, Decimal(row["price"]))
        known.products.setdefault(row["product_id"], []).append(thing)
    return known


def _validity(row: dict[str, str]) -> tuple[str, str]:
    return row.get("valid_from") or "", row.get("valid_to") or ""


_Row = TypeVar("_Row", _Customer, _Product)


def _of_day(rows: Sequence[_Row], day: str) -> _Row | None:
    """The one that is valid on a day; without a day the one that begins last."""
    if not day:
        return max(rows, key=lambda row: row.valid_from, default=None)
    valid = [row for row in rows if row.valid_from <= day < (row.valid_to or "9999-99")]
    return valid[0] if valid else None


def _decimals(price: str) -> int:
    """Of more than six, the zeros at the end go, but for the currency's two."""
    shown = price.partition(".")[2]
    return len(shown if len(shown) <= 6 else shown.rstrip("0").ljust(2, "0"))


def _read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


# --- deciding ------------------------------------------------------------------------------------


def _judge(
    found: Found, sold_on: str, known: _Dimensions, feed: Feed, *, bucket: bool
) -> _Sale | str:
    """The sale, or `not_purchase`, or the first reason that speaks against the event."""
    by_type = feed.judge_type(found)
    if by_type != "purchase":
        return by_type
    customer = feed.id(found, "customer_id")
    is_guest = customer in (None, "")
    if is_guest and not bucket:
        return "guest"
    if not is_guest and not isinstance(customer, str):
        return "invalid_customer_id"
    product_id = feed.id(found, "product_id")
    if not isinstance(product_id, str) or not product_id:
        return "invalid_product_id"
    units = feed.quantity(found)
    if units is None or (units < 0 and feed.returns == "reject"):
        return "invalid_quantity" if units is None else "return"
    buyer = None if is_guest else str(customer)
    paid = _Paid(feed.price is not None, feed.paid(found))
    return _judge_names(buyer, product_id, units, sold_on, known, paid, bucket=bucket)


def _judge_names(
    customer: str | None,
    product_id: str,
    units: int,
    sold_on: str,
    known: _Dimensions,
    paid: _Paid,
    *,
    bucket: bool,
) -> _Sale | str:
    products = known.products.get(product_id, [])
    buyers = known.customers.get(customer, []) if customer is not None else []
    product, buyer = _of_day(products, sold_on), _of_day(buyers, sold_on)
    category = product.category if product else None
    segment = buyer.segment if buyer else None
    names = [
        ("unknown_product", not products),
        ("unknown_customer", buyer is None),
        ("missing_category", category is None and (product is not None or paid.counts)),
        ("missing_segment", segment is None),
    ]
    faults = [] if bucket else [reason for reason, holds in names if holds]
    if products and product is None and not paid.counts:
        faults.append("no_price_on_date")
    if paid.counts and paid.price is None:
        faults.append("invalid_price")
    if faults:
        return faults[0]
    price = paid.price if paid.counts else product.price if product else None
    return _Sale(
        category or UNKNOWN,
        segment or UNKNOWN,
        customer,
        product_id,
        units,
        units * (price or Decimal(0)),
        not sold_on and any(row[0] or row[1] for row in (*products, *buyers)),
    )


def _sent_before(parts: Sequence[_Part], feed: Feed) -> set[tuple[int, int | str]]:
    """Purchases of which an earlier event of the feed is equal, by their parts' numbers and their
    positions. Earlier is by date, none being the latest, then as they stand."""
    firsts: dict[object, tuple[int, int]] = {}
    again: set[tuple[int, int | str]] = set()
    for number in sorted(range(len(parts)), key=lambda n: (parts[n].date or "none", n)):
        for n, event in enumerate(parts[number].events):
            for found in feed.counted(n, event):
                key = feed.known_by(found)
                if key is not None and firsts.setdefault(key, (number, n)) != (number, n):
                    again.add((number, found.position))
    return again


def _what_is_lost(reason: str, found: Found, sold_on: str, known: _Dimensions, feed: Feed) -> _Lost:
    """What a reject would have brought, as far as it can be known: of what may be no purchase it
    cannot."""
    if not isinstance(found.value, dict) or reason in ("not_an_object", "invalid_event_type"):
        return _Lost(reason, None, None, came_back=False)
    units = feed.quantity(found)
    product_id = feed.id(found, "product_id")
    rows = known.products.get(product_id, []) if isinstance(product_id, str) else []
    product = _of_day(rows, sold_on)
    price = feed.paid(found) if feed.price is not None else product.price if product else None
    revenue = None if units is None or price is None else units * price
    came_back = feed.is_return(found) or (units is not None and units < 0)
    return _Lost(reason, units, revenue, came_back)


# --- adding up -----------------------------------------------------------------------------------


def _sales_rows(sales: Sequence[tuple[str, _Sale]], decimals: int) -> list[Row]:
    revenue: dict[tuple[str, str], Decimal] = {}
    units: dict[tuple[str, str], int] = {}
    customers: dict[tuple[str, str], set[str]] = {}
    for _, sale in sales:
        group = (sale.category, sale.segment)
        revenue[group] = revenue.get(group, Decimal(0)) + sale.revenue
        units[group] = units.get(group, 0) + sale.units
        customers.setdefault(group, set())
        if sale.customer is not None and sale.units > 0:
            customers[group].add(sale.customer)
    return [
        Row(*group, _money(revenue[group], decimals), units[group], len(customers[group]))
        for group in sorted(revenue, key=lambda group: (-revenue[group], group))
    ]


def _daily_rows(sales: Sequence[tuple[str, _Sale]], decimals: int) -> list[tuple[object, ...]]:
    revenue: dict[tuple[str, str, str], Decimal] = {}
    units: dict[tuple[str, str, str], int] = {}
    for day, sale in sales:
        group = (day, sale.category, sale.segment)
        revenue[group] = revenue.get(group, Decimal(0)) + sale.revenue
        units[group] = units.get(group, 0) + sale.units
    return [(*group, _money(revenue[group], decimals), units[group]) for group in sorted(revenue)]


def _product_rows(
    sales: Sequence[tuple[str, _Sale]], known: _Dimensions
) -> list[tuple[str, str | None, str, int]]:
    """By category, the most revenue first; ids that are not among the products are one row."""
    revenue: dict[tuple[str, str | None], Decimal] = {}
    units: dict[tuple[str, str | None], int] = {}
    for _, sale in sales:
        group = (sale.category, sale.product if sale.product in known.products else None)
        revenue[group] = revenue.get(group, Decimal(0)) + sale.revenue
        units[group] = units.get(group, 0) + sale.units

    def place(group: tuple[str, str | None]) -> tuple[object, ...]:
        category, product = group
        return category, -revenue[group], product is None, product or ""

    return [
        (*group, _money(revenue[group], known.decimals), units[group])
        for group in sorted(revenue, key=place)
    ]


def _customers(sales: Sequence[tuple[str, _Sale]]) -> int:
    """Distinct ones who bought something."""
    buyers = {sale.customer for _, sale in sales if sale.units > 0}
    return len(buyers - {None})


def _returns(
    returned: Sequence[tuple[str, _Sale]], decimals: int, feed: Feed
) -> dict[str, Any] | None:
    """What came back, in positive amounts."""
    if feed.returns == "reject":
        return None
    revenue = sum((sale.revenue for _, sale in returned), Decimal(0))
    return {
        "events": len(returned),
        "units": sum(sale.units for _, sale in returned),
        "revenue": _money(revenue, decimals),
        "unique_customers": _customers(returned) if feed.returns == "separate" else None,
    }


def _rejected(lost: Sequence[_Lost], decimals: int) -> dict[str, dict[str, Any]]:
    """Reason -> what was left out; only the reasons that occurred."""
    figures: dict[str, dict[str, Any]] = {}
    for reason in sorted({each.reason for each in lost}):
        here = [each for each in lost if each.reason == reason]
        came_back = [each.came_back and reason != "return" for each in here]
        returns = [each for each, back in zip(here, came_back, strict=True) if back]
        sales = [each for each, back in zip(here, came_back, strict=True) if not back]
        figures[reason] = _added_up(sales, decimals) | {"events": len(here)}
        if returns:
            figures[reason]["returns"] = _added_up(returns, decimals)
    return figures


def _added_up(lost: Sequence[_Lost], decimals: int) -> dict[str, Any]:
    """Units and money of some events, which may not be known."""
    units = [each.units for each in lost if each.units is not None]
    revenue = [each.revenue for each in lost if each.revenue is not None]
    return {
        "events": len(lost),
        "units": None if lost and not units else sum(units),
        "revenue": None if lost and not revenue else _money(sum(revenue, Decimal(0)), decimals),
        "unknown_units": len(lost) - len(units),
        "unknown_revenue": len(lost) - len(revenue),
        "returns": None,
    }


def _money(amount: Decimal, decimals: int) -> str:
    return f"{amount:.{decimals}f}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    lines = [",".join(_quoted(str(value)) for value in line) for line in (header, *rows)]
    return "".join(line + "\n" for line in lines).encode()


def _quoted(value: str) -> str:
    if any(character in value for character in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
