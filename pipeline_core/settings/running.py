"""Settings: how a run is made, and what it publishes."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, get_args

from pipeline_core.configuration.feed import parse_each_once
from pipeline_core.machine.profile import Profile, ProfileName, choose_profile, read_machine
from pipeline_core.messages import ReturnsMode, UnknownMode
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import BOOLEAN, COUNT, MOST, TEXT, OneOf, Whole

Engine = Literal["local", "celery"]


class RunningSettings(SettingGroup):
    """How a run is made, and what it publishes."""

    engine: Engine | None = setting(
        None,
        OneOf(*get_args(Engine)),
        "local or celery; celery when a broker is set, local otherwise.",
    )
    profile: ProfileName = setting(
        "auto", OneOf(*get_args(ProfileName)), "weak, strong or auto: chooses jobs and batch size."
    )
    jobs: int | None = setting(None, Whole(1, 10_000), "Worker processes; overrides the profile.")
    batch_size: int | None = setting(
        None, Whole(1, 100_000_000), "Events held at once by a worker; overrides the profile."
    )
    unknown: UnknownMode = setting(
        "reject",
        OneOf(*get_args(UnknownMode)),
        "Purchases of unknown products or customers: reject or bucket.",
    )
    returns: ReturnsMode = setting(
        "reject",
        OneOf(*get_args(ReturnsMode)),
        "What came back: reject (left out), net (subtracted), or separate (a report of "
        "its own, returns.csv).",
    )
    allow_incomplete: bool = setting(False, BOOLEAN, "Publish even if something could not be read.")
    allow_drift: bool = setting(
        False, BOOLEAN, "Publish even if a figure moved too far since the last published run."
    )
    reject_rows: int = setting(1_000_000, Whole(0, MOST), "Most rows in rejects.csv.")
    reject_bytes: int = setting(256 << 20, COUNT, "Most bytes of rows in rejects.csv.")
    reject_event_bytes: int = setting(
        4096, COUNT, "Bytes of an event's text in rejects.csv; a longer one is cut, and marked."
    )
    max_listed: int = setting(
        1000, COUNT, "Most unreadable inputs, and conflicting days, that a run lists; all count."
    )
    report_plugins: str = setting(
        "",
        TEXT,
        "Names of reports that plug-ins add, with commas in between; one that is "
        "installed and not named adds nothing.",
        check=parse_each_once,
    )
    spreadsheet_safe: bool = setting(
        False, BOOLEAN, "Put ' before CSV texts that a spreadsheet would run as a formula."
    )

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
