"""What was measured, as it is kept: results outlive the run, so pages can be rendered again."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

_T = TypeVar("_T", bound="Struct")

# The contenders that others are compared with.
OURS_1, OURS_2, CELERY_1, CELERY_2 = "ours-1", "ours-2", "celery-1", "celery-2"
# A program of one thread, and two of it at once: what the machine's cores do together.
CPP, CPP_TWICE = "cpp", "cpp-twice"
INFLATE, GUNZIP = "inflate", "gunzip"
# Builds of this project.
NOW, BEFORE = "now", "before"
# Feeds of the same events; each is read by one job.
ARRAYS, LINES, RENAMED, GZIPPED = "arrays", "lines", "renamed", "gzipped"

# What is measured, by the name that ``--what`` takes.
PEERS, ARCHIVES, START, GROUPS, QUESTIONS, ONE_PART, GROWTH, FEEDS, DAYS, FLEET, SCALE = (
    *("peers", "archives", "start", "groups", "questions", "one-part", "growth", "feeds", "days"),
    *("fleet", "scale"),
)
# The contenders of these.
HELP, OPENED = "help", "opened"
VERIFY, EXPLAIN = "verify", "explain"
ONE, SMALL_PARTS = "one", "parts"


def before_of(name: str) -> str:
    """What a contender of ours is called in the build before."""
    return f"{BEFORE}-{name}"


class Cost(Struct, frozen=True):
    """What one run of a command took, its whole process tree included."""

    seconds: float
    cpu_seconds: float
    # The largest sum over the tree; 0 where nobody looked.
    peak_bytes: int = 0
    # The most that one of its processes held resident, by the kernel; nobody needs to look.
    largest_process: int = 0


class Figures(Struct, frozen=True):
    """One contender's costs, a round each, and its peak memory in a round of its own."""

    title: str
    costs: list[Cost]
    peak_bytes: int

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return statistics.median(cost.seconds for cost in self.costs)

    @property
    def cpu_seconds(self) -> float:
        """The median of the rounds."""
        return statistics.median(cost.cpu_seconds for cost in self.costs)

    @property
    def spread(self) -> tuple[float, float]:
        """The quickest and the slowest round, in seconds."""
        walls = [cost.seconds for cost in self.costs]
        return min(walls), max(walls)


class DataFacts(Struct, frozen=True):
    """How much was read."""

    archives: int
    parts: int
    events: int
    customers: int
    products: int
    zip_bytes: int
    json_bytes: int


class Machine(Struct, frozen=True):
    """Where it was measured, and with what."""

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    versions: dict[str, str]
    # Programs that wanted a core, on average, before the first round.
    load: float


class Comparison(Struct, frozen=True):
    """Contenders side by side on one set of data."""

    size: str
    measured_on: str
    machine: Machine
    data: DataFacts
    rounds: int
    figures: dict[str, Figures]
    # Contender -> why it was left out.
    skipped: dict[str, str]
    # The title of the build before.
    before: str | None = None


class Trial(Struct, frozen=True):
    """What this build and the one before take for one thing, in turn."""

    measured_on: str
    machine: Machine
    rounds: int
    # The title of the build before.
    before: str | None
    # What it was measured on, in a sentence without its full stop.
    data: str
    archives: int
    # By name, and by ``before_of`` the same of the build before.
    figures: dict[str, Figures]
    # Contender -> why it was left out.
    skipped: dict[str, str]


class Point(Struct, frozen=True):
    """Contenders on one size of a growth curve."""

    scale: int
    data: DataFacts
    figures: dict[str, Figures]


class Publication(Struct, frozen=True):
    """Median seconds to publish a run of so many partials."""

    partials: int
    seconds: float


class Unchanged(Struct, frozen=True):
    """What a run costs (median) if all of its archives are as the run before left them."""

    archives: int
    seconds: float
    cpu_seconds: float


