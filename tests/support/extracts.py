"""Files of extracts in a state: which there are, and what may happen to them."""

from __future__ import annotations

from pathlib import Path

from pipeline_core.kept.extract_files import FileStretch, spans


def extract_files(folder: Path) -> list[Path]:
    """Those of the state in a folder of runs, by their path."""
    return sorted((folder / "state" / "kept" / "extracts").rglob("*.arrow"))


def kept_days(folder: Path) -> dict[str, tuple[Path, FileStretch]]:
    """By the days' digests, the file that has each, and where. Of two files the last."""
    return {
        digest: (path, span)
        for path in extract_files(folder)
        for digest, span in (spans(path.read_bytes()) or {}).items()
    }


def spoil_day(folder: Path, digest: str) -> Path:
    """Changes a byte of a day's extract; returns the file."""
    path, span = kept_days(folder)[digest]
    content = bytearray(path.read_bytes())
    content[span.begin + span.size // 2] ^= 1
    path.write_bytes(content)
    return path


def lay_out_by_day(folder: Path) -> list[Path]:
    """Leaves a file a day, as an earlier version did."""
    days = {}
    for digest, (path, span) in kept_days(folder).items():
        content = path.read_bytes()[span.begin : span.begin + span.size]
        days[path.parents[1] / f"{digest}.arrow"] = content
    for path in extract_files(folder):
        path.unlink()
    for path, content in days.items():
        path.write_bytes(content)
    return sorted(days)
