"""A shop with very many groups: every category meets every segment, twice."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from msgspec import Struct

from bench.results import DataFacts
from bench.shop import Shop, is_kept, keep_facts, kept_shop
from data_generator import FIRST_DAY, archive_name

_SEED, _ARCHIVES, _DAYS, _CUSTOMERS_EACH = 1, 4, 7, 2
_SECONDS = 86_400


class Groups(Struct, frozen=True):
    """How many categories, of one product each, and segments, of two customers each."""

    categories: int
    segments: int


MANY_GROUPS = {"tiny": Groups(20, 3), "small": Groups(1_000, 20), "large": Groups(10_000, 20)}


def prepare_groups(folder: Path, groups: Groups) -> Shop:
    """Makes the shop under ``folder``, unless it is there."""
    place = folder / f"groups-{groups.categories}-{groups.segments}"
    if not is_kept(place):
        shutil.rmtree(place, ignore_errors=True)
        (place / "data").mkdir(parents=True)
        _write_dimensions(place / "dimensions", groups)
        keep_facts(place, _write_archives(place / "data", groups))
    return kept_shop(place)


def _write_dimensions(folder: Path, groups: Groups) -> None:
    folder.mkdir()
    customers = [
        f"c{n},Segment {n % groups.segments + 1:02}"
        for n in range(groups.segments * _CUSTOMERS_EACH)
    ]
    products = [
        f"p{n},Category {n + 1:05},{n % 300 + 1}.{n % 100:02}" for n in range(groups.categories)
    ]
    (folder / "customers.csv").write_text("\n".join(["customer_id,segment", *customers, ""]))
    (folder / "products.csv").write_text("\n".join(["product_id,category,price", *products, ""]))


def _write_archives(folder: Path, groups: Groups) -> DataFacts:
    """Every product is bought once by every customer, in an order of chance."""
    customers = groups.segments * _CUSTOMERS_EACH
    events = np.random.default_rng(_SEED).permutation(groups.categories * customers)
    json_bytes = 0
    days = np.array_split(events, _ARCHIVES * _DAYS)
    for week in range(_ARCHIVES):
        first = FIRST_DAY + timedelta(weeks=week)
        with zipfile.ZipFile(folder / archive_name(first), "w") as archive:
            for day in range(_DAYS):
                date = first + timedelta(days=day)
                part = _part(str(date), days[week * _DAYS + day].tolist(), customers)
                json_bytes += len(part)
                archive.writestr(f"events_{date}.zip", _zipped(part))
    return DataFacts(
        archives=_ARCHIVES,
        parts=_ARCHIVES * _DAYS,
        events=len(events),
        customers=customers,
        products=groups.categories,
        zip_bytes=sum(path.stat().st_size for path in folder.iterdir()),
        json_bytes=json_bytes,
    )


def _part(date: str, numbers: Sequence[int], customers: int) -> bytes:
    events = (
        f'{{"timestamp":"{date}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",'
        f'"customer_id":"c{number % customers}","event_type":"purchase",'
        f'"product_id":"p{number // customers}","quantity":{number % 5 + 1}}}'
        for number in numbers
        for second in (number % _SECONDS,)
    )
    return f"[{','.join(events)}]".encode()


def _zipped(part: bytes) -> bytes:
    day = io.BytesIO()
    with zipfile.ZipFile(day, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as parts:
        parts.writestr("part-001.json", part)
    return day.getvalue()
