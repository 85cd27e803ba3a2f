"""Which failures of work are the fault of the machine that it was tried on."""

from __future__ import annotations

from collections.abc import Callable

from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import (
    ConfigError,
    EventsGone,
    NotFit,
    NotServed,
    PipelineError,
    RetryableError,
)
from pipeline_core.fitness.reach import unreached
from pipeline_core.fitness.temporary_room import check_temporary_room

# A storage may be away for a moment: that is tried again. What failed three times in a row, a few
# seconds apart, is worth the requests of a look at all places.
_LOOK_AFTER = 3


class LocalFailures:
    """Of one process. ``look`` says which places it does not reach, and why."""

    def __init__(self, look: Callable[[], dict[str, str]]) -> None:
        self._look = look
        self._in_a_row = 0

    def worked(self) -> None:
        """Some work was done: all places were reached."""
        self._in_a_row = 0

    def cause_of(self, error: PipelineError) -> str:
        """What is wrong with this process, so that the work failed; empty if nothing is found."""
        if isinstance(error, NotFit):
            return error.message
        if isinstance(error, (NotServed, EventsGone)):
            return ""
        if isinstance(error, RetryableError):
            self._in_a_row += 1
            if self._in_a_row < _LOOK_AFTER:
                return ""
        elif not isinstance(error, ConfigError):
            return ""
        return in_words(self._look())


def in_words(places: dict[str, str]) -> str:
    """Places that are not reached, in sentences; empty if there is none."""
    return " ".join(f"It cannot use {place}: {cause}" for place, cause in places.items())


def cause_now(shop: Shop, *, follow_links: bool) -> str:
    """Why this process could do no work of the shop now, in sentences; empty if it could."""
    return _no_room() or in_words(unreached(shop, follow_links=follow_links))


def _no_room() -> str:
    """That there is no room for temporary files; empty if there is."""
    try:
        check_temporary_room()
    except NotFit as error:
        return str(error)
    return ""
