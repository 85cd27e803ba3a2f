"""Bombs are refused, recorded, and never fill the memory; what is sound beside them counts."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pipeline_core.framing.kernel import kernel
from pipeline_core.messages import Outcome
from tests.support import PROJECT
from tests.support import archives as build
from tests.support.archives import RawEntry, archive_zip, day_zip, write_shop
from tests.support.run import Place, sales, summary, units, unreadable

DAY = "2024-03-01.zip"
MIB = 2**20
MOST_GROWTH = 100 * MIB
MOST_GROWTH_AT_ALL = 400 * MIB  # by millions of rejects, or as large a dictionary as is taken
LARGE = 160 * MIB  # it would be seen if that were held

# Prints how far the process grew over its first, harmless run, and then the outcome.
_MEASURED = """
import json, re, resource, sys
from pathlib import Path
from pipeline_core.messages import to_json
from tests.support.archives import Shop
from tests.support.run import run_local
folder = Path(sys.argv[1])
def peak():
    # On Linux, ru_maxrss begins with the peak of the process that started this one.
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run_local(Shop(folder / "warm" / "data", folder / "warm" / "dimensions"), folder / "warm")
before = peak()
outcome = run_local(Shop(folder / "shop" / "data", folder / "shop" / "dimensions"), folder / "run",
    limits=json.loads(sys.argv[2]))
