"""Settings: who hears of runs as OpenLineage events."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from pipeline_core.configuration.lineage_target import parse_parent, parse_target
from pipeline_core.settings.group import SettingGroup


class LineageSettings(SettingGroup):
    """Who hears of runs as OpenLineage events."""

    openlineage: SecretStr | None = Field(
        None,
        description="Where OpenLineage events go: https://key@host/, or "
        "file:///folder/events.jsonl. Needs the extra `openlineage`.",
    )
    openlineage_namespace: str = Field(
        "sales-pipeline", description="Namespace of the job in OpenLineage events.", min_length=1
    )
    openlineage_parent: str | None = Field(
        None,
        description="The scheduler's run of which a run is a part, as namespace/job/UUID.",
    )

    @field_validator("openlineage")
    @classmethod
    def _known_target(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_target(value.get_secret_value())
        return value

    @field_validator("openlineage_parent")
    @classmethod
    def _known_parent(cls, value: str | None) -> str | None:
        if value is not None:
            parse_parent(value)
        return value
