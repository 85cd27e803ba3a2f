"""What stands before an entry's data in a zip, and what it says of them (APPNOTE 4.3.7)."""

from __future__ import annotations

import errno
import struct
from typing import IO

from pipeline_core.containers.directory import Entry

_HEADER = struct.Struct("<4s2xH18xHH")
_SIGN = b"PK\x03\x04"
_IS_ENCRYPTED, _IS_PATCH, _IS_STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40
_AES = 99


def data_place(file: IO[bytes], entry: Entry) -> int:
    """Where the entry's data begin. Its local header may spell the name otherwise.

    Raises:
        ValueError: there is no local header, or no reading what is behind it.
        OSError: the file cannot be read.
    """
    if entry.offset < 0:
        raise ValueError("it begins before the file")
    header = _bytes_at(file, entry.offset, _HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(_SIGN):
        raise ValueError("there is no local header where the directory says")
    flags, name, extra = _HEADER.unpack(header)[1:]
    flags |= entry.flags
    if flags & (_IS_ENCRYPTED | _IS_STRONGLY_ENCRYPTED) or entry.method == _AES:
        weak = "PKWARE's strong encryption" if flags & _IS_STRONGLY_ENCRYPTED else "ZipCrypto"
        kind = "WinZip AES" if entry.method == _AES else weak
        raise ValueError(f"it is encrypted ({kind}): zip it again without a password")
    if flags & _IS_PATCH:
        raise ValueError("it is a patch of another file: zip it again")
    return entry.offset + _HEADER.size + int(name) + int(extra)


def _bytes_at(file: IO[bytes], place: int, count: int) -> bytes:
    """Up to so many; none from a place that no file can have."""
    try:
        file.seek(place)
    except OverflowError:
        return b""
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return b""
    return file.read(count)
