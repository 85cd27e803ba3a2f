"""How a run ends."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from pipeline_core.messages.blocks import ArchiveBlock
from pipeline_core.messages.summary import RunStatus, Summary

RunState = Literal["published", "refused", "failed"]
# What a person has to allow, with --allow-…, before a refused run is published.
Allowance = Literal["incomplete", "drift"]


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to become of a run, decided once: the fence between publishing and failing."""

    state: RunState
    """What is to become of it."""
    finished_at: datetime
    """When that was decided (UTC)."""
    reason: str = ""
    """Why it is refused or failed, for people; else empty."""
    remedy: str = ""
    """What to do about that; else empty."""
    needs: tuple[Allowance, ...] = ()
    """What has to be allowed for a refused run to be published."""
    drift: str = ""
    """What moved too far since the last published run, allowed or not; else empty."""
    empty: str = ""
    """Why a run that counts nothing is no report, allowed or not; else empty."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a run ended: the verdict, carried out."""

    run_id: str
    """The run."""
    state: RunState
    """What became of it."""
    status: RunStatus
    """Incomplete if something could not be read, too much was rejected, or nothing counts."""
    reason: str = ""
    """Why it was refused or failed, for people; else empty."""
    remedy: str = ""
    """What to do about that; else empty."""
    summary: Summary | None = None
    """Its figures; None if it failed before it had any."""
    report: tuple[int, int] | None = None
    """Files of its report, and their bytes; None if it has none, or an earlier version made it."""
    inputs: ArchiveBlock | None = None
    """File of the ``inputs`` of ``summary``, which are none in the record then; None of few."""

    @classmethod
    def failure(cls, run_id: str, verdict: Verdict) -> Outcome:
        """The outcome of a run that ended in an error."""
        return cls(
            run_id=run_id,
            state="failed",
            status="incomplete",
            reason=verdict.reason,
            remedy=verdict.remedy,
        )

    @property
    def exit_code(self) -> int:
        """0 published and complete, 1 refused or failed, 3 published though incomplete."""
        return {"complete": 0, "incomplete": 3}[self.status] if self.state == "published" else 1
