"""What Celery itself takes: a chord of tasks that do nothing, with the settings of our workers.

Its worker is ``celery -A bench.chord_floor worker``, with Celery's own consumer; its messages are
as long as ours. ``python -m bench.chord_floor N`` sends a chord of N tasks and waits for its end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import chord

from bench.contenders import Contender, clean_environment
from bench.fleet import fleet_of
from pipeline_core.settings import load_settings
from workers.application import App
from workers.config import celery_config

CHORD = "chord"
_TITLE = "floor: a chord of as many empty tasks, Celery, {processes} processes"
_OURS = ("worker_consumer", "beat_schedule", "beat_scheduler")
_LOOK_SECONDS = 0.05
_MODULE = "bench.chord_floor"
# As long as those of a run.
_STATE, _RUN_ID = "/srv/sales/state", "20260101T030000-0123456789abcdef"


def _config() -> dict[str, Any]:
    return {key: value for key, value in celery_config(load_settings()).items() if key not in _OURS}


app = App(_MODULE, set_as_current=False)
app.add_defaults(_config)


@app.task(name=f"{_MODULE}.nothing", ignore_result=True)  # type: ignore[untyped-decorator]
def nothing(*_: object) -> None:
    """A part of the chord."""


@app.task(name=f"{_MODULE}.end")  # type: ignore[untyped-decorator]
def end(_parts: object) -> None:
    """What comes after all parts."""


@contextmanager
def chord_floor(folder: Path, tasks: int, processes: int = 2) -> Iterator[Contender]:
    """The contender that sends such a chord of ``tasks``, while its worker runs."""
    with fleet_of(_MODULE, folder / "fleets", clean_environment(), processes) as fleet:
        yield Contender(
            CHORD,
            _TITLE.format(processes=processes),
            [sys.executable, "-m", _MODULE, str(tasks)],
            {"SALES_BROKER_URL": fleet.broker_url},
            fleet.pids,
            has_report=False,
        )


def main(tasks: int) -> None:
    """Sends the chord, and returns once its end has come."""
    parts = [
        app.signature(
            f"{_MODULE}.nothing",
            args=(_STATE, _RUN_ID, f"{number:05}", None, None),
            ignore_result=True,
        )
        for number in range(tasks)
    ]
    with app.sending_together():
        ended = chord(parts, app=app)(app.signature(f"{_MODULE}.end"))
    while not ended.ready():
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
