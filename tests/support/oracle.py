"""The report computed a second time: slow, obvious, from the standard library alone.

It reads everything into memory, believes zipfile and json, and adds Decimals in dicts. It knows
no limits but the depth of JSON, and nothing of the product.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, localcontext
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeGuard

LARGEST_QUANTITY = 2**31 - 1
DEEPEST = 256  # brackets open at once, the part's own array included
UNKNOWN = "Unknown"
PACKED = ("gz", "bz2", "xz", "zst", "lz4", "lzma", "br", "z")

# Rejects of these reasons never have a quantity (or a price) to add up.
NO_UNITS = ("not_an_object", "invalid_event_type", "invalid_quantity")
NO_REVENUE = (*NO_UNITS, "invalid_product_id", "unknown_product")

# Everything zipfile, its decompressors and json raise on damaged input.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted; also NotImplementedError (method) and RecursionError (depth)
    ValueError,  # not UTF-8, not JSON
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
    position: int  # in its part, from 0
    event: object  # as json reads it


class Counted(NamedTuple):
    """One event that counts, in its cell of the report."""

    archive: str
    day: str
    part: str
    position: int  # in its part, from 0
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
    rejects: list[Reject]  # by archive, day, part, position
    counted: list[Counted]  # the same
    unreadable: list[Place]
    summary: dict[str, Any]  # the part of summary.json that can be known from outside


class _Product(NamedTuple):
    category: str | None
    price: Decimal


class _Sale(NamedTuple):
    category: str
    segment: str
    customer: str | None  # None: a guest
    units: int
    revenue: Decimal


class _Dimensions(NamedTuple):
    segments: dict[str, str | None]
    products: dict[str, _Product]
    decimals: int


class _Day(NamedTuple):
    kind: Literal["read", "duplicate", "unreadable"]
    parts: list[tuple[Place, list[Any]]]
    unreadable: list[Place]
    ignored: list[str]  # endings
    repeated: list[Place]


class _Zip(NamedTuple):
    entries: list[tuple[str, bytes | None]]  # those wanted, by name; None for damaged bytes
    ignored: list[str]  # endings of the others
    is_understood: bool  # or it holds something, and nothing that is wanted


class _Reading(NamedTuple):
    parts: list[tuple[Place, list[Any]]]
    unreadable: list[Place]
    ignored: list[str]  # endings
    archives: dict[str, int]
    days: dict[str, int]
    conflicting_days: list[str]
    repeated_parts: list[dict[str, str | None]]


def compute(
    data: Path, dimensions: Path, *, unknown: Literal["reject", "bucket"] = "reject"
) -> OracleResult:
    """The report, the rejects and the figures of one complete reading of `data`."""
    with localcontext(Context(prec=1000, traps=[Inexact, InvalidOperation, DivisionByZero])):
        return _compute(data, _read_dimensions(dimensions), bucket=unknown == "bucket")


def _compute(data: Path, known: _Dimensions, *, bucket: bool) -> OracleResult:
    reading = _read(data)
    sales: list[tuple[str, _Sale]] = []
    rejects: list[Reject] = []
    counted: list[Counted] = []
    seen = not_purchase = 0
    for (archive, day, part), events in reading.parts:
        for position, event in enumerate(events):
            seen += 1
            verdict = _judge(event, known, bucket=bucket)
            if isinstance(verdict, _Sale):
                sales.append((_date(day), verdict))
                counted.append(
                    Counted(
                        *(archive, day, part, position, _date(day), verdict.category),
                        *(verdict.segment, verdict.customer, event["product_id"], verdict.units),
                        _money(verdict.revenue, known.decimals),
                    )
                )
            elif verdict == "not_purchase":
                not_purchase += 1
            else:
                rejects.append(Reject(verdict, archive, day, part, position, event))

    rows = _sales_rows(sales, known.decimals)
    revenue = sum((sale.revenue for _, sale in sales), Decimal(0))
    return OracleResult(
        rows=rows,
        sales_report=_csv(Row._fields, rows),
        daily_sales=_csv(
            ("date", "category", "customer_segment", "total_revenue", "units_sold"),
            _daily_rows(sales, known.decimals),
        ),
        rejects=rejects,
        counted=counted,
        unreadable=reading.unreadable,
        summary={
            "status": "incomplete" if reading.unreadable or (seen and not sales) else "complete",
            "ignored": {each: reading.ignored.count(each) for each in set(reading.ignored)},
            "archives": reading.archives,
            "days": reading.days,
            "parts": {
                "read": len(reading.parts),
                "unreadable": sum(place.part != "" for place in reading.unreadable),
            },
            "events": {
                "seen": seen,
                "counted": len(sales),
                "not_purchase": not_purchase,
                "rejected": len(rejects),
            },
            "rejected": _rejected(rejects, known),
            "totals": {
                "total_revenue": _money(revenue, known.decimals),
                "units_sold": sum(sale.units for _, sale in sales),
                "unique_customers": len({s.customer for _, s in sales if s.customer is not None}),
            },
            "conflicting_days": reading.conflicting_days,
            "repeated_parts": reading.repeated_parts,
        },
    )


# --- reading -------------------------------------------------------------------------------------


def _read(data: Path) -> _Reading:
    parts: list[tuple[Place, list[Any]]] = []
    unreadable: list[Place] = []
    ignored: list[str] = []
    archives = {"read": 0, "duplicate": 0, "unreadable": 0}
    days = {"read": 0, "duplicate": 0, "unreadable": 0}
    archives_seen: set[bytes] = set()
    days_seen: set[bytes] = set()
    versions: dict[str, set[tuple[str, bytes]]] = {}
    repeated: list[Place] = []

    for file in sorted(data.iterdir(), key=lambda file: file.name):
        if not _wanted(file.name, ".zip"):
            ignored += [] if file.is_dir() else [_ending(file.name)]
            continue
        if not file.is_file():
            archives["unreadable"] += 1
            unreadable.append(Place(file.name))
            continue
        content = file.read_bytes()
        daily_zips = _entries(content, ".zip")
        if content in archives_seen:
            archives["duplicate"] += 1
        elif daily_zips is None or not daily_zips.is_understood:
            archives["unreadable"] += 1
            unreadable.append(Place(file.name))
            ignored += daily_zips.ignored if daily_zips else []
        else:
            archives["read"] += 1
            ignored += daily_zips.ignored
            inside: dict[str, set[bytes]] = {}
            for number, (day, day_content) in enumerate(daily_zips.entries):
                # Bytes that cannot be read are unlike any others.
                version = (
                    f"unreadable {file.name} {number}".encode()
                    if day_content is None
                    else day_content
                )
                versions.setdefault(_base(day), set()).add((file.name, version))
                inside.setdefault(day, set()).add(version)
                outcome = _read_day(Place(file.name, day), day_content, days_seen)
                days[outcome.kind] += 1
                parts += outcome.parts
                unreadable += outcome.unreadable
                ignored += outcome.ignored
                repeated += outcome.repeated
            repeated += [Place(file.name, day) for day, found in inside.items() if len(found) > 1]
        archives_seen.add(content)
    return _Reading(
        parts,
        unreadable,
        ignored,
        archives,
        days,
        sorted(name for name, contents in versions.items() if _conflict(contents)),
        [
            {"archive": archive, "day": day, "part": part or None}
            for archive, day, part in sorted(set(repeated))
        ],
    )


def _read_day(place: Place, content: bytes | None, seen: set[bytes]) -> _Day:
    if content is None:
        return _Day("unreadable", [], [place], [], [])
    if content in seen:
        return _Day("duplicate", [], [], [], [])
    seen.add(content)
    json_files = _entries(content, ".json")
    if json_files is None or not json_files.is_understood:
        return _Day("unreadable", [], [place], json_files.ignored if json_files else [], [])
    day = _Day("read", [], [], json_files.ignored, [])
    read: set[tuple[str, bytes]] = set()
    for part, part_content in json_files.entries:
        events = None if part_content is None else _parse(part_content)
        if part_content is None or events is None:
            day.unreadable.append(place._replace(part=part))
        elif (part, part_content) not in read:
            if part in {name for name, _ in read}:
                day.repeated.append(place._replace(part=part))
            read.add((part, part_content))
            day.parts.append((place._replace(part=part), events))
    return day


def _conflict(contents: Iterable[tuple[str, bytes]]) -> bool:
    """Are there two archives in which the day has different bytes?"""
    return any(a != b and x != y for a, x in contents for b, y in contents)


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _wanted(name: str, suffix: str) -> bool:
    base = _base(name)
    if base.startswith(".") or "__MACOSX" in name.replace("\\", "/").split("/"):
        return False
    return base.lower().endswith(suffix)


def _entries(content: bytes, suffix: str) -> _Zip | None:
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
            wanted = [
                (entry.filename, _entry(opened, entry))
                for entry in sorted(files, key=lambda entry: entry.filename)
                if _wanted(entry.filename, suffix)
            ]
    except DAMAGE:
        return None
    others = [
        entry.filename.rstrip("/\\") for entry in files if not _wanted(entry.filename, suffix)
    ]
    is_empty = not any(_wanted(name, "") for name in others)
    return _Zip(wanted, list(map(_ending, others)), bool(wanted) or is_empty)


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


def _parse(content: bytes) -> list[Any] | None:
    """The events of a part, None if it is not one JSON array (RFC 8259) of a sane depth."""
    try:
        text = content.decode("utf-8-sig")
        if _depth(text) > DEEPEST:
            return None
        events = json.loads(text, parse_int=_integer, parse_constant=_refuse)
    except DAMAGE:
        return None
    return events if isinstance(events, list) else None


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        if token in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in ("]", "}"):
            depth -= 1
    return deepest


def _integer(digits: str) -> int:
    return int(digits) if len(digits) < 4000 else int(Decimal(digits))  # int() stops at 4,300


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _read_dimensions(folder: Path) -> _Dimensions:
    customers = _read_csv(folder / "customers.csv")
    products = _read_csv(folder / "products.csv")
    return _Dimensions(
        segments={row["customer_id"]: row["segment"] or None for row in customers},
        products={
            row["product_id"]: _Product(row["category"] or None, Decimal(row["price"]))
            for row in products
        },
        decimals=max((_decimals(row["price"]) for row in products), default=0),
    )


def _decimals(price: str) -> int:
    """Of more than six, the zeros at the end go, but for the currency's two."""
    shown = price.partition(".")[2]
    return len(shown if len(shown) <= 6 else shown.rstrip("0").ljust(2, "0"))


