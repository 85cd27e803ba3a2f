"""Pure gunzip: every part of every day by zlib, as Python's ``gzip`` does it; no JSON is read."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from bench.floor.inflate import entries


def main(data: Path) -> None:
    """Unpacks all parts of a folder."""
    for archive in sorted(data.glob("*.zip")):
        for day in entries(archive.read_bytes()):
            for part in entries(day):
                gzip.decompress(part)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
