"""Settings: what one input may cost. Sizes are uncompressed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline_core.messages import Limits
from pipeline_core.messages.options import LEFT_OUT_SHARE
from pipeline_core.settings.group import Count, SettingGroup, Share


class LimitSettings(SettingGroup):
    """What one input may cost. Sizes are uncompressed."""

    max_part_bytes: Count = Field(4 << 30, description="Bytes of one part.")
    max_day_bytes: Count = Field(16 << 30, description="Bytes of one day's parts.")
    max_archive_bytes: Count = Field(64 << 30, description="Bytes of one archive's parts.")
    max_event_bytes: Count = Field(16 << 20, description="Bytes of one event's text.")
    max_zip_entries: Count = Field(100_000, description="Entries in one zip.")
    max_dictionary_bytes: Count = Field(
        256 << 20, description="Memory that one LZMA or Zstandard entry may take to look back."
    )
    max_json_depth: Annotated[int, Field(ge=2, le=512)] = Field(
        256, description="Nesting depth of a part's JSON."
    )
    max_reject_share: float = Field(
        1.0, description="Share (0 to 1) of purchases that may be rejected.", ge=0, le=1
    )
    left_out_share: Share = Field(
        LEFT_OUT_SHARE,
        description="Share (0 to 1) of the purchases and returns, or of the money, from which a "
        "report says beside its status what share is left out; it refuses none.",
    )

    def limits(self) -> Limits:
        """What the run's manifest keeps of them."""
        return Limits(
            part_bytes=self.max_part_bytes,
            day_bytes=self.max_day_bytes,
            archive_bytes=self.max_archive_bytes,
            event_bytes=self.max_event_bytes,
            zip_entries=self.max_zip_entries,
            json_depth=self.max_json_depth,
            dictionary_bytes=self.max_dictionary_bytes,
            reject_share=self.max_reject_share,
        )
