"""The builders build what they say."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support import archives

if TYPE_CHECKING:
    from pathlib import Path


def _opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.mark.parametrize("method", archives.METHODS)
def test_a_day_reads_back_whatever_the_compression(method: int) -> None:
    parts = [("a.json", b"[1]"), ("folder/", b""), ("folder/a.json", b"[2]"), ("a.json", b"[3]")]
    with _opened(archives.day_zip(parts, compression=method)) as day:
        assert [(e.filename, day.read(e)) for e in day.infolist()] == parts
        assert {e.compress_type for e in day.infolist() if not e.is_dir()} == {method}


def test_equal_days_have_equal_bytes() -> None:
    assert archives.day_zip({"a.json": b"[]"}) == archives.day_zip([("a.json", b"[]")])


def test_parts_and_dimensions(tmp_path: Path) -> None:
    events = [archives.purchase("ç", quantity=2, note=None)]
    content = archives.part(events, indent=2, bom=True)
    assert json.loads(content.decode("utf-8-sig")) == events
    assert content.startswith(b"\xef\xbb\xbf[\n  {")
    shop = archives.write_shop(
        tmp_path, {"w.zip": b"?"}, [('"c"', "2020-01-01", None)], [("p", "", "a,b\nc", "1.00")]
    )
    assert (shop.data / "w.zip").read_bytes() == b"?"
    assert (shop.dimensions / "customers.csv").read_bytes() == (
        b'"customer_id","join_date","segment"\n"""c""","2020-01-01",\n'
    )
    assert (shop.dimensions / "products.csv").read_bytes() == (
        b'"product_id","product_name","category","price"\n"p","","a,b\nc","1.00"\n'
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (archives.encrypted_zip("a.json", b"[]"), RuntimeError),
        (archives.unsupported_zip("a.json", b"[]"), NotImplementedError),
        (archives.lying_zip("a.json", b"[1, 2]", declared=3), zipfile.BadZipFile),
        (
            archives.flipped(archives.day_zip({"a.json": b"[1, 2]"}, compression=0)),
            zipfile.BadZipFile,
        ),
    ],
)
def test_a_damaged_entry_is_refused(content: bytes, error: type[Exception]) -> None:
    with _opened(content) as day, pytest.raises(error):
        day.read(day.infolist()[0])


def test_a_truncated_zip_is_none() -> None:
    with pytest.raises(zipfile.BadZipFile):
        _opened(archives.truncated(archives.day_zip({"a.json": b"[]"})))


def test_a_size_declared_too_large_hides_nothing() -> None:
    with _opened(archives.lying_zip("a.json", b"[1, 2]", declared=2**40)) as day:
        assert day.infolist()[0].file_size == 2**40
        assert day.read("a.json") == b"[1, 2]"


def test_a_bomb_is_small_and_sound() -> None:
    with _opened(archives.bomb(3 / 1024)) as day:
        assert day.read("part.json") == b" " * (3 * 2**20) + b"[]"  # zipfile checks the CRC


def test_six_gib_take_a_moment() -> None:
    started = time.perf_counter()
    content = archives.bomb(6)
    assert time.perf_counter() - started < 3
    assert len(content) < 8 * 2**20
    with _opened(content) as day, day.open("part.json") as stream:
        assert day.infolist()[0].file_size == 6 * 2**30 + 2
        assert stream.read(2**16) == b" " * 2**16


def test_a_bomb_may_claim_to_be_small() -> None:
    with _opened(archives.bomb(1 / 1024, declared=2)) as day:
        entry = day.infolist()[0]
        assert entry.file_size == 2
        assert entry.compress_size > 1000


def test_crowds_and_overlaps() -> None:
    with _opened(archives.crowded_zip(70_000)) as day:
        assert len(day.infolist()) == 70_000
        assert day.read("69999.json") == b"[]"
    content = archives.overlap_zip(b"[" + b" " * 10**6 + b"]", 500)
    with _opened(content) as day:
        assert sum(entry.file_size for entry in day.infolist()) > 500 * 10**6
    assert len(content) < 50_000
