"""What to look at after the demo: lines to paste, for the run that it left."""

from __future__ import annotations

import csv
import io
import os
import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console

from pipeline_core.machine.install_lines import PROJECT, made_by_uv
from pipeline_core.unprintable import plain


def print_next_steps(say: Console, root: Path) -> None:
    """The page, a figure to take apart, and other questions, for the run whose places are the
    folders ``data``, ``dimensions``, ``reports`` and ``state`` of ``root``. Its servers are gone;
    none of these lines needs one."""
    latest = root / "reports" / "latest"
    category, segment = _largest_cell(latest / "sales_report.csv")
    state, reports, data, dimensions = (
        [f"--{place}", shown_path(root / place)]
        for place in ("state", "reports", "data", "dimensions")
    )
    lines = [
        ("The report", (latest / "index.html").as_uri()),
        ("Its rows", shown_path(latest / "sales_report.csv")),
        ("Serve it, and live progress", _command("serve", *reports, *state)),
        (
            f"Why is {category} / {segment} what it is",
            _command("explain", "--category", category, "--segment", segment, *state),
        ),
        ("What was left out", _command("rejects", "-n", "10", *state)),
        ("Count it all again", _command("verify", *data, *reports, *state)),
        ("What the next run would read", _command("plan", *data, *state)),
        ("Run again without an archive", shlex.join(["rm", shown_path(_newest(root / "data"))])),
        ("", _command("run", "--engine", "local", *data, *dimensions, *reports, *state)),
        ("What that changed, and why", _command("diff", *state)),
    ]
    for what, line in lines:
        if what:
            say.print(f"{plain(what)}:", style="bold", markup=False)
        say.print(f"  {line}", soft_wrap=True, markup=False)


def _largest_cell(report: Path) -> tuple[str, str]:
    """Category and segment of the first row: rows are by revenue."""
    with io.TextIOWrapper(report.open("rb"), encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        first = next(rows, {"category": "", "customer_segment": ""})
    return first["category"], first["customer_segment"]


def _newest(data: Path) -> Path:
    return max(data.iterdir())


def _command(*words: str) -> str:
    return shlex.join([*_program(), *words])


def _program() -> list[str]:
    """What the shell finds this very program by: its name, or `uv run`, or where it is."""
    own = Path(sys.prefix) / "bin" / "sales-pipeline"
    found = shutil.which("sales-pipeline")
    # Uv sets UV. What it puts on PATH is for its own child, not for the shell that called it.
    by_uv = "UV" in os.environ and made_by_uv()
    if by_uv and Path.cwd().is_relative_to(PROJECT):
        return ["uv", "run", "sales-pipeline"]
    if not by_uv and found is not None and Path(found).resolve() == own.resolve():
        return ["sales-pipeline"]
    return [shown_path(own)]


def shown_path(path: Path) -> str:
    """Relative to the working folder if it is in there."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
