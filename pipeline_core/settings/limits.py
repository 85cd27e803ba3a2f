"""Settings: what one input may cost. Sizes are uncompressed."""

from __future__ import annotations

from decimal import Decimal

from pipeline_core.messages import Limits
from pipeline_core.messages.options import LEFT_OUT_SHARE
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import COUNT, SHARE, Number, Whole


class LimitSettings(SettingGroup):
    """What one input may cost. Sizes are uncompressed."""

    max_part_bytes: int = setting(4 << 30, COUNT, "Bytes of one part.")
    max_day_bytes: int = setting(16 << 30, COUNT, "Bytes of one day's parts.")
    max_archive_bytes: int = setting(64 << 30, COUNT, "Bytes of one archive's parts.")
    max_event_bytes: int = setting(16 << 20, COUNT, "Bytes of one event's text.")
    max_zip_entries: int = setting(100_000, COUNT, "Entries in one zip.")
    max_dictionary_bytes: int = setting(
        256 << 20, COUNT, "Memory that one LZMA or Zstandard entry may take to look back."
    )
    max_json_depth: int = setting(256, Whole(2, 512), "Nesting depth of a part's JSON.")
    max_reject_share: float = setting(
        1.0, Number(0, 1), "Share (0 to 1) of purchases that may be rejected."
    )
    left_out_share: Decimal = setting(
        LEFT_OUT_SHARE,
        SHARE,
        "Share (0 to 1) of the purchases and returns, or of the money, from which a "
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
