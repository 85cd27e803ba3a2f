"""Settings: what later runs need not do again."""

from __future__ import annotations

from pydantic import Field

from pipeline_core.messages import Reuse
from pipeline_core.settings.group import Count, SettingGroup


class ReuseSettings(SettingGroup):
    """What later runs need not do again."""

    full: bool = Field(False, description="Use nothing that earlier runs left; read everything.")
    keep_extracts: bool = Field(
        True, description="Keep what was extracted, so that later runs read only what is new."
    )
    extract_bytes: Count = Field(
        64 << 20,
        description="Bytes of extracts that are kept of an archive, beside eight times its own.",
    )
    keep_runs: Count = Field(30, description="Newest runs whose partials and extracts `gc` keeps.")
    keep_records: Count = Field(
        400,
        description="Newest runs whose records `gc` keeps; of older ones it keeps how they ended.",
    )
    keep_reports: Count | None = Field(
        None,
        description="Newest published reports that `gc` keeps; all if it is not set.",
    )

    def reuse(self) -> Reuse:
        """What the run's manifest keeps, so that every worker uses and keeps the same."""
        return Reuse(full=self.full, keep=self.keep_extracts, extract_bytes=self.extract_bytes)
