"""Settings: when the dead are taken for dead, and how often something is tried."""

from __future__ import annotations

from pipeline_core.messages import Policy
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import COUNT, SECONDS, Whole


class FaultSettings(SettingGroup):
    """When the dead are taken for dead, and how often something is tried."""

    lease: int = setting(
        60, SECONDS, "Seconds of silence after which whoever works on something is dead."
    )
    stall_after: int = setting(
        120, SECONDS, "Seconds without progress after which missing work is sent again."
    )
    max_attempts: int = setting(
        3, COUNT, "Times an archive may end its worker, memory or time; then it is left out."
    )
    task_retries: int = setting(6, Whole(0, 100), "Times a task tries again what did not answer.")
    retry_backoff: int = setting(5, SECONDS, "Seconds before the first new try; doubles.")
    retry_backoff_max: int = setting(300, SECONDS, "Most seconds between two tries.")
    catch_up: int = setting(
        86_400, Whole(0, 1_000_000_000), "Seconds within which a missed scheduled run still starts."
    )
    late_after: int = setting(
        7200, SECONDS, "Seconds after its time when an unpublished scheduled run is late."
    )

    def policy(self) -> Policy:
        """What the run's manifest keeps, so that all agree on who is dead."""
        return Policy(
            lease=self.lease, stall_after=self.stall_after, max_attempts=self.max_attempts
        )
