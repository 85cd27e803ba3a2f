"""``python -m bench.plots FOLDER``: draws the pictures described by the JSON on standard input.

Runs in .venv-bench. The same figures give the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

_OURS, _OTHERS, _FLOOR = "#1f6f8b", "#b8b8b8", "#e0a458"
_STYLE = {
    "svg.hashsalt": "sales-pipeline",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
}


def main(folder: Path) -> None:
    """Draws every picture into ``folder``."""
    plt.rcParams.update(_STYLE)
    for picture in json.load(sys.stdin):
        figure = _bars(picture) if "bars" in picture else _panels(picture)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(folder / picture["file"], metadata=nothing, bbox_inches="tight")
        plt.close(figure)


def _bars(picture: dict[str, Any]) -> Any:
    titles, values = zip(*picture["bars"], strict=True)
    figure, axes = plt.subplots(figsize=(7, 0.35 * len(titles) + 0.8))
    drawn = axes.barh(titles, values, color=[_colour(title) for title in titles])
    axes.bar_label(drawn, [_number(value) for value in values], padding=3)
    axes.invert_yaxis()
    axes.set_title(picture["title"], loc="left")
    return figure


def _panels(picture: dict[str, Any]) -> Any:
    panels = picture["panels"]
    figure, grid = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3), squeeze=False)
    for axes, panel in zip(grid[0], panels, strict=True):
        for title, points in panel["lines"].items():
            axes.plot(*zip(*points, strict=True), marker="o", label=title)
        axes.set_xticks(sorted({x for points in panel["lines"].values() for x, _ in points}))
        axes.set_xlabel(panel["x"])
        axes.set_ylabel(panel["y"])
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(picture["title"])
    figure.tight_layout()
    return figure


def _colour(title: str) -> str:
    if title.startswith("sales-pipeline"):
        return _OURS
    return _FLOOR if title.startswith("floor") else _OTHERS


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004


if __name__ == "__main__":
    main(Path(sys.argv[1]))
