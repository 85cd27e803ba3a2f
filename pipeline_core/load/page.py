"""index.html: one self-contained page of a run, for people.

Everything that comes from the shop is text: the template escapes it, and the page's own policy
forbids scripts, images and requests, should that ever fail.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pipeline_core.messages import Summary

_HERE = Path(__file__).parent


def write_page(path: Path, summary: Summary, sales: pa.Table) -> None:
    """The page of a run whose sales report is ``sales`` (named columns as in the CSV)."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _template().render(
        style=style,
        style_source=f"'sha256-{digest}'",
        summary=summary,
        rows=sales.to_pylist(),
        missing_days=list(_spans(summary.missing_days)),
    )
    path.write_text(page, encoding="utf-8", newline="\n")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["grouped"] = _grouped
    return environment.get_template("page.html")


def _grouped(number: object) -> str:
    """1234567.80 -> 1,234,567.80; None, what cannot be known, is a dash."""
    if number is None:
        return "–"  # noqa: RUF001  (an en dash is meant)
    # Not str: of a tiny Decimal that is 5E-15.
    text = f"{number:f}" if isinstance(number, Decimal) else str(number)
    whole, point, decimals = text.partition(".")
    return f"{int(whole):,}{point}{decimals}"


def _spans(days: Sequence[date]) -> Iterator[str]:
    """Days in a row as one span each."""
    for first, last in _runs(days):
        yield str(first) if first == last else f"{first} to {last}"


def _runs(days: Sequence[date]) -> Iterable[tuple[date, date]]:
    if not days:
        return []
    breaks = [n for n, (one, two) in enumerate(pairwise(days), 1) if two - one > timedelta(days=1)]
    edges = [0, *breaks, len(days)]
    return [(days[start], days[end - 1]) for start, end in pairwise(edges)]
