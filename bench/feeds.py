"""One shop's events as other products export them, beside the arrays of the other tables."""

from __future__ import annotations

import gzip
import io
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.contenders import DATA, Contender
from bench.machine import look_around
from bench.results import ARRAYS, GUNZIP, GZIPPED, INFLATE, LINES, RENAMED, Feeds
from bench.rounds import compare
from bench.shop import Shop

_NAMES = {
    "event_type": "eventType",
    "customer_id": "customerId",
    "product_id": "productId",
    "quantity": "qty",
}
_FIELDS = ",".join(f"{ours}={theirs}" for ours, theirs in _NAMES.items())
_TITLES = {
    ARRAYS: "arrays",
    LINES: "lines",
    RENAMED: "arrays with fields of other names",
    GZIPPED: "arrays, each part packed by gzip in a day that is only stored",
}


def measure_feeds(
    ours: Contender, shop: Shop, folder: Path, work: Path, rounds: int, say: Callable[[str], None]
) -> Feeds:
    """One job on each feed, and inflating alone: the difference is what reading it costs."""
    machine = look_around()
    places = {ARRAYS: shop.data} | {
        name: _made(shop.data, folder / name, change, say) for name, change in _CHANGES.items()
    }
    chosen = [_contender(ours, name, places[name]) for name in places]
    chosen += [
        _floor(INFLATE, "floor: inflate the zips of arrays", "inflate", places[ARRAYS]),
        _floor(GUNZIP, "floor: gunzip the packed parts", "gunzip", places[GZIPPED]),
    ]
    return Feeds(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        data=shop.facts,
        rounds=rounds,
        figures=compare(chosen, shop.data, shop.dimensions, work, rounds, say),
    )


def _contender(ours: Contender, name: str, data: Path) -> Contender:
    env = ours.env | ({"SALES_FIELDS": _FIELDS} if name == RENAMED else {})
    command = [str(data) if word == DATA else word for word in ours.command]
    return Contender(name, _TITLES[name], command, env)


def _floor(name: str, title: str, module: str, data: Path) -> Contender:
    command = [sys.executable, "-m", f"bench.floor.{module}", str(data)]
    return Contender(name, title, command, has_report=False)


def _made(
    arrays: Path, folder: Path, change: Callable[[bytes], bytes], say: Callable[[str], None]
) -> Path:
    """The same archives with other parts, unless they are there."""
    if not folder.is_dir():
        say(f"Data with {folder.name} ...")
        partly = folder.with_suffix(".partly")
        shutil.rmtree(partly, ignore_errors=True)
        partly.mkdir(parents=True)
        for archive in sorted(arrays.glob("*.zip")):
            _write_changed(archive, partly / archive.name, change)
        partly.rename(folder)
    return folder


def _write_changed(archive: Path, target: Path, change: Callable[[bytes], bytes]) -> None:
    method = zipfile.ZIP_STORED if change is _gzipped else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive) as days, zipfile.ZipFile(target, "w") as changed:
        for day in days.namelist():
            content = io.BytesIO()
            with (
                zipfile.ZipFile(io.BytesIO(days.read(day))) as parts,
                zipfile.ZipFile(content, "w", method) as written,
            ):
                for part in parts.namelist():
                    written.writestr(part, change(parts.read(part)))
            changed.writestr(day, content.getvalue())


def _as_lines(part: bytes) -> bytes:
    events: Sequence[msgspec.Raw] = msgspec.json.decode(part, type=list[msgspec.Raw])
    return b"".join(bytes(event) + b"\n" for event in events)


def _renamed(part: bytes) -> bytes:
    for ours, theirs in _NAMES.items():
        part = part.replace(b'"%b":' % ours.encode(), b'"%b":' % theirs.encode())
    return part


def _gzipped(part: bytes) -> bytes:
    return gzip.compress(part, 6, mtime=0)


_CHANGES = {LINES: _as_lines, RENAMED: _renamed, GZIPPED: _gzipped}
