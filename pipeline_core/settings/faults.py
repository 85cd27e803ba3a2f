"""Settings: when the dead are taken for dead, and how often something is tried."""

from __future__ import annotations

from pydantic import Field

from pipeline_core.messages import Policy
from pipeline_core.settings.group import Count, Seconds, SettingGroup


class FaultSettings(SettingGroup):
    """When the dead are taken for dead, and how often something is tried."""

    lease: Seconds = Field(
        60, description="Seconds of silence after which whoever works on something is dead."
    )
    stall_after: Seconds = Field(
        120, description="Seconds without progress after which missing work is sent again."
    )
    max_attempts: Count = Field(
        3, description="Times an archive may end its worker, memory or time; then it is left out."
    )
    task_retries: int = Field(
        6, description="Times a task tries again what did not answer.", ge=0, le=100
    )
    retry_backoff: Seconds = Field(5, description="Seconds before the first new try; doubles.")
    retry_backoff_max: Seconds = Field(300, description="Most seconds between two tries.")
    requests: int = Field(
        16, description="Most requests to an object store at once, of a process.", ge=1, le=256
    )
    unfit_look: Seconds = Field(
        60,
        description="Seconds after which a worker that cannot work looks again; doubles up to 300.",
    )
    catch_up: int = Field(
        86_400,
        description="Seconds within which a missed scheduled run still starts.",
        ge=0,
        le=1_000_000_000,
    )
    late_after: Seconds = Field(
        7200, description="Seconds after its time when an unpublished scheduled run is late."
    )

    def policy(self) -> Policy:
        """What the run's manifest keeps, so that all agree on who is dead."""
        return Policy(
            lease=self.lease,
            stall_after=self.stall_after,
            max_attempts=self.max_attempts,
            requests=self.requests,
        )
