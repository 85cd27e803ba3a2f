"""What is drawn, as plain data: matplotlib is in .venv-bench, and ``bench.plots`` runs there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench import PROJECT
from bench.contenders import PEER_PYTHON, clean_environment
from bench.results import Comparison, Figures, Growth

_MIB = 2**20


def draw(folder: Path, comparison: Comparison | None, growth: Growth | None) -> None:
    """Writes the SVG files; says so where there is nothing to draw them with."""
    pictures = _bars(comparison) if comparison else []
    pictures += _curves(growth) if growth else []
    if not PEER_PYTHON.is_file():
        click.echo("Skipped the plots: there is no .venv-bench; `make bench` makes it.", err=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(PEER_PYTHON), "-m", "bench.plots", str(folder)]
    text = json.dumps(pictures)
    subprocess.run(command, input=text, text=True, cwd=PROJECT, env=clean_environment(), check=True)


def _bars(result: Comparison) -> list[dict[str, Any]]:
    million = f"{result.data.events / 1e6:.1f} million events"

    def bars(name: str, what: str, get: Callable[[Figures], float]) -> dict[str, Any]:
        ordered = sorted(result.figures.values(), key=get)
        values = [[each.title, get(each)] for each in ordered]
        return {"file": f"{name}.svg", "title": f"{what}, {million}", "bars": values}

    return [
        bars("time", "Seconds", lambda each: each.seconds),
        bars("memory", "Peak memory in MiB", lambda each: each.peak_bytes / _MIB),
    ]


def _curves(growth: Growth) -> list[dict[str, Any]]:
    def panels(unit: str, get: Callable[[Figures], float]) -> list[dict[str, Any]]:
        return [
            {
                "x": f"times as many {name}",
                "y": unit,
                "lines": {
                    points[0].figures[key].title: [
                        [point.scale, get(point.figures[key])] for point in points
                    ]
                    for key in points[0].figures
                },
            }
            for name, points in growth.curves.items()
        ]

    merged = [[each.partials, each.seconds] for each in growth.publications]
    return [
        {
            "file": "growth-time.svg",
            "title": "Time as data grows",
            "panels": panels("seconds", lambda each: each.seconds),
        },
        {
            "file": "growth-memory.svg",
            "title": "Peak memory as data grows",
            "panels": panels("MiB", lambda each: each.peak_bytes / _MIB),
        },
        {
            "file": "publishing.svg",
            "title": "Publishing",
            "panels": [{"x": "partials", "y": "seconds", "lines": {"publish": merged}}],
        },
    ]
