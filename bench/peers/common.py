"""What every peer needs, with the standard library only: opening nested zips, and the report."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CORES = 2


def archives(data: Path) -> list[Path]:
    """Every archive, by name."""
    return sorted(data.glob("*.zip"))


def parts(archive: Path) -> Iterator[bytes]:
    """The JSON text of every part of every day of an archive."""
    with zipfile.ZipFile(archive) as days:
        for day in days.namelist():
            # A day is held in memory: streaming one zip out of another takes twice as long.
            with zipfile.ZipFile(io.BytesIO(days.read(day))) as zipped:
                for name in zipped.namelist():
                    yield zipped.read(name)


def unzip(data: Path, folder: Path) -> None:
    """Every part as a file, by two threads, for libraries that read folders."""

    def write(archive: Path) -> None:
        for number, part in enumerate(parts(archive)):
            Path(folder, f"{archive.stem}-{number:06}.json").write_bytes(part)

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(write, archives(data)))


def write_report(reports: Path, rows: Iterable[tuple[str, str, int, int, int]]) -> None:
    """Rows are category, segment, cents, units, customers."""
    reports.mkdir(parents=True, exist_ok=True)
    with (reports / "sales_report.csv").open("w") as file:
        file.write("category,customer_segment,total_revenue,units_sold,unique_customers\n")
        for category, segment, cents, units, customers in rows:
            money = f"{cents // 100}.{cents % 100:02}"
            file.write(f"{category},{segment},{money},{units},{customers}\n")
