"""How many examples a property of whole runs draws."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def whole_runs(most: int) -> settings:
    """For a property whose every example runs the pipeline: ``most`` examples where they are new
    ones each time (`make fuzz`), two fifths of them where they are the same each time."""
    drawn = most if settings.get_current_profile_name() == "random" else most * 2 // 5
    return settings(max_examples=drawn, deadline=None, suppress_health_check=list(HealthCheck))
