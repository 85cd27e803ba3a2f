"""What it takes to publish a run, again and again, by one build or by two in turn."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import msgspec

from bench import PROJECT
from bench.builds import Build
from bench.contenders import clean_environment
from bench.results import Cost

_PROGRAM = PROJECT / "bench" / "publication.py"


def publish_in_turn(
    builds: Mapping[str, Build], places: Mapping[str, Path], rounds: int
) -> dict[str, Sequence[Cost]]:
    """Costs of publishing the run in each build's place; the first time, which warms up, is left
    out. A process a build does nothing else."""
    costs: dict[str, list[Cost]] = {name: [] for name in builds}
    with ExitStack() as running:
        publishers = {
            name: running.enter_context(_publisher(build, places[name]))
            for name, build in builds.items()
        }
        for number in range(rounds + 1):
            for name in list(builds)[:: 1 if number % 2 else -1]:
                cost = _publish(publishers[name])
                if number:
                    costs[name].append(cost)
    return dict(costs)


@contextmanager
def _publisher(build: Build, place: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM), str(place)],  # the program's own folder is no path
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment() | build.env,
        cwd=place,  # where no .env is
    )
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _publish(publisher: subprocess.Popen[bytes]) -> Cost:
    if publisher.stdin is None or publisher.stdout is None:
        raise TypeError("a publisher is asked and answers by pipes")
    publisher.stdin.write(b"\n")
    publisher.stdin.flush()
    line = publisher.stdout.readline()
    if not line:
        raise click.ClickException("A run could not be published; see above.")
    return msgspec.json.decode(line, type=Cost)