class Distinct(Struct, frozen=True):
    """Seconds to merge ``partials`` to so many customers in so many ``groups``, and the most
    memory (bytes) that it took beyond that of the partials."""

    customers: int
    groups: int
    found: int
    partials: int
    seconds: float
    peak_bytes: int


class Growth(Struct, frozen=True):
    """How costs grow, and what does not depend on the data."""

    measured_on: str
    machine: Machine
    rounds: int
    curves: dict[str, list[Point]]
    publications: list[Publication]
    unchanged: list[Unchanged]
    distinct: Distinct


class Feeds(Struct, frozen=True):
    """The same events in several feeds, and what unpacking alone costs."""

    measured_on: str
    machine: Machine
    data: DataFacts
    rounds: int
    figures: dict[str, Figures]


class Day(Struct, frozen=True):
    """What a build takes for one new archive behind so many, alone and with changed lists."""

    build: str
    archives: int
    events: int
    alone: Figures
    changed: Figures

    @property
    def ratio(self) -> float:
        """CPU time with changed lists against alone: the median of the rounds' ratios."""
        pairs = zip(self.changed.costs, self.alone.costs, strict=True)
        return statistics.median(one.cpu_seconds / other.cpu_seconds for one, other in pairs)


class Days(Struct, frozen=True):
    """The next day behind shops of some sizes; ``before`` is the title of the other build."""

    measured_on: str
    machine: Machine
    rounds: int
    before: str | None
    days: list[Day]


class Asked(Struct, frozen=True):
    """What a build asked of an object store, a round trip to which takes ``delay`` seconds."""

    what: str
    # Empty for the build at hand.
    build: str
    delay: float
    requests: int
    # Bytes of what was sent and answered.
    size: int
    # Of the whole command; 0 of what was watched for a minute.
    seconds: float
    methods: dict[str, int]


class StoreRequests(Struct, frozen=True):
    """What runs of so many archives ask of an object store; ``before`` is the title of the other
    build."""

    measured_on: str
    machine: Machine
    before: str | None
    archives: int
    asked: list[Asked]


# Archives of a plan, and what is done with them.
COUNTS, TINY_COUNTS = (1_000, 10_000, 100_000), (20, 70, 100)
RUNS = "runs"
STEPS = {
    "plan": "the first plan",
    "publish": "its publication",
    "again": "a run with nothing new",
    "progress": "two looks at the progress",
    RUNS: "`runs`",
}


class Step(Struct, frozen=True):
    """A step of a run, and by how many bytes the state is larger after it."""

    name: str
    cost: Cost
    written: int


class ScalePoint(Struct, frozen=True):
    """Runs over so many archives: their steps; bytes of an answer of the progress, packed; and
    files of the state after three runs, and the bytes of the largest one."""

    archives: int
    steps: list[Step]
    progress_bytes: int
    largest_file: int
    files: int


class Scale(Struct, frozen=True):
    """Runs over more and more archives of which nothing is read."""

    measured_on: str
    machine: Machine
    points: list[ScalePoint]


class Measured(Struct, frozen=True):
    """All results there are: comparisons by size, trials of one size by name."""

    comparisons: dict[str, Comparison] = {}
    trials: dict[str, Trial] = {}
    growth: Growth | None = None
    feeds: Feeds | None = None
    days: Days | None = None
    fleet: StoreRequests | None = None
    scale: Scale | None = None


def save(path: Path, result: Struct) -> None:
    """Writes a result for ``load``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")


def load(path: Path, kind: type[_T]) -> _T | None:
    """Reads what ``save`` wrote; None if there is nothing."""
    return msgspec.json.decode(path.read_bytes(), type=kind) if path.is_file() else None


def marginal(costs: list[tuple[int, float]]) -> float:
    """How a further unit's cost at the upper end compares with one at the lower end; 1 is linear.

    From three points, so that what is paid once, such as start-up, falls out.
    """
    (a, low), (b, middle), (c, high) = costs
    early, late = (middle - low) / (b - a), (high - middle) / (c - b)
    return late / early if early > 0 else float("nan")
