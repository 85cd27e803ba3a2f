"""Opens zips of unknown origin and inflates their entries without believing their headers."""

from __future__ import annotations

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from pipeline_core.errors import InputError, RetryableError
from pipeline_core.extract.codecs import inflated_blocks
from pipeline_core.extract.meter import Meter

# What zipfile and the codecs below it raise on bytes that are not a sound zip.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    RuntimeError,  # an encrypted entry; NotImplementedError, an unknown method, is one too
)
_BLOCK = 1 << 20
_CENTRAL_ENTRY = b"PK\x01\x02"
_CENTRAL_END = b"PK\x05\x06"
_CENTRAL_END_BYTES = 22
_LONGEST_COMMENT = 65_535
_IN_ZIP64_RECORD = 0xFFFFFFFF


@contextmanager
def open_zip(
    file: IO[bytes], what: str, max_entries: int, error: type[InputError]
) -> Iterator[zipfile.ZipFile]:
    """A zip open for reading.

    Raises:
        InputError: as ``error``, if it is not a zip or has more than ``max_entries`` entries.
    """
    with _broken_as(error, f"the {what} is not a zip"):
        _check_directory(file, max_entries, error, what)
        archive = zipfile.ZipFile(file)
    with archive:
        if len(archive.filelist) > max_entries:
            raise error(f"the {what} has more than {max_entries} entries")
        yield archive


def entries(
    archive: zipfile.ZipFile, wanted: Callable[[str], bool]
) -> list[tuple[int, zipfile.ZipInfo]]:
    """The wanted entries with their place in the directory, by name and then by place."""
    found = [
        (index, info)
        for index, info in enumerate(archive.infolist())
        if not info.filename.endswith("/") and wanted(info.filename)
    ]
    return sorted(found, key=lambda pair: (pair[1].filename, pair[0]))


def inflate(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    what: str,
    error: type[InputError],
    meter: Meter,
    whole_bytes: int,
) -> Iterator[bytes | bytearray]:
    """The bytes of an entry in blocks, counted by ``meter`` as they appear; CRC checked. One of
    up to ``whole_bytes`` may come as a single block.

    Raises:
        InputError: as ``error``, if the entry cannot be inflated or is not as long as declared;
            or what ``meter`` raises.
    """
    if info.file_size > meter.limit:
        raise meter.error(f"the {meter.what} holds more than the limit of {meter.limit} bytes")
    seen = 0
    with _broken_as(error, f"the {what} cannot be inflated"):
        blocks = inflated_blocks(archive, info, whole_bytes)
    while True:
        with _broken_as(error, f"the {what} cannot be inflated"):
            block = next(blocks, b"")
        if not block:
            break
        seen += len(block)
        if seen > info.file_size:
            break
        meter.add(len(block))
        yield block
    if seen != info.file_size:
        held = "more" if seen > info.file_size else seen
        raise error(
            f"the {what} cannot be inflated: it declares {info.file_size} bytes, it holds {held}"
        )


@contextmanager
def _broken_as(error: type[InputError], message: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as cause:
        # The disk, not the bytes; but it is bytes that ask for a place no file can have.
        if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
            raise RetryableError(f"Cannot read: {cause}.", "Check the storage.") from cause
        raise error(f"{message}: {str(cause) or type(cause).__name__}") from cause


def _check_directory(file: IO[bytes], max_entries: int, error: type[InputError], what: str) -> None:
    """Counts directory entries before zipfile makes an object of each.

    The length in the end record is not believed: every entry signature between the first one
    that the record points at and the end of the file counts.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _CENTRAL_END_BYTES - _LONGEST_COMMENT))
    tail = file.read()
    end = tail.rfind(_CENTRAL_END)
    if end < 0 or len(tail) - end < _CENTRAL_END_BYTES:
        return  # zipfile has the last word on what is a zip
    declared = struct.unpack_from("<L", tail, end + 12)[0]
    directory = size if declared == _IN_ZIP64_RECORD else min(declared + len(tail) - end, size)
    file.seek(size - directory)
    count, carry = 0, b""
    while block := file.read(_BLOCK):
        block = carry + block
        count += block.count(_CENTRAL_ENTRY)
        carry = block[-3:]
        if count > max_entries:
            raise error(f"the {what} has more than {max_entries} entries")
