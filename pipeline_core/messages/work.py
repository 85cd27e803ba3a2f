"""The unit that workers are sent."""

from __future__ import annotations

import hashlib

from msgspec import Struct


class Work(Struct, frozen=True):
    """One archive to process, or one of its shares."""

    archive: str
    """The archive's id in the manifest."""
    skip: tuple[int, ...] | None = None
    """Directory places of the days that count in another archive; None means as planned."""
    share: int | None = None
    """Number of the share, from 0; None is the whole archive."""

    @property
    def id(self) -> str:
        """Names the receipt: the archive's id, marked if it is a share, or not processed as
        planned."""
        if self.share is not None:
            return f"{self.archive}-s{self.share:04d}"
        if self.skip is None:
            return self.archive
        places = ",".join(map(str, self.skip))
        return f"{self.archive}-{hashlib.sha256(places.encode()).hexdigest()[:8]}"
