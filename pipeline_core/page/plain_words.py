"""What other rooms say of runs, as the page says it: a reader knows reports by their dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pipeline_core.page.data import Page


def plain(text: str, page: Page) -> str:
    """The text with the ids of the page's runs replaced by what these are called there."""
    names = {page.summary.run_id: "this report"}
    names |= {run.run_id: report_name(run.finished_at) for run in page.earlier}
    if page.changes:
        names.setdefault(page.changes.since, "the report before")
    return with_names(text, names)


def report_name(finished_at: datetime) -> str:
    """What a report is called."""
    return f"the report of {finished_at:%Y-%m-%d %H:%M} UTC"


def with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with names in place of ids of runs."""
    for run_id, name in names.items():
        for said, instead in (("Run ", name[0].upper() + name[1:]), ("run ", name), ("", name)):
            text = text.replace(f"{said}{run_id}", instead)
    return text
