"""How many examples a property draws whose examples take long, as whole runs do."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def whole_runs(most: int) -> settings:
    """``most`` examples where they are new ones each time (`make fuzz`), a quarter of them where
    they are the same each time."""
    drawn = most if _are_new() else most // 4
    return settings(max_examples=drawn, deadline=None, suppress_health_check=list(HealthCheck))


def seeds(most: int) -> range:
    """For a long walk of steps by chance: all in `make fuzz`, else the first half."""
    return range(most if _are_new() else most // 2)


def _are_new() -> bool:
    return settings.get_current_profile_name() == "random"
