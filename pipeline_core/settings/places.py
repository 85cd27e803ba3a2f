"""Settings: where runs read and write."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from pipeline_core.configuration.places import check_place, check_reports, home_expanded
from pipeline_core.settings.group import SettingGroup
from pipeline_core.vouching.key import StateKey, check_secret


class PlaceSettings(SettingGroup):
    """Where runs read and write."""

    data: str = Field("data", description="Folder or URI of the weekly archives.")
    reports: str = Field("reports", description="Folder or URI the reports are published in.")
    state: str = Field("state", description="Folder or URI of manifests, receipts and partials.")
    state_key: SecretStr | None = Field(
        None, description="Secret of 16 bytes or more that vouches for what is kept in the state."
    )
    follow_links: bool = Field(
        False, description="Read archives that links name and that are not in the folder of data."
    )

    @field_validator("data", "state")
    @classmethod
    def _known_place(cls, value: str) -> str:
        check_place(value)
        return home_expanded(value)

    @field_validator("reports")
    @classmethod
    def _place_of_reports(cls, value: str) -> str:
        value = home_expanded(value)
        check_reports(value)
        return value

    @field_validator("state_key")
    @classmethod
    def _sound_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_secret(value.get_secret_value())
        return value

    def chosen_state_key(self) -> StateKey | None:
        """What vouches for the state, or None: then whoever may write there is trusted."""
        if self.state_key is None:
            return None
        return StateKey(self.state_key.get_secret_value().encode())
