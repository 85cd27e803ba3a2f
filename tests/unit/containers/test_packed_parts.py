"""Parts packed in gzip or Zstandard: all of their bytes, or a cause."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable

import pytest
from backports import zstd

from pipeline_core.containers.packed_parts import packing, unpacked
from pipeline_core.errors import UnreadablePart
from pipeline_core.messages import Limits

TEXT = b"".join(b'{"n":%d}\n' % number for number in range(200_000))  # more than a block
CHECKED: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
SKIPPABLE = b"\x50\x2a\x4d\x18" + struct.pack("<I", 5) + b"12345"

Pack = Callable[[bytes], bytes]


def read(content: bytes, block: int = 1 << 20, limits: Limits | None = None) -> bytes:
    """A block after the other, and what comes in one block as a whole."""
    blocks = [content[start : start + block] for start in range(0, len(content), block)]
    found = b"".join(unpacked(blocks, limits or Limits(), "part", UnreadablePart))
    whole = unpacked([content], limits or Limits(), "part", UnreadablePart, whole_bytes=1 << 26)
    assert b"".join(whole) == found
    return found


def cause(content: bytes, limits: Limits | None = None) -> str:
    told = set()
    for whole_bytes in (0, 1 << 26):
        blocks = unpacked([content], limits or Limits(), "part", UnreadablePart, whole_bytes)
        with pytest.raises(UnreadablePart) as error:
            b"".join(blocks)
        told.add(error.value.message)
    (message,) = told
    return message


def _pieces(pack: Pack, size: int) -> Pack:
    return lambda text: b"".join(pack(text[at : at + size]) for at in range(0, len(text), size))


def _checked(text: bytes) -> bytes:
    return bytes(zstd.compress(text, options=CHECKED))


@pytest.mark.parametrize("block", [1000, 65_536, 1 << 24])
@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        gzip.compress,
        lambda text: gzip.compress(text, 0, mtime=0),
        _pieces(gzip.compress, 100_000),
        lambda text: gzip.compress(text, mtime=0) + gzip.compress(b"", mtime=0),
        lambda text: gzip.compress(text, mtime=0) + bytes(100_000),
        zstd.compress,
        _pieces(zstd.compress, 100_000),
        lambda text: SKIPPABLE + zstd.compress(text) + SKIPPABLE,
    ],
)
def test_what_is_packed_is_there_to_its_last_byte(pack: Pack, block: int) -> None:
    assert read(pack(TEXT), block) == TEXT


@pytest.mark.parametrize("content", [b"", b"[", b"\x1f", b"\x28\xb5\x2f", b"[\x1f\x8b", b"\x50*M"])
def test_what_is_not_packed_stays_as_it_is(content: bytes) -> None:
    assert read(content, 1) == content


def test_how_a_part_is_packed_is_told_by_its_first_bytes() -> None:
    assert packing(gzip.compress(b"", mtime=0)) == "gzip"
    assert packing(zstd.compress(b"")) == "Zstandard"
    assert packing(SKIPPABLE) == "Zstandard"
    assert packing(b"[]") is None
    assert packing(b"") is None


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (zstd.compress, "Zstandard")])
def test_cut_off_anywhere_is_said(pack: Pack, name: str) -> None:
    packed = pack(b"[1, 2, 3]" * 10)
    for end in range(4, len(packed)):
        assert cause(packed[:end]) == f"the part cannot be inflated: its {name} data are cut off"


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (_checked, "Zstandard")])
def test_damage_is_said(pack: Pack, name: str) -> None:
    packed = bytearray(pack(TEXT))
    packed[len(packed) // 2] ^= 0xFF
    assert cause(bytes(packed)) == f"the part cannot be inflated: its {name} data are damaged"


def test_wrong_checksums_of_gzip_are_damage() -> None:
    packed = bytearray(gzip.compress(b"[]", mtime=0))
    for place in (-8, -4):
        wrong = packed.copy()
        wrong[place] ^= 1
        assert "damaged" in cause(bytes(wrong))


@pytest.mark.parametrize(
    "behind", [b"x", b"[]", b"\0x", bytes(70_000) + b"x", b"\x1f", b"\x1f\x8b"]
)
def test_nothing_but_zeros_follows_gzip(behind: bytes) -> None:
    assert "cannot be inflated" in cause(gzip.compress(b"[]", mtime=0) + behind)


@pytest.mark.parametrize("behind", [b"x", b"\0", b"[]", gzip.compress(b"[]", mtime=0)])
def test_nothing_follows_zstandard(behind: bytes) -> None:
    assert "cannot be inflated" in cause(zstd.compress(b"[]") + behind)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_one_level_is_unpacked(pack: Pack) -> None:
    twice = pack(gzip.compress(b"[]", mtime=0))
    assert read(twice) == gzip.compress(b"[]", mtime=0)


@pytest.mark.parametrize("nothing", [gzip.compress(b"", mtime=0), zstd.compress(b""), SKIPPABLE])
def test_too_many_frames_of_nothing_are_refused(nothing: bytes) -> None:
    assert "too many frames" in cause(nothing * 1001)


def test_memory_to_look_back_is_limited() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 22}
    packed = zstd.compress(TEXT * 3, options=options)
    assert len(read(packed)) == 3 * len(TEXT)
    assert "SALES_MAX_DICTIONARY_BYTES" in cause(packed, Limits(dictionary_bytes=1 << 20))


@pytest.mark.parametrize("between", [b"", gzip.compress(b"", mtime=0)])
def test_equal_members_are_all_there(between: bytes) -> None:
    """The last one's end declares what the first one is."""
    member = gzip.compress(TEXT, mtime=0)
    assert read(member + between + member) == 2 * TEXT


def test_a_member_of_bounded_size_comes_as_a_whole() -> None:
    packed = gzip.compress(TEXT, mtime=0)
    for most, is_whole in ((len(TEXT), True), (len(TEXT) - 1, False)):
        found = [*unpacked([packed], Limits(), "part", UnreadablePart, whole_bytes=most)]
        assert (len(found) == 1) is is_whole
