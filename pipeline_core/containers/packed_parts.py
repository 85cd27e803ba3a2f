"""Parts that are packed once more, in gzip or Zstandard: told by their first bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal

from pipeline_core.containers.codecs import HAS_LIBDEFLATE, Octets
from pipeline_core.containers.zstandard_frames import ZstandardFrames, check_frames
from pipeline_core.errors import InputError
from pipeline_core.messages import Limits

if HAS_LIBDEFLATE:
    import deflate

Packing = Literal["gzip", "Zstandard"]

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x50, 0x60), b"\x2a\x4d\x18"
_GZIP_MEMBER = _GZIP + b"\x08"
_MAGIC_BYTES = 4
_BLOCK = 1 << 18
# What zlib did not take it copies, again and again.
_PIECE = 1 << 16
_GZIP_HEADER = 16 + zlib.MAX_WBITS


def packing(head: Octets) -> Packing | None:
    """How a part is packed, by its first four bytes; None if it is not."""
    if head[:2] == _GZIP:
        return "gzip"
    firsts, rest = _SKIPPABLE
    is_skippable = head[:1] and head[0] in firsts and head[1:_MAGIC_BYTES] == rest
    return "Zstandard" if is_skippable or head[:_MAGIC_BYTES] == _ZSTANDARD else None


def unpacked(
    blocks: Iterable[Octets],
    limits: Limits,
    what: str,
    error: type[InputError],
    whole_bytes: int = 0,
) -> Iterator[Octets]:
    """The bytes of what is packed in ``blocks``, at most 256 KiB at once: of several gzip members,
    or Zstandard frames, behind each other. A gzip member of up to ``whole_bytes`` that is a block
    of its own may come as one. What is not packed is given as it is.

    Raises:
        InputError: as ``error``, if it is damaged or cut off, or asks for more memory than
            ``limits`` allow.
    """
    head, following = _head(blocks)
    kind = packing(head)
    if kind is None:
        yield from chain([head], following)
        return
    second = next(following, None)
    if kind == "gzip" and second is None and (member := _only_member(head, whole_bytes)):
        yield member
        return
    whole = chain([head], [] if second is None else [second], following)
    feed, is_whole = _gzip() if kind == "gzip" else _zstandard(limits)
    try:
        for block in whole:
            for start in range(0, len(block), _PIECE):
                yield from feed(memoryview(block)[start : start + _PIECE])
        if not is_whole():
            raise ValueError(f"its {kind} data are cut off")
    except zlib.error as cause:
        raise error(f"the {what} cannot be inflated: its {kind} data are damaged") from cause
    except ValueError as cause:
        raise error(f"the {what} cannot be inflated: {cause}") from cause


def _head(blocks: Iterable[Octets]) -> tuple[Octets, Iterator[Octets]]:
    """Enough of the first blocks to tell how they are packed, and those that follow."""
    following = iter(blocks)
    head: Octets = b""
    for block in following:
        head = head + block if head else block
        if len(head) >= _MAGIC_BYTES:
            break
    return head, following


def _only_member(packed: Octets, most_bytes: int) -> bytearray | None:
    """What is in a gzip member (RFC 1952) of up to ``most_bytes``, by libdeflate; None unless
    everything about it is as its end declares. libdeflate passes over what follows a member: where
    another may begin, zlib reads them."""
    crc, size = struct.unpack("<II", bytes(packed[-8:]).rjust(8, b"\0"))
    if not HAS_LIBDEFLATE or not 0 < size <= most_bytes or bytes(packed).find(_GZIP_MEMBER, 1) > 0:
        return None
    try:
        found: bytearray = deflate.gzip_decompress(packed, size)
    except deflate.DeflateError:
        return None
    return found if len(found) == size and deflate.crc32(found) == crc else None


_Codec = tuple[Callable[[memoryview], Iterator[bytes]], Callable[[], bool]]


def _gzip() -> _Codec:
    """RFC 1952: members behind each other; zeros may follow the last one, as tapes have them."""
    member: zlib._Decompress | None = None
    members = made = 0
    is_padded = False

    def feed(data: memoryview | bytes) -> Iterator[bytes]:
        nonlocal member, members, made, is_padded
        while data:
            if member is None:
                is_padded = is_padded or (members > 0 and data[0] == 0)
                if is_padded:
                    if bytes(data).strip(b"\0"):
                        raise ValueError("something else follows its gzip data")
                    return
                members += 1
                check_frames(members, made)
                member = zlib.decompressobj(_GZIP_HEADER)
            block = b"\0" * _BLOCK
            while data or len(block) == _BLOCK:
                block = member.decompress(data, _BLOCK)
                made += len(block)
                if block:
                    yield block
                data = member.unconsumed_tail
                if member.eof:
                    data, member = member.unused_data, None
                    break

    return feed, lambda: member is None


def _zstandard(limits: Limits) -> _Codec:
    frames = ZstandardFrames(limits.dictionary_bytes)

    def feed(data: memoryview) -> Iterator[bytes]:
        block = frames.decompress(data, _BLOCK)
        while block:
            yield block
            block = b"" if frames.needs_input else frames.decompress(b"", _BLOCK)

    return feed, lambda: frames.is_whole
