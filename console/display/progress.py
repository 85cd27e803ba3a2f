"""Progress of a run, or of its verification, on a terminal; silent anywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from console.display.terminal import is_watched
from pipeline_core.messages import Manifest, Receipt


class Progress:
    """What a command tells of its work as it goes on; this one shows nothing of it."""

    live = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def planning(self) -> None:
        """Reading directories, customers and products."""

    def processing(self, manifest: Manifest, done: int = 0) -> None:
        """The archives are known, and how many of them are done already."""

    def done(self, receipt: Receipt) -> None:
        """One archive, or a share of one, is done."""

    def publishing(self) -> None:
        """Everything is processed."""

    def verifying(self, archives: int) -> None:
        """So many archives are counted again."""

    def counted(self, events: int, octets: int) -> None:
        """More events and bytes were read."""

    def advance(self) -> None:
        """One more archive is counted again."""


def progress_of_run(state_uri: str, *, quiet: bool) -> Progress:
    """A view of every archive, if somebody sits at a terminal and did not ask for quiet."""
    if not is_watched(quiet=quiet):
        return Progress()
    from console.display.live import LiveRun

    return LiveRun(state_uri)


def progress_of_verification(*, quiet: bool) -> Progress:
    """A line, if somebody sits at a terminal and did not ask for quiet."""
    if not is_watched(quiet=quiet):
        return Progress()
    from console.display.bar import Bar

    return Bar()
