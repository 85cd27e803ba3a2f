"""Where a run reads and writes."""

from __future__ import annotations

from dataclasses import dataclass, field

# What the newest published run is called among the reports.
LATEST = "latest"


@dataclass(frozen=True)
class Places:
    """URIs of a run. ``dimensions`` is a folder; where it is None, ``database_url`` is read."""

    data: str
    reports: str
    state: str
    dimensions: str | None
    database_url: str = field(repr=False)
