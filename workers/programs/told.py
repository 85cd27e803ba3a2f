"""What a worker tells of its machine when `doctor` asks each of them: clock, versions, settings."""

from __future__ import annotations

import platform
import time
from functools import cache
from importlib.metadata import version
from typing import Any

from celery import bootsteps

from pipeline_core.reuse.memory import rules_of_now
from pipeline_core.settings.alike import digests
from workers.celery import app, settings
from workers.config import CLOCK, SETTINGS, VERSIONS

_TOLD = ("celery", "kombu", "msgspec", "numpy", "pyarrow", "redis")


class TellsOfItself(bootsteps.StartStopStep):  # type: ignore[misc]
    """In its statistics."""

    def info(self, _worker: Any) -> dict[str, Any]:
        """The clock in seconds since 1970, and versions and settings by name."""
        return {CLOCK: time.time(), VERSIONS: versions(), SETTINGS: digests(settings)}


@cache
def versions() -> dict[str, str]:
    """Of what decides how work is done here: the rules of counting, Python, libraries."""
    found = {name: version(name) for name in _TOLD}
    return {"rules": rules_of_now(), "Python": platform.python_version(), **found}


app.steps["worker"].add(TellsOfItself)
