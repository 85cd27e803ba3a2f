"""A file that a live worker keeps touching: what a container's health check looks at."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# A worker touches its file several times in this time.
FRESH_SECONDS = 60


def heartbeat_path(configured: str | None) -> Path:
    """The file as set, or one in the temporary folder that all workers of this user share."""
    if configured is not None:
        return Path(configured)
    user = os.getuid() if hasattr(os, "getuid") else 0  # Windows has a folder for each user
    return Path(tempfile.gettempdir()) / f"sales-pipeline-{user}.heartbeat"


def touch(path: Path) -> None:
    """Says: alive now. Raises OSError."""
    path.touch(mode=0o600)


def age_seconds(path: Path, now: float) -> float | None:
    """Seconds since the last touch (``now`` is time.time()), or None if there was none."""
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return None
