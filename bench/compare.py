"""``make bench``: this project beside the naive pandas way, on the same generated archives.

Interleaved, median of some rounds, wall seconds and peak memory of each whole process. Results
that differ by a cent end the benchmark with an error.
"""

from __future__ import annotations

import csv
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click
import psutil

from console.views import output, table
from data_generator import generate

PROJECT = Path(__file__).resolve().parent.parent
_SAMPLE_SECONDS = 0.02
Report = dict[tuple[str, str], tuple[str, int, int]]


@click.command()
@click.option("--archives", default=20, show_default=True, help="Weekly archives.")
@click.option("--events-per-part", default=5_000, show_default=True, help="Events in a part.")
@click.option("--rounds", default=5, show_default=True, help="Rounds; the median counts.")
def main(archives: int, events_per_part: int, rounds: int) -> None:
    """Generates archives, runs every contender in turn, and prints ratios first."""
    with tempfile.TemporaryDirectory(prefix="sales-bench-") as name:
        folder = Path(name)
        made = generate(folder / "data", archives, events_per_part=events_per_part)
        _write_dimensions(folder / "dimensions")
        contenders = _contenders(folder)
        seconds: dict[str, list[float]] = defaultdict(list)
        memory: dict[str, list[int]] = defaultdict(list)
        reports: dict[str, Report] = {}
        for _ in range(rounds):
            for contender, command in contenders.items():
                wall, peak = _measure(command)
                seconds[contender].append(wall)
                memory[contender].append(peak)
                reports[contender] = _report(folder / _slug(contender))
        first, *others = reports.values()
        if any(other != first for other in others):
            raise click.ClickException("the contenders' reports differ")
        _print(made.events, seconds, memory)


def _contenders(folder: Path) -> dict[str, list[str]]:
    def ours(jobs: int) -> list[str]:
        place = folder / _slug(f"this project, {jobs} jobs")
        return [
            *(sys.executable, "-m", "console.command", "run", "--quiet", "--engine", "local"),
            *("--data", str(folder / "data"), "--dimensions", str(folder / "dimensions")),
            *("--reports", str(place), "--state", str(folder / f"state{jobs}")),
            *("--jobs", str(jobs)),
        ]

    naive = folder / _slug("naive pandas")
    return {
        "this project, 1 jobs": ours(1),
        "this project, 2 jobs": ours(2),
        "naive pandas": [
            *(sys.executable, "-m", "bench.naive_pandas"),
            *(str(folder / "data"), str(folder / "dimensions"), str(naive)),
        ],
    }


def _measure(command: list[str]) -> tuple[float, int]:
    """Wall seconds, and the largest sum of resident bytes of the process tree."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT)
    tree, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            family = [tree, *tree.children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:  # it ended while we looked
            continue
        time.sleep(_SAMPLE_SECONDS)
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started, peak


def _report(place: Path) -> Report:
    path = place / "sales_report.csv"
    rows = csv.DictReader(io.StringIO(path.read_text()))
    return {
        (row["category"], row["customer_segment"]): (
            row["total_revenue"],
            int(row["units_sold"]),
            int(row["unique_customers"]),
        )
        for row in rows
    }


def _write_dimensions(folder: Path) -> None:
    """A hundred customers and fifty products, with the generator's ids."""
    folder.mkdir()
    segments, categories = ("New", "Returning", "VIP"), ("Books", "Clothing", "Electronics")
    customers = [f"c{n:03},{segments[n % 3]}" for n in range(1, 101)]
    products = [f"p{n:03},{categories[n % 3]},{n}.{n:02}" for n in range(1, 51)]
    (folder / "customers.csv").write_text("\n".join(["customer_id,segment", *customers, ""]))
    (folder / "products.csv").write_text("\n".join(["product_id,category,price", *products, ""]))


def _print(events: int, seconds: dict[str, list[float]], memory: dict[str, list[int]]) -> None:
    base_seconds = statistics.median(seconds["this project, 1 jobs"])
    base_memory = statistics.median(memory["this project, 1 jobs"])
    rows = []
    for contender, walls in seconds.items():
        wall, peak = statistics.median(walls), statistics.median(memory[contender])
        rows.append(
            (
                contender,
                f"{wall / base_seconds:.2f}",
                f"{peak / base_memory:.2f}",
                f"{wall:.2f}",
                f"{peak / 2**20:.0f}",
                f"{events / wall:,.0f}",
            )
        )
    headings = ["contender", "time ratio", "memory ratio", "seconds", "MiB", "events/s"]
    output().print(table(headings, rows, numbers=(1, 2, 3, 4, 5)))


def _slug(contender: str) -> str:
    return contender.replace(" ", "-").replace(",", "")


if __name__ == "__main__":
    main()
