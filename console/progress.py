"""Progress of a run, or of its verification, on a terminal; silent anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from pipeline_core.messages import Manifest, Receipt


class Progress:
    """Archives done, events/s, MB/s and time left, in one line on stderr."""

    def __init__(self, console: Console | None) -> None:
        self.live = console is not None
        self._bar = RichProgress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            _Rates("{task.description}"),
            TimeRemainingColumn(compact=True),
            console=console or Console(file=sys.stderr, quiet=True),
            disable=console is None,
            transient=True,
        )
        self._task = self._bar.add_task("Planning", total=None, unit="", events=0, octets=0)

    @classmethod
    def on_terminal(cls, *, quiet: bool) -> Progress:
        """Live if stderr is a terminal and nobody asked for quiet."""
        console = Console(stderr=True)
        return cls(console if console.is_terminal and not quiet else None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def planning(self) -> None:
        """Reading directories, customers and products."""
        self._bar.update(self._task, description="Planning")

    def processing(self, manifest: Manifest, done: int = 0) -> None:
        """The archives are known, and how many of them are done already."""
        self._begin("Processing", len(manifest.planned_work()), manifest.work_unit)
        self._bar.update(self._task, completed=done)

    def done(self, receipt: Receipt) -> None:
        """One archive, or a share of one, is done."""
        self.counted(receipt.counts.seen, receipt.json_bytes)
        self.advance()

    def publishing(self) -> None:
        """Everything is processed."""
        self._bar.update(self._task, description="Publishing")

    def verifying(self, archives: int) -> None:
        """So many archives are counted again."""
        self._begin("Verifying", archives, "archives")

    def counted(self, events: int, octets: int) -> None:
        """More events and bytes were read."""
        fields = self._bar.tasks[0].fields
        self._bar.update(
            self._task, events=fields["events"] + events, octets=fields["octets"] + octets
        )

    def advance(self) -> None:
        """One more of what is counted on the left is done."""
        self._bar.advance(self._task)

    def _begin(self, description: str, total: int, unit: str) -> None:
        self._bar.reset(
            self._task, total=total, description=description, unit=unit, events=0, octets=0
        )


class _Rates(TextColumn):
    """Events and uncompressed megabytes a second since the first archive was handed out."""

    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0
        if not seconds or not task.fields["events"]:
            return Text("")
        events = task.fields["events"] / seconds
        megabytes = task.fields["octets"] / seconds / 1e6
        return Text(f"{events:,.0f} events/s  {megabytes:,.0f} MB/s", style="cyan")
