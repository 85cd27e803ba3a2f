"""Settings: how a run is made, and what it publishes."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline_core.configuration.feed import parse_each_once
from pipeline_core.machine.profile import Profile, ProfileName, choose_profile, read_machine
from pipeline_core.messages import ReturnsMode, UnknownMode
from pipeline_core.settings.group import MOST, Count, SettingGroup

Engine = Literal["local", "celery"]


class RunningSettings(SettingGroup):
    """How a run is made, and what it publishes."""

    engine: Engine | None = Field(
        None, description="local or celery; celery when a broker is set, local otherwise."
    )
    profile: ProfileName = Field(
        "auto", description="weak, strong or auto: chooses jobs and batch size."
    )
    jobs: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Processes of a local run, of a Celery worker and of `verify`; overrides the "
        "profile.",
    )
    batch_size: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        None, description="Events held at once by a worker; overrides the profile."
    )
    unknown: UnknownMode = Field(
        "reject", description="Purchases of unknown products or customers: reject or bucket."
    )
    returns: ReturnsMode = Field(
        "reject",
        description="What came back: reject (left out), net (subtracted), or separate (a report of "
        "its own, returns.csv).",
    )
    allow_incomplete: bool = Field(
        False, description="Publish even if something could not be read."
    )
    allow_drift: bool = Field(
        False, description="Publish even if a figure moved too far since the last published run."
    )
    if_changed: bool = Field(
        False,
        description="Make no run while nothing is new in archives, tables and settings since the "
        "newest published one.",
    )
    reject_rows: int = Field(1_000_000, description="Most rows in rejects.csv.", ge=0, le=MOST)
    reject_bytes: Count = Field(256 << 20, description="Most bytes of rows in rejects.csv.")
    reject_event_bytes: Count = Field(
        4096,
        description="Bytes of an event's text in rejects.csv; a longer one is cut, and marked.",
    )
    max_listed: Count = Field(
        1000,
        description="Most unreadable inputs, and conflicting days, that a run lists; all count.",
    )
    report_plugins: str = Field(
        "",
        description="Names of reports that plug-ins add, with commas in between; one that is "
        "installed and not named adds nothing.",
    )
    spreadsheet_safe: bool = Field(
        False, description="Put ' before CSV texts that a spreadsheet would run as a formula."
    )

    @field_validator("report_plugins")
    @classmethod
    def _each_once(cls, value: str) -> str:
        parse_each_once(value)
        return value

    def chosen_reports(self) -> tuple[str, ...]:
        """Names of the reports that plug-ins are to add, each once."""
        return parse_each_once(self.report_plugins)

    @cached_property
    def machine_profile(self) -> Profile:
        """Jobs and batch size for this machine, single settings taking precedence."""
        chosen = choose_profile(self.profile, read_machine())
        return Profile(
            jobs=self.jobs or chosen.jobs, batch_size=self.batch_size or chosen.batch_size
        )
