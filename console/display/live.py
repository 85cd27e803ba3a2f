"""The live view of a run on a terminal: never larger than it, and gone when the run is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from console.display.views import size_of, time_span
from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.unprintable import plain
from pipeline_core.watching.run_progress import ArchiveProgress, ArchiveState, RunProgress
from pipeline_core.watching.watch import Watch

# Looks at the state so often, but spends a tenth of the time on it at most.
_LOOK_SECONDS = 0.25
_PAUSE_BY_LOOK = 9
_FRAMES_A_SECOND = 4
_LINES_AROUND = 5  # headline, bar, rates, counts, and one for the cursor
_BAR_WIDTH = 40
_TROUBLE_LINES = 4

# In the order in which a person wants to know of them.
_SHOWN: tuple[ArchiveState, ...] = ("quarantined", "retried", "running", "unreadable")
_STYLES: dict[ArchiveState, str] = {
    "waiting": "dim",
    "running": "cyan",
    "retried": "yellow",
    "done": "green",
    "reused": "green",
    "duplicate": "dim",
    "unreadable": "yellow",
    "quarantined": "red",
}


class LiveRun:
    """Follows a run by its records, from a thread of its own; whoever drives it need not tell."""

    def __init__(self, ledger: RunLedger) -> None:
        self._watch = Watch(ledger.state, ledger.run_id)
        self._view = _LiveView()
        self._over = threading.Event()
        self._live = Live(
            self._view,
            console=Console(stderr=True, highlight=False, emoji=False),
            refresh_per_second=_FRAMES_A_SECOND,
            transient=True,
            vertical_overflow="crop",
        )
        self._looker = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._looker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looker.join(_LOOK_SECONDS)  # a storage that is silent must not hold it
        self._live.stop()

    def _look(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self._view.run = self._watch.look()
            except RetryableError as error:  # whoever drives the run decides what to do
                self._view.trouble = error.message
            else:
                self._view.trouble = ""
            self._over.wait(max(_LOOK_SECONDS, _PAUSE_BY_LOOK * (time.monotonic() - began)))


class _LiveView:
    """What was seen last, drawn for the terminal as it is now."""

    def __init__(self) -> None:
        self.run: RunProgress | None = None
        self.trouble = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        run = self.run
        if run is None or run.engine is None:
            yield Text("Planning", style="bold", no_wrap=True, overflow="ellipsis")
            return
        yield _line((run.phase.capitalize(), "bold"), f" run {run.run_id}, {_doers(run)}")
        yield _bar(run, options.max_width)
        told = _told(self.trouble or _waiting(run), console, options.max_width)
        yield from told or [_line((_pace(run), "cyan"))]
        yield from _rows(run, options.size.height - _LINES_AROUND - max(len(told) - 1, 0))
        yield _line(*_counts(run))


def _waiting(run: RunProgress) -> str:
    return ": ".join(filter(None, (run.waiting_for, " ".join(run.workers_aside))))


def _told(trouble: str, console: Console, width: int) -> list[Text]:
    """In a few lines: a cause is at the end of its sentence."""
    if not trouble:
        return []
    return list(Text(plain(trouble), style="yellow").wrap(console, width))[:_TROUBLE_LINES]


def _line(*pieces: str | tuple[str, str]) -> Text:
    return Text.assemble(*pieces, no_wrap=True, overflow="ellipsis")


def _doers(run: RunProgress) -> str:
    number = len(run.workers)
    return f"{run.engine} engine, {number} {'process' if number == 1 else 'processes'} at work"


def _bar(run: RunProgress, width: int) -> Table:
    grid = Table.grid(padding=(0, 1))
    told = f"{run.pieces_done:,}/{run.pieces:,} {run.work_unit}"
    bar = min(_BAR_WIDTH, max(width - len(told) - 2, 4))
    grid.add_row(
        ProgressBar(
            total=max(run.pieces, 1),
            completed=run.pieces_done,
            width=bar,
            style="bright_black",
            complete_style=_STYLES["done"],
            finished_style=_STYLES["done"],
        ),
        Text(told, no_wrap=True, overflow="ellipsis"),
    )
    return grid


def _pace(run: RunProgress) -> str:
    if run.events_per_second is None or run.bytes_per_second is None:
        return ""
    left = "" if run.left_seconds is None else f"  about {time_span(run.left_seconds)} left"
    return f"{run.events_per_second:,.0f} events/s  {run.bytes_per_second / 1e6:,.0f} MB/s{left}"


def _rows(run: RunProgress, room: int) -> Iterator[Text]:
    """Archives at which somebody may want to look, as far as there is room."""
    shown = [each for state in _SHOWN for each in run.archives if each.state == state]
    number = sum(run.counts.get(state, 0) for state in _SHOWN)
    if number > room:
        room -= 1
    for archive in shown[: max(room, 0)]:
        state = (f"  {archive.state:<11} ", _STYLES[archive.state])
        yield _line(state, f"{plain(archive.name)}  {_details(run, archive)}")
    if number > room >= 0:
        yield _line((f"  and {number - max(room, 0):,} more", "dim"))


def _details(run: RunProgress, archive: ArchiveProgress) -> str:
    told = [size_of(archive.size)]
    if archive.pieces > 1:
        told.append(f"{archive.pieces_done}/{archive.pieces} shares")
    if archive.attempts > 1:
        told.append(f"attempt {archive.attempts}")
    if archive.since is not None:
        told.append(time_span((run.looked_at - archive.since).total_seconds()))
    told += archive.workers[:1]
    if archive.cause:
        told.append(plain(archive.cause))
    return "  ".join(told)


def _counts(run: RunProgress) -> Iterator[tuple[str, str]]:
    for state, style in _STYLES.items():
        if state in run.counts:
            yield (f"{run.counts[state]:,} {state}  ", style)