sys.stderr.write(str(peak() - before))
(folder / "outcome.json").write_bytes(to_json(outcome))
"""


def measured(folder: Path, archive: bytes, most: int = MOST_GROWTH, **limits: int) -> Outcome:
    """The outcome of a run in a process of its own, with 3 sound units in another archive."""
    sound = archive_zip({"2024-03-09.zip": day_zip({"a.json": sales(3)})})
    write_shop(folder / "warm", {"sound.zip": sound})
    write_shop(folder / "shop", {"bomb.zip": archive, "sound.zip": sound})
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(folder), json.dumps(limits)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    growth = int(done.stderr.splitlines()[-1])
    assert growth < most, f"grew by {growth // MIB} MiB"
    return msgspec.json.decode((folder / "outcome.json").read_bytes(), type=Outcome)


def _refused(folder: Path, archive: bytes, place: Place, cause: str, **limits: int) -> None:
    outcome = measured(folder, archive, **limits)
    assert outcome.exit_code == 3
    assert units(outcome) == 3
    causes = unreadable(outcome)
    assert list(causes) == [place]
    assert cause in causes[place]


def _spaces(method: int) -> bytes:
    """A day of one valid, empty part, many spaces and ``[]``, in another method."""
    content = day_zip({"part.json": b" " * LARGE + b"[]"}, compression=method)
    assert len(content) < LARGE // 500
    return content


def test_six_gib_of_spaces_are_refused_by_their_header(tmp_path: Path) -> None:
    archive = archive_zip({DAY: build.bomb(6)})
    _refused(tmp_path, archive, ("bomb.zip", DAY, "part.json"), "limit of 4294967296 bytes")


def test_six_gib_of_spaces_that_declare_little_are_refused(tmp_path: Path) -> None:
    archive = archive_zip({DAY: build.bomb(6, declared=1000)})
    _refused(tmp_path, archive, ("bomb.zip", DAY, "part.json"), "inflated")


def test_bomb_that_declares_just_what_the_limit_allows_is_refused(tmp_path: Path) -> None:
    archive = archive_zip({DAY: build.bomb(6, declared=LARGE)})
    _refused(tmp_path, archive, ("bomb.zip", DAY, "part.json"), "inflated", part_bytes=LARGE)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bomb_of_a_greedy_decompressor_takes_bounded_memory(tmp_path: Path, method: int) -> None:
    outcome = measured(tmp_path, archive_zip({DAY: _spaces(method)}))
    assert outcome.exit_code == 0
    assert units(outcome) == 3
    assert summary(outcome).json_bytes > LARGE


def test_lzma_dictionary_of_the_attackers_size_takes_bounded_memory(tmp_path: Path) -> None:
    """zipfile hands the dictionary size of the entry to liblzma, which fills what it allocates."""
    content = b" " * (500 * MIB) + b"[]"
    packed = build.lzma_data(content, 1 << 16, claimed=1 << 30)
    entry = RawEntry("part.json", packed, len(content), zlib.crc32(content), zipfile.ZIP_LZMA)
    archive = archive_zip({DAY: build.raw_zip([entry])})
    outcome = measured(tmp_path, archive, MOST_GROWTH_AT_ALL)
    assert units(outcome) == 3


@pytest.mark.parametrize("where", ["archive", "day"])
def test_more_entries_than_allowed_are_refused(tmp_path: Path, where: str) -> None:
    crowd = build.crowded_zip(150_000, suffix=".zip" if where == "archive" else ".json")
    archive = crowd if where == "archive" else archive_zip({DAY: crowd})
    place: Place = ("bomb.zip", None if where == "archive" else DAY, None)
    _refused(tmp_path, archive, place, "more than 100000 entries")


def test_entry_count_that_lies_is_not_believed(tmp_path: Path) -> None:
    crowd = bytearray(build.crowded_zip(150_000))
    struct.pack_into("<HH", crowd, crowd.rindex(b"PK\5\6") + 8, 1, 1)
    struct.pack_into("<QQ", crowd, crowd.rindex(b"PK\6\6") + 24, 1, 1)
    place: Place = ("bomb.zip", DAY, None)
    _refused(tmp_path, archive_zip({DAY: bytes(crowd)}), place, "more than 100000 entries")


def test_as_many_days_of_one_name_as_allowed_take_bounded_time(tmp_path: Path) -> None:
    most = 50_000
    names = [f"{number}/{DAY}" for number in range(most)]
    entries = [RawEntry(name, str(n).encode(), len(str(n)), 0) for n, name in enumerate(names)]
    outcome = measured(tmp_path, build.raw_zip(entries), MOST_GROWTH_AT_ALL // 2, zip_entries=most)
    assert units(outcome) == 3
    assert summary(outcome).days.unreadable == most
    assert summary(outcome).conflicting_days == ()


def test_overlapping_entries_count_once_and_are_inflated_within_the_limits(tmp_path: Path) -> None:
    content = b" " * (64 * MIB) + b"[]"
    outcome = measured(tmp_path, archive_zip({DAY: build.overlap_zip(content, 30)}))
    assert (outcome.exit_code, units(outcome), summary(outcome).parts.read) == (0, 3, 2)
    # All but the first are refused before they are inflated.
    names = [f"{number:02}.json" for number in range(30)]
    entry = build.packed_entry(names[0], content)
    shared = build.raw_zip([replace(entry, name=name) for name in names], overlap=True)
    again = measured(tmp_path / "names", archive_zip({DAY: shared}), day_bytes=100 * MIB)
    assert (units(again), summary(again).parts.read, summary(again).parts.unreadable) == (3, 2, 29)


@pytest.mark.parametrize("method", [build.DEFLATE64, build.ZSTANDARD])
def test_bomb_of_a_newer_method_takes_bounded_memory(tmp_path: Path, method: int) -> None:
    content = b" " * LARGE + b"[]"
    day = build.packed_zip({"part.json": content}, method)
    assert len(day) < MIB
    outcome = measured(tmp_path, archive_zip({DAY: day}))
    assert (outcome.exit_code, units(outcome)) == (0, 3)
    assert summary(outcome).json_bytes > LARGE


@pytest.mark.parametrize(
    ("head", "again", "tail"),
    [
        (b"", b"[", b""),
        (b"", b'[{"a":', b""),
        (b'["', b"x", b""),
        (b"[", b" ", b"]"),
        (b"[", b"9", b"]"),
        (b"[", b'\\"', b""),
    ],
    ids=["arrays", "objects", "string", "blanks", "number", "escapes"],
)
def test_one_endless_event_takes_bounded_memory(
    tmp_path: Path, head: bytes, again: bytes, tail: bytes
) -> None:
    block = again * (MIB // len(again))
    entry = build.repeated_entry("part.json", head, block, LARGE // len(block), tail)
    archive = archive_zip({DAY: build.raw_zip([entry])})
    place: Place = ("bomb.zip", DAY, "part.json")
    _refused(tmp_path, archive, place, "longer than the limit of 16777216 bytes")


@pytest.mark.skipif(kernel is None, reason="the general tier makes an object of every event")
def test_very_many_tiny_events_take_bounded_memory(tmp_path: Path) -> None:
    content = b"[" + b"0," * (2 * MIB) + b"0]"
    archive = archive_zip({DAY: day_zip({"part.json": content})})
    outcome = measured(tmp_path, archive, MOST_GROWTH_AT_ALL // 2)
    assert units(outcome) == 3
    assert summary(outcome).events.rejected == 2 * MIB + 1