def _read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


# --- deciding ------------------------------------------------------------------------------------


def _judge(event: object, known: _Dimensions, *, bucket: bool) -> _Sale | str:
    """The sale, or `not_purchase`, or the first reason that speaks against the event."""
    if not isinstance(event, dict):
        return "not_an_object"
    event_type = event.get("event_type")
    if not isinstance(event_type, str):
        return "invalid_event_type"
    if event_type != "purchase":
        return "not_purchase"

    return _judge_purchase(event, known, bucket=bucket)


def _judge_purchase(event: dict[str, Any], known: _Dimensions, *, bucket: bool) -> _Sale | str:
    customer = event.get("customer_id")
    if bucket and customer == "":
        customer = None  # a guest, like the missing and the null
    if not (isinstance(customer, str) and customer) and not (bucket and customer is None):
        return "invalid_customer_id"
    product_id = event.get("product_id")
    if not isinstance(product_id, str) or not product_id:
        return "invalid_product_id"
    units = event.get("quantity")
    if not _valid_quantity(units):
        return "invalid_quantity"
    return _judge_names(customer, product_id, units, known, bucket=bucket)


def _judge_names(
    customer: str | None, product_id: str, units: int, known: _Dimensions, *, bucket: bool
) -> _Sale | str:
    product = known.products.get(product_id)
    category = product.category if product else None
    segment = known.segments.get(customer) if customer is not None else None
    if not bucket:
        if product is None:
            return "unknown_product"
        if customer not in known.segments:
            return "unknown_customer"
        if category is None:
            return "missing_category"
        if segment is None:
            return "missing_segment"
    revenue = units * product.price if product else Decimal(0)
    return _Sale(category or UNKNOWN, segment or UNKNOWN, customer, units, revenue)


