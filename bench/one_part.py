"""The same events of one day in one large part, and in parts of about 1 MiB."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec

from bench.results import DataFacts
from bench.shop import Recipe, Shop, prepare
from data_generator import FIRST_DAY

_DAYS, _LEVEL, _SPARE = 7, 3, 2
_EVENTS = 8_800  # about 1 MiB of compact JSON
# 2 GiB, 70 MiB, and next to nothing: parts of 1 MiB a day of seven, whose events become one day's.
PARTS = {
    "tiny": Recipe(1, 2, 50, 20, 10),
    "small": Recipe(1, 10, _EVENTS, 1_000, 100),
    "large": Recipe(1, 293, _EVENTS, 20_000, 500),
}


def prepare_parts(folder: Path, size: str) -> tuple[Shop, Path, Path]:
    """The shop the events are from, and the folders with one part and with many, made unless they
    are there. Its facts are those of one part."""
    shop = prepare(folder, PARTS[size])
    one, many = shop.data.parent / "one", shop.data.parent / "parts"
    if not (one.is_dir() and many.is_dir()):
        for target in (one, many):
            shutil.rmtree(target, ignore_errors=True)
        _write(shop.data, many, in_one=False)
        _write(shop.data, one, in_one=True)
    facts = msgspec.structs.replace(shop.facts, parts=1)
    return Shop(one, shop.dimensions, facts), one, many


def room_for(folder: Path, size: str) -> bool:
    """Whether the disk has room for these data three times and for as many reports."""
    recipe = PARTS[size]
    events = _DAYS * recipe.parts_per_day * recipe.events_per_part
    return shutil.disk_usage(folder).free > _SPARE * 3 * 15 * events  # 12 bytes an event, zipped


def _write(source: Path, target: Path, *, in_one: bool) -> None:
    """One archive with one day of all events, whose dates all become the first day's."""
    (archive,) = source.iterdir()
    partly = target.with_suffix(".partly")
    shutil.rmtree(partly, ignore_errors=True)
    partly.mkdir()
    day = partly / "day"
    with zipfile.ZipFile(day, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as parts:
        if in_one:
            with parts.open("part-00001.json", "w", force_zip64=True) as part:
                for number, text in enumerate(_parts(archive)):
                    part.write((b"," if number else b"[") + text[1:-1])
                part.write(b"]")
        else:
            for number, text in enumerate(_parts(archive), 1):
                parts.writestr(f"part-{number:05}.json", text)
    with zipfile.ZipFile(partly / archive.name, "w") as days:
        days.write(day, f"events_{FIRST_DAY}.zip")
    day.unlink()
    partly.rename(target)


def _parts(archive: Path) -> Iterator[bytes]:
    """The texts of all parts: a JSON array each, with nothing around it."""
    with zipfile.ZipFile(archive) as days:
        for number in range(_DAYS):
            date = str(FIRST_DAY + timedelta(days=number))
            with days.open(f"events_{date}.zip") as day, zipfile.ZipFile(day) as parts:
                for name in parts.namelist():
                    text = parts.read(name).strip()
                    yield text.replace(date.encode(), str(FIRST_DAY).encode())


def parts_text(facts: DataFacts) -> str:
    """What was read, in words."""
    return f"{facts.events:,} events of one day, {facts.json_bytes / 2**20:,.0f} MiB of JSON"
