"""``publication.py PLACE``: publishes a finished run again for every line on standard input.

All of it: receipts and partials are read and their digests checked, partials merged, files written.
A line of JSON on standard output says what each time cost. It is called by its path, so that the
same program publishes by whichever build is on ``PYTHONPATH``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

from pipeline_core.logs import configure_logs
from pipeline_core.machine.imports import lean_process
from pipeline_core.pipeline import publish


def main(place: Path) -> None:
    """Publishes the only run of a state until nobody asks for it any longer."""
    lean_process()
    configure_logs("ERROR", "text")
    state = place / "state"
    (run,) = (state / "runs").iterdir()
    for _ in sys.stdin:
        _forget(place, run)
        started, before = time.perf_counter(), time.process_time()
        outcome = publish(str(state), run.name)
        seconds, cpu = time.perf_counter() - started, time.process_time() - before
        if outcome.state != "published":
            raise RuntimeError(outcome.reason)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        cost = {"seconds": seconds, "cpu_seconds": cpu, "peak_bytes": peak}
        sys.stdout.write(json.dumps(cost) + "\n")
        sys.stdout.flush()


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
    main(Path(sys.argv[1]))
