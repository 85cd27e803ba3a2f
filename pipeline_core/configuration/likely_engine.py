"""What engine a run is likely to have, told before the settings are read, which takes a while."""

from __future__ import annotations

from collections.abc import Mapping


def is_likely_shared_here(given: Mapping[str, object], variables: Mapping[str, str]) -> bool:
    """Whether several processes of this machine will most likely do a run, by the options that were
    ``given`` and by ``variables`` of settings. The settings have the last word."""

    def said(name: str) -> str:
        value = given.get(name)
        return variables.get(f"SALES_{name.upper()}", "") if value is None else str(value)

    is_one_process = said("jobs") == "1" or said("profile") == "weak"
    is_here = said("engine") == "local" or not (said("engine") or said("broker_url"))
    return is_here and not is_one_process
