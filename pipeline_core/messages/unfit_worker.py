"""A worker that cannot work, as it tells of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Text = Annotated[str, Meta(max_length=4096)]


class UnfitWorker(Struct, frozen=True, kw_only=True):
    """One that cannot work, until it says otherwise or is heard no more."""

    name: _Name
    """The worker's name, as Celery has it."""
    host: _Name
    """The machine that it runs on."""
    cause: _Text
    """What is wrong there, for people; empty of one that is well again."""
    since: datetime
    """When it found out (UTC)."""
    until: datetime
    """Until when this holds (UTC) unless it is said again."""
    takes_work: bool = False
    """Whether it takes work although it cannot do it, because no other worker can."""

    @property
    def sentence(self) -> str:
        """For people, without a full stop."""
        does = "cannot work" if self.takes_work else "takes no work"
        return f"worker {self.name} on {self.host} {does}: {self.cause.rstrip('.')}"
