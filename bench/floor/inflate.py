"""Pure inflate: every entry of every nested zip by libdeflate, its CRC checked; no JSON is read."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import deflate

_LOCAL_HEADER = struct.Struct("<26xHH")


def main(data: Path) -> None:
    """Inflates all archives of a folder."""
    for archive in sorted(data.glob("*.zip")):
        for day in entries(archive.read_bytes()):
            for _ in entries(day):
                pass


def entries(zipped: bytes | bytearray) -> Iterator[bytes | bytearray]:
    """The contents of a zip's entries."""
    view = memoryview(zipped)
    with zipfile.ZipFile(io.BytesIO(zipped)) as directory:
        for entry in directory.infolist():
            name, extra = _LOCAL_HEADER.unpack_from(view, entry.header_offset)
            start = entry.header_offset + _LOCAL_HEADER.size + name + extra
            packed = view[start : start + entry.compress_size]
            content: bytes | bytearray
            if entry.compress_type == zipfile.ZIP_STORED:
                content = bytes(packed)
            else:
                content = deflate.deflate_decompress(packed, entry.file_size)
            if deflate.crc32(content) != entry.CRC:
                raise zlib.error(f"{entry.filename} has a wrong CRC")
            yield content


if __name__ == "__main__":
    main(Path(sys.argv[1]))