def _valid_quantity(quantity: object) -> TypeGuard[int]:
    # `type`, not isinstance: True is an int to Python, but not to JSON.
    return type(quantity) is int and 1 <= quantity <= LARGEST_QUANTITY


def _date(day: str) -> str:
    """The first real calendar date in the daily zip's name."""
    digits = r"(?<![0-9])([0-9]{4})(-[0-9]{2}-|_[0-9]{2}_|[0-9]{2})([0-9]{2})(?![0-9])"
    for year, month, number in re.findall(digits, _base(day)):
        try:
            return date(int(year), int(month.strip("-_")), int(number)).isoformat()
        except ValueError:
            continue
    return ""


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
        if sale.customer is not None:
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


def _rejected(rejects: Sequence[Reject], known: _Dimensions) -> dict[str, dict[str, Any]]:
    """Reason -> events, units, revenue; only the reasons that occurred."""
    figures: dict[str, dict[str, Any]] = {}
    for reason in sorted({reject.reason for reject in rejects}):
        units, revenue = 0, Decimal(0)
        events = [reject.event for reject in rejects if reject.reason == reason]
        for event in events:
            if isinstance(event, dict) and _valid_quantity(event.get("quantity")):
                units += event["quantity"]
                product_id = event.get("product_id")
                if isinstance(product_id, str) and product_id in known.products:
                    revenue += event["quantity"] * known.products[product_id].price
        figures[reason] = {
            "events": len(events),
            "units": None if reason in NO_UNITS else units,
            "revenue": None if reason in NO_REVENUE else _money(revenue, known.decimals),
        }
    return figures


def _money(amount: Decimal, decimals: int) -> str:
    return f"{amount:.{decimals}f}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    lines = [",".join(_quoted(str(value)) for value in line) for line in (header, *rows)]
    return "".join(line + "\n" for line in lines).encode()


def _quoted(value: str) -> str:
    if any(character in value for character in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
