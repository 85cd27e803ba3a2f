"""Who takes part: this project, its peers as far as they are installed, and the floors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from bench import PROJECT, floor
from bench.builds import AT_HAND, Build
from bench.fleet import Fleet, fleets
from bench.results import (
    CELERY_1,
    CELERY_2,
    CPP,
    CPP_TWICE,
    INFLATE,
    OURS_1,
    OURS_2,
    before_of,
)

PEER_PYTHON = PROJECT / ".venv-bench" / "bin" / "python"
# In a command, these stand for a shop's folders and for fresh ones of the contender's own.
DATA, DIMENSIONS, REPORTS, STATE = "{data}", "{dimensions}", "{reports}", "{state}"

_PEERS = {
    "polars": ("Polars", "polars_parts", ["1"]),
    "polars-2": ("Polars, two threads", "polars_parts", ["2"]),
    "duckdb": ("DuckDB, columns given", "duckdb_sql", ["given"]),
    "duckdb-inferred": ("DuckDB, columns inferred", "duckdb_sql", ["inferred"]),
    "dask": ("Dask bag, two processes", "dask_bag", []),
    "pyspark": ("PySpark local[2]", "pyspark_local", []),
}
_PANDAS = "pandas"
_TWICE = '"$0" "$@" & "$0" "$@" & wait %1 && wait %2'
_SLOW_TO_START = ("pyspark",)
KEEPING = "keeping"
# Nobody else leaves anything to later runs.
_LIKE_FOR_LIKE = {"SALES_KEEP_EXTRACTS": "false"}
ALL = (OURS_1, OURS_2, KEEPING, CELERY_1, CELERY_2, _PANDAS, *_PEERS, INFLATE, CPP, CPP_TWICE)

QUICK_TO_START = tuple(name for name in ALL if name not in _SLOW_TO_START)


class Contender(Struct, frozen=True):
    """One way to do the job."""

    name: str
    title: str
    command: list[str]
    # More of the environment, and processes that work for the command.
    env: dict[str, str] = {}
    helpers: list[int] = []
    # Links by whose names those processes know a run's places; see ``bench.fleet``.
    places: Path | None = None
    has_report: bool = True
    # Where a run of this contender's is already; a fresh folder each time if None.
    run: Path | None = None

    def command_for(self, data: Path, dimensions: Path, place: Path) -> list[str]:
        """The command on this shop, with reports and state in ``place``."""
        reports, state = place / "reports", place / "state"
        names = {DATA: data, DIMENSIONS: dimensions, REPORTS: reports, STATE: state}
        return [str(names.get(word, word)) for word in self.command]


def clean_environment() -> dict[str, str]:
    """What every contender sees: nothing of the user's settings, no limits on threads, and byte
    code that is kept, as it is of whatever is installed."""
    left_out = ("SALES_", "CELERY_", "OPENBLAS_", "SPARK_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"}


@contextmanager
def contenders(
    folder: Path, wanted: Sequence[str], before: Build | None = None
) -> Iterator[tuple[list[Contender], dict[str, str]]]:
    """Those of ``wanted`` that can run here, their workers started; and why others cannot. Beside
    each of ours comes the same of the build ``before``."""
    found, skipped = dict[str, Contender](), dict[str, str]()
    builds = [AT_HAND] if before is None else [AT_HAND, before]
    sizes = [size for name, size in ((CELERY_1, 1), (CELERY_2, 2)) if name in wanted]
    with fleets(folder / "fleets", clean_environment(), sizes, builds) as running:
        found[KEEPING] = _keeping()
        for build in builds:
            found[_name(build, OURS_1)], found[_name(build, OURS_2)] = local(build, 1), local(build)
        for (build, size), fleet in running.items():
            name = _name(build, CELERY_1 if size == 1 else CELERY_2)
            found[name] = _on_celery(name, build, size, fleet)
        naive = _peer_command(sys.executable, "naive_pandas", [])
        found[_PANDAS] = Contender(_PANDAS, "pandas, the naive way", naive)
        for name, (title, module, arguments) in _PEERS.items():
            found[name] = Contender(name, title, _peer_command(str(PEER_PYTHON), module, arguments))
            if name in wanted and (reason := _missing(name)):
                skipped[name] = reason
        inflate = [sys.executable, "-m", "bench.floor.inflate", DATA]
        found[INFLATE] = Contender(
            INFLATE, "floor: inflate alone, one thread", inflate, has_report=False
        )
        if {CPP, CPP_TWICE}.intersection(wanted):
            program, reason = floor.build(folder / "floor")
            if program is None:
                skipped |= {CPP: reason, CPP_TWICE: reason}
            command = [str(program), DATA, DIMENSIONS, REPORTS]
            found[CPP] = Contender(CPP, "floor: C++ simdjson, one thread", command)
            title = "floor: C++ simdjson, twice at once"
            found[CPP_TWICE] = Contender(CPP_TWICE, title, ["sh", "-c", _TWICE, *command])
        named = [each for name in ALL if name in wanted for each in (name, before_of(name))]
        yield [found[name] for name in named if name in found and name not in skipped], skipped


def local(build: Build, jobs: int = 2) -> Contender:
    """A run of a build, by one job or several."""
    name, title = (OURS_1, "1 job") if jobs == 1 else (OURS_2, f"{jobs} jobs")
    command = [*_run(build, "local"), "--jobs", str(jobs)]
    env = _LIKE_FOR_LIKE | build.env
    return Contender(_name(build, name), f"{build.title}, {title}", command, env)


def _keeping() -> Contender:
    kept = local(AT_HAND)
    title = "sales-pipeline, 2 jobs, extracts kept for later runs"
    return Contender(KEEPING, title, kept.command, {"SALES_KEEP_EXTRACTS": "true"})


def _on_celery(name: str, build: Build, processes: int, fleet: Fleet) -> Contender:
    title = f"{build.title}, Celery, {processes} process{'es' if processes > 1 else ''}"
    env = _LIKE_FOR_LIKE | build.env | {"SALES_BROKER_URL": fleet.broker_url}
    return Contender(name, title, _run(build, "celery"), env, fleet.pids, fleet.places)


def _name(build: Build, name: str) -> str:
    return name if build == AT_HAND else before_of(name)


def _run(build: Build, engine: str) -> list[str]:
    return build.command(
        *("run", "--quiet", "--full", "--engine", engine, "--data", DATA),
        *("--dimensions", DIMENSIONS, "--reports", REPORTS, "--state", STATE),
    )


def _peer_command(python: str, module: str, arguments: list[str]) -> list[str]:
    return [python, "-m", f"bench.peers.{module}", DATA, DIMENSIONS, REPORTS, *arguments]


def _missing(name: str) -> str:
    """Why a peer cannot run; empty if it can."""
    package = name.partition("-")[0]
    if not PEER_PYTHON.is_file():
        return "there is no .venv-bench; `make bench` makes it"
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    if subprocess.run([PEER_PYTHON, "-c", look], check=False).returncode:
        return f"{package} is not installed in .venv-bench"
    java = shutil.which("java")
    if package == "pyspark" and java is None:
        return "there is no java; on Debian: apt-get install default-jre-headless"
    return ""
