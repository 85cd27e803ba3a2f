"""Mutations of bytes, in the manner of coverage-guided fuzzers but without the guide."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

# What zips and JSON are made of, and what they stumble over.
TOKENS = (
    b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08",
    b"\x01\x00\x10\x00", b"\x75\x70\x09\x00\x01", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18",
    b"\x1f\x8b\x08\x00", b"\x5a\x2a\x4d\x18\x03\0\0\0abc", b"\n", b"\r\n", b"}{", b"}\n{", b"}],",
    b'{"events":[', b'"data":{"rows":[{"type":"purchase"}]},', b'"type":"purchase"', b"[1],[",
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"[[" * 200, b'{"a":' * 200, b"\xef\xbb\xbf",
    b'"event_type"', b'"purchase"', b'"quantity":1', b'"quantity":1e3', b'"quantity":2147483648',
    b'"\\ud800"', b"\\u0000", b"\xff\xfe", b"\xc3\x28", b"\x00", b"null", b"true", b"NaN", b"-0",
    b"1" * 400, b" " * 5_000, b"../../../../x.json", b"/x.json", b"C:\\x.json", b".zip", b".json",
)  # fmt: skip
NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


def mutated(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """The bytes after one to six mutations."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(_MUTATORS)(changed, others, random)
    return bytes(changed)


def _place(data: bytearray, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _flip(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _overwrite_number(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    """Sizes, offsets, counts and methods of zips are little-endian numbers."""
    width, form = random.choice(((2, "<H"), (4, "<I"), (8, "<Q")))
    if len(data) >= width:
        place = random.randrange(len(data) - width + 1)
        value = random.choice(NUMBERS) & ((1 << 8 * width) - 1)
        data[place : place + width] = struct.pack(form, value)


def _insert_token(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    place = _place(data, random)
    data[place:place] = random.choice(TOKENS)


def _overwrite_token(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    place, token = _place(data, random), random.choice(TOKENS)
    data[place : place + len(token)] = token


def _delete(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    place = _place(data, random)
    del data[place : place + random.choice((1, 2, 8, 64, 1000))]


def _repeat(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    start = _place(data, random)
    piece = data[start : start + random.choice((1, 8, 64, 1000))]
    place = _place(data, random)
    data[place:place] = piece * random.choice((1, 2, 50))


def _truncate(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    del data[_place(data, random) :]


def _splice(data: bytearray, others: Sequence[bytes], random: Random) -> None:
    other = random.choice(others)
    start = random.randrange(len(other) + 1)
    place = _place(data, random)
    data[place : place + random.choice((0, 100, len(data)))] = other[start : start + 2_000]


_MUTATORS: tuple[Callable[[bytearray, Sequence[bytes], Random], None], ...] = (
    _flip,
    _overwrite_number,
    _overwrite_number,
    _insert_token,
    _overwrite_token,
    _delete,
    _repeat,
    _truncate,
    _splice,
)
