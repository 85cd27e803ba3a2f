"""Whether the machines of a fleet are alike: the clock, versions and settings of each worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.doctor.checks import Check
from pipeline_core.settings import Settings

if TYPE_CHECKING:
    from workers.sending.broker import Answer

CLOCK_TOLERANCE_SECONDS = 30


def unlike(settings: Settings, answers: Mapping[str, Answer]) -> Check | None:
    """What each worker has otherwise than this machine, by its name; None if nothing matters."""
    from pipeline_core.settings.alike import digests
    from workers.programs.told import versions

    own_settings, own_versions = digests(settings), versions()
    clocks = [
        f"The clock of {name} is {abs(each.ahead):.0f} s "
        f"{'ahead of' if each.ahead > 0 else 'behind'} this machine's."
        for name, each in answers.items()
        if abs(each.ahead) > CLOCK_TOLERANCE_SECONDS
    ]
    others = [
        f"{name} has other {what} than this machine: {', '.join(sorted(found))}."
        for name, each in answers.items()
        for what, found in (
            ("versions", _differing(own_versions, each.versions)),
            ("settings", _differing(own_settings, each.settings)),
        )
        if found
    ]
    if clocks:
        return Check("workers", "failed", " ".join(clocks + others), "Run NTP on all machines.")
    if others:
        return Check(
            "workers",
            "warned",
            " ".join(others),
            "Make them alike: whichever worker starts a scheduled run plans it by its own.",
        )
    return None


def _differing(own: Mapping[str, str], told: Mapping[str, str]) -> list[str]:
    """Names of what both have, and otherwise."""
    return [name for name in own.keys() & told.keys() if own[name] != told[name]]
