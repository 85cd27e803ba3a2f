"""Whether a worker takes work, step by step: what it does about what it finds out of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

# Storages and disks are mended by people: who looks more often finds nothing sooner.
LONGEST_PAUSE_SECONDS = 300.0
_MOST_DOUBLED = 16


class Stand(Enum):
    """What a worker does."""

    TAKES = "takes work"
    ASIDE = "takes no work"
    ALL_THE_SAME = "takes work although it cannot do it, because no other worker does"


@dataclass
class WorkerStanding:
    """Of one worker. ``first_pause`` is in seconds; the pauses between its looks double. Moments
    are seconds of a clock that only goes on."""

    first_pause: float
    stand: Stand = Stand.TAKES
    cause: str = ""
    _looks: int = field(default=0, repr=False)
    _well_since: float = field(default=float("-inf"), repr=False)

    def found_unfit(self, cause: str, now: float) -> bool:
        """Its work failed of what is wrong here, and others may do it: it stands aside. Whether
        that is new."""
        if self.stand is Stand.ASIDE:
            return False
        # One that seemed well and was not is believed less and less.
        if self.stand is Stand.TAKES and now - self._well_since > LONGEST_PAUSE_SECONDS:
            self._looks = 0
        self.stand, self.cause = Stand.ASIDE, cause
        return True

    def looked(self, cause: str, now: float, *, others_work: bool) -> bool:
        """It looked again: ``cause`` is empty if it is well. Whether it does something else now."""
        before, self.cause = self.stand, cause
        self._looks += 1
        if not cause:
            self.stand, self._well_since = Stand.TAKES, now
        elif others_work:
            self.stand = Stand.ASIDE
        else:  # if nobody took work, nobody would end the run and say why
            self.stand = Stand.ALL_THE_SAME
        return self.stand is not before

    @property
    def pause(self) -> float:
        """Seconds until it looks again."""
        doubled = self.first_pause * 2.0 ** min(max(self._looks - 1, 0), _MOST_DOUBLED)
        return min(doubled, max(LONGEST_PAUSE_SECONDS, self.first_pause))
