"""Settings: what later runs need not do again."""

from __future__ import annotations

from pipeline_core.messages import Reuse
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import BOOLEAN, COUNT


class ReuseSettings(SettingGroup):
    """What later runs need not do again."""

    full: bool = setting(False, BOOLEAN, "Use nothing that earlier runs left; read everything.")
    keep_extracts: bool = setting(
        True, BOOLEAN, "Keep what was extracted, so that later runs read only what is new."
    )
    extract_bytes: int = setting(
        64 << 20,
        COUNT,
        "Bytes of extracts that are kept of an archive, beside eight times its own.",
    )
    keep_runs: int = setting(30, COUNT, "Newest runs whose partials and extracts `gc` keeps.")

    def reuse(self) -> Reuse:
        """What the run's manifest keeps, so that every worker uses and keeps the same."""
        return Reuse(full=self.full, keep=self.keep_extracts, extract_bytes=self.extract_bytes)
