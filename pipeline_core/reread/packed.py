"""Parts that are packed once more, by gzip or Zstandard: told by their first bytes."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator
from importlib import import_module

_BLOCK = 1 << 16
_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_SKIPPED = b"\x2a\x4d\x18"  # after a byte from 0x50 to 0x5F
LONGEST_SIGN = 4


def is_packed(first: bytes) -> bool:
    """Whether what begins with these bytes, ``LONGEST_SIGN`` of them, is packed."""
    return first.startswith(_GZIP) or _is_zstandard(first)


def unpacked(content: bytes, most_dictionary: int) -> Iterator[bytes]:
    """What is packed in it, in blocks. Raises ValueError, or zlib.error, if it is damaged, cut off
    or followed by something else, or looks back over more than ``most_dictionary`` bytes."""
    if content.startswith(_GZIP):
        return _gzip_members(content)
    return zstandard_frames(_blocks(content), most_dictionary, is_whole=True)


def _is_zstandard(first: bytes) -> bool:
    is_skipped = first[1:4] == _SKIPPED and first[0] >> 4 == 5  # noqa: PLR2004
    return first.startswith(_ZSTANDARD) or is_skipped


def _blocks(content: bytes) -> Iterator[bytes]:
    return (content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK))


def _gzip_members(content: bytes) -> Iterator[bytes]:
    """Member after member; zeros may follow the last."""
    at = 0
    while content[at:].strip(b"\0"):
        member = zlib.decompressobj(31)
        while not member.eof:
            block = member.unconsumed_tail or content[at : at + _BLOCK]
            if not member.unconsumed_tail:
                at += len(block)
            if not block:
                raise ValueError("it was cut off")
            yield member.decompress(block, _BLOCK)
        at -= len(member.unused_data)


def zstandard_frames(
    packed: Iterable[bytes], most_dictionary: int, *, is_whole: bool = False
) -> Iterator[bytes]:
    """Frame after frame; if it ``is_whole``, the last one must have an end. Raises ValueError."""
    library = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    window = {
        library.DecompressionParameter.window_log_max: min(
            31, max(10, most_dictionary.bit_length() - 1)
        )
    }
    frames, made, decompressor = 0, 0, None
    for block in packed:
        for at in range(0, len(block), 4096):
            data = block[at : at + 4096]
            while data or (decompressor and not decompressor.needs_input):
                if decompressor is None:
                    frames += 1
                    if frames > 1000 + made // 256:
                        raise ValueError("it has too many frames")
                    decompressor = library.ZstdDecompressor(options=window)
                try:
                    found = decompressor.decompress(data, _BLOCK)
                except library.ZstdError as cause:
                    raise ValueError(cause) from cause
                data, made = b"", made + len(found)
                yield found
                if decompressor.eof:
                    data, decompressor = decompressor.unused_data, None
    if is_whole and decompressor is not None:
        raise ValueError("it was cut off")
