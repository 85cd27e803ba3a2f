"""Runs of one shop, one after the other on the same state, and each beside one from scratch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.errors import ResultsMissing
from pipeline_core.kept.extract_reader import ExtractReader, FoundExtract
from pipeline_core.messages import Options, Reuse
from pipeline_core.running.local import process_outstanding
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase
from tests.support.processes import published_csvs

CUSTOMERS = [(f"c{n}", "2020-01-01", ("Retail", "VIP")[n % 2]) for n in range(8)]
PRODUCTS = [(f"p{n}", f"Product {n}", ("Toys", "Food", "Art")[n % 3], f"{n}.50") for n in range(9)]


def day(seed: int, events: int = 12) -> bytes:
    """A day of two parts; some of its purchases are of nobody, or of nothing known."""
    bought = [
        purchase(f"c{(n * seed) % 9}", f"p{(n + seed) % 10}", 1 + n % 3, note="a b", seed=seed)
        for n in range(events)
    ]
    return day_zip(
        {"part-001.json": part(bought[::2], indent=1), "part-002.json": part(bought[1::2])}
    )


def week(*seeds: int) -> bytes:
    return archive_zip({f"events_2024-01-{seed:02}.zip": day(seed) for seed in seeds})


class Runs:
    """Runs of one shop, one after the other, on the same state."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.folder, self.number = shop, folder, 0

    def run(
        self,
        *,
        full: bool = False,
        keep: bool = True,
        extract_bytes: int | None = None,
        processes: int = 1,
        price_history: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Summary of a run that was published."""
        self.number += 1
        places = Places(
            data=str(self.shop.data),
            reports=str(self.folder / "reports"),
            state=str(self.folder / "state"),
            dimensions=str(self.shop.dimensions),
            database_url="",
        )
        manifest = pipeline.plan(
            pipeline.Order(
                run_id=f"run-{self.number:03}",
                places=places,
                options=Options(allow_incomplete=True, **options),
                processes=lambda: processes,
                price_history=price_history,
                reuse=Reuse(full=full, keep=keep, extract_bytes=extract_bytes),
            )
        )
        while True:
            process_outstanding(places.state, manifest, 1)
            try:
                assert pipeline.publish(places.state, manifest.run_id).state == "published"
                break
            except ResultsMissing:
                continue
        return self.summary()

    def summary(self) -> dict[str, Any]:
        return dict(json.loads((self.last() / "summary.json").read_text()))

    def last(self) -> Path:
        """Where the last run was published."""
        return self.folder / "reports" / "runs" / f"run-{self.number:03}"

    def csvs(self) -> dict[str, bytes]:
        return published_csvs(self.folder)

    def files(self) -> dict[str, bytes]:
        """CSV and Parquet files of the last run."""
        found = sorted(p for kind in ("csv", "parquet") for p in self.last().rglob(f"*.{kind}"))
        return {str(p.relative_to(self.last())): p.read_bytes() for p in found}


def from_scratch(runs: Runs, **options: Any) -> tuple[dict[str, bytes], dict[str, Any]]:
    """CSV and Parquet files, and figures, of a first run of the same shop."""
    fresh = Runs(runs.shop, runs.folder.with_name(f"scratch-{runs.number}"))
    summary = fresh.run(full=True, **options)
    return fresh.files(), figures_of(summary)


def figures_of(summary: dict[str, Any]) -> dict[str, Any]:
    """What must be the same, however little was read."""
    return {
        name: value
        for name, value in summary.items()
        if name
        in (
            "status",
            "parts",
            "events",
            "rejected",
            "totals",
            "unreadable",
            "conflicting_days",
            "undated",
        )
        + (
            "repeated_parts",
            "missing_days",
            "dimensions_digest",
            "inputs",
            "compressed_bytes",
            "json_bytes",
        )
    }


def check(runs: Runs, **options: Any) -> dict[str, Any]:
    """Runs again; the figures are those of a run from scratch."""
    summary = runs.run(**options)
    files, figures = from_scratch(runs, **options)
    assert runs.files() == files
    assert figures_of(summary) == figures
    return summary


def opened_extracts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Digests of the days whose extracts are asked for from now on."""
    opened: list[str] = []
    real = ExtractReader.find

    def noted(reader: ExtractReader, archive: str, digest: str) -> FoundExtract | None:
        opened.append(digest)
        return real(reader, archive, digest)

    monkeypatch.setattr(ExtractReader, "find", noted)
    return opened
