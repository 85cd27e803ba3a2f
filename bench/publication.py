"""``python -m bench.publication PLACE ROUNDS``: seconds to publish a finished run, again and again.

All of it: receipts and partials are read and their digests checked, partials merged, files written.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from pipeline_core.logs import configure_logs
from pipeline_core.machine.imports import lean_process
from pipeline_core.pipeline import publish


def main(place: Path, rounds: int) -> None:
    """Publishes once to warm up, then ``rounds`` times; the seconds are JSON on stdout."""
    lean_process()
    configure_logs("ERROR", "text")
    state = place / "state"
    (run,) = (state / "runs").iterdir()
    seconds = []
    for _ in range(rounds + 1):
        _forget(place, run)
        started = time.perf_counter()
        outcome = publish(str(state), run.name)
        seconds.append(time.perf_counter() - started)
        if outcome.state != "published":
            raise RuntimeError(outcome.reason)
    sys.stdout.buffer.write(msgspec.json.encode(seconds[1:]))


def _forget(place: Path, run: Path) -> None:
    """Makes a published run one that is only processed."""
    aside = Path(mkdtemp(dir=place))  # not removed: see bench/rounds.py
    for decided in (
        run / "verdict.json",
        run / "outcome.json",
        place / "state" / "published" / f"{run.name}.json",
        place / "reports" / "runs" / run.name,
    ):
        decided.rename(aside / f"{decided.parent.name}-{decided.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
