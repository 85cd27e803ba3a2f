"""The progress of ``verify`` and ``rebuild`` in one line: archives, events/s, MB/s, time left."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from console.display.terminal import is_watched


class Bar:
    """On stderr if somebody sits at a terminal and did not ask for quiet, and gone when the work is
    done."""

    def __init__(self, archives: int, *, quiet: bool) -> None:
        self._bar = Progress(
            TextColumn("[bold]Verifying"),
            BarColumn(style="bright_black", complete_style="green", finished_style="green"),
            MofNCompleteColumn(),
            TextColumn("archives"),
            _Rates("{task.description}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
            disable=not is_watched(quiet=quiet),
        )
        self._task = self._bar.add_task("", total=archives, events=0, octets=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def counted(self, events: int, octets: int) -> None:
        """More events and bytes were read."""
        fields = self._bar.tasks[0].fields
        self._bar.update(
            self._task, events=fields["events"] + events, octets=fields["octets"] + octets
        )

    def advance(self) -> None:
        """One more archive is counted again."""
        self._bar.advance(self._task)


class _Rates(TextColumn):
    """Events and uncompressed megabytes a second since the first archive was handed out."""

    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0
        if not seconds or not task.fields["events"]:
            return Text("")
        events = task.fields["events"] / seconds
        megabytes = task.fields["octets"] / seconds / 1e6
        return Text(f"{events:,.0f} events/s  {megabytes:,.0f} MB/s", style="cyan")
