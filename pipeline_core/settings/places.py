"""Settings: where runs read and write."""

from __future__ import annotations

from pipeline_core.configuration.places import check_place, check_reports
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import BOOLEAN, SECRET, TEXT, SecretStr
from pipeline_core.storage import StateKey
from pipeline_core.storage.key import check_secret


class PlaceSettings(SettingGroup):
    """Where runs read and write."""

    data: str = setting("data", TEXT, "Folder or URI of the weekly archives.", check=check_place)
    reports: str = setting(
        "reports",
        TEXT,
        "Folder or URI the reports are published in.",
        check=check_reports,
    )
    state: str = setting(
        "state",
        TEXT,
        "Folder or URI of manifests, receipts and partials.",
        check=check_place,
    )
    state_key: SecretStr | None = setting(
        None,
        SECRET,
        "Secret of 16 bytes or more that vouches for what is kept in the state.",
        check=check_secret,
    )
    follow_links: bool = setting(
        False, BOOLEAN, "Read archives that links name and that are not in the folder of data."
    )

    def chosen_state_key(self) -> StateKey | None:
        """What vouches for the state, or None: then whoever may write there is trusted."""
        if self.state_key is None:
            return None
        return StateKey(self.state_key.get_secret_value().encode())
