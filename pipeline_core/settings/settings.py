"""All settings, of all groups, and what they say together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Self
from urllib.parse import urlsplit

import msgspec
from pydantic import model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline_core.configuration.lineage_target import LineageTarget, parse_parent, parse_target
from pipeline_core.configuration.places import PLUGIN, Places, is_plugin
from pipeline_core.configuration.served_shops import Shop, check_states, parse_shops
from pipeline_core.machine.plugins import DIMENSION_GROUP, REPORT_GROUP, find_plugin
from pipeline_core.messages import Options, Order
from pipeline_core.notify.hooks import Hooks, parse_events
from pipeline_core.settings.apart import check_apart
from pipeline_core.settings.celery import CelerySettings
from pipeline_core.settings.delivery import DeliverySettings
from pipeline_core.settings.dimensions import DimensionSettings
from pipeline_core.settings.drift import DriftSettings
from pipeline_core.settings.environment import PREFIX, EnvFile
from pipeline_core.settings.faults import FaultSettings
from pipeline_core.settings.feed import FeedSettings
from pipeline_core.settings.limits import LimitSettings
from pipeline_core.settings.lineage import LineageSettings
from pipeline_core.settings.logs import LogSettings
from pipeline_core.settings.monitoring import MonitoringSettings
from pipeline_core.settings.page import PageSettings
from pipeline_core.settings.places import PlaceSettings
from pipeline_core.settings.reuse import ReuseSettings
from pipeline_core.settings.running import Engine, RunningSettings
from pipeline_core.settings.serving import ServingSettings


class Settings(
    LogSettings,
    MonitoringSettings,
    LineageSettings,
    DeliverySettings,
    FaultSettings,
    ServingSettings,
    CelerySettings,
    DriftSettings,
    LimitSettings,
    ReuseSettings,
    PageSettings,
    RunningSettings,
    DimensionSettings,
    FeedSettings,
    PlaceSettings,
    BaseSettings,
):
    """Everything that can be set. Sizes are bytes, times seconds, unless a name says more. The
    fields are in the order of docs/reference/settings.md: pydantic takes the last group first."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, defer_build=False
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic names it)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What wins first."""
        return init_settings, env_settings, EnvFile(settings_cls)

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if not self.task_soft_time_limit < self.task_time_limit < self.visibility_timeout:
            raise ValueError(
                f"{PREFIX}TASK_SOFT_TIME_LIMIT ({self.task_soft_time_limit} s) < "
                f"{PREFIX}TASK_TIME_LIMIT ({self.task_time_limit} s) < "
                f"{PREFIX}VISIBILITY_TIMEOUT ({self.visibility_timeout} s) does not hold; "
                "a task that outlives the visibility timeout is started twice"
            )
        if self.retry_backoff_max >= self.visibility_timeout:
            raise ValueError(
                f"{PREFIX}RETRY_BACKOFF_MAX ({self.retry_backoff_max} s) < "
                f"{PREFIX}VISIBILITY_TIMEOUT ({self.visibility_timeout} s) does not hold; "
                "a task that waits longer is delivered again and again"
            )
        return self

    @model_validator(mode="after")
    def _states_apart_from_archives(self) -> Self:
        try:
            check_states(self.shops()[1:], self.data)
        except ValueError as error:
            raise ValueError(f"{PREFIX}STATES: {error}") from None
        check_apart(self.shops())
        return self

    @model_validator(mode="after")
    def _prices_that_can_be_kept(self) -> Self:
        if self.price_history == "keep" and self.price_field is not None:
            raise ValueError(
                f"{PREFIX}PRICE_HISTORY=keep goes with prices of products, and {PREFIX}PRICE_FIELD "
                "says that what was paid counts; leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _mails_that_can_be_sent(self) -> Self:
        try:
            self.destinations()
        except ValueError as error:
            raise ValueError(f"{PREFIX}DELIVER: {error}") from None
        return self

    def shops(self) -> tuple[Shop, ...]:
        """Those whose runs a worker with these settings serves, its own first."""
        own = Shop(self.state, self.data, self.reports)
        return (own, *parse_shops(self.states, self.data, self.reports))

    def chosen_engine(self) -> Engine:
        """The engine asked for, or celery exactly when a broker is configured."""
        return self.engine or ("celery" if self.broker_url else "local")

    def hooks(self) -> Hooks:
        """Who is told how runs end; holds the webhook's URL, and the key of lineage's server."""
        return Hooks(
            webhook_url=self.webhook_url.get_secret_value() if self.webhook_url else None,
            command=self.hook_command.get_secret_value() if self.hook_command else None,
            events=parse_events(self.notify_on),
            lineage=self.lineage(),
        )

    def lineage(self) -> LineageTarget | None:
        """Where OpenLineage events go; holds the server's key."""
        if self.openlineage is None:
            return None
        database = urlsplit(self.chosen_database_url().get_secret_value())
        place = database.netloc.rpartition("@")[2]
        return replace(
            parse_target(self.openlineage.get_secret_value()),
            namespace=self.openlineage_namespace,
            parent=parse_parent(self.openlineage_parent) if self.openlineage_parent else None,
            database=f"postgres://{place}/{database.path.strip('/')}",
            timezone=self.timezone,
        )

    def places(self) -> Places:
        """Where runs read and write; holds the database password."""
        return Places(
            data=self.data,
            reports=self.reports,
            state=self.state,
            dimensions=self.dimensions,
            database_url=self.chosen_database_url().get_secret_value(),
            customers=self.customer_table(),
            products=self.product_table(),
        )

    def options(self) -> Options:
        """What the run's manifest keeps, so that every worker counts by the same rules."""
        return Options(
            unknown=self.unknown,
            returns=self.returns,
            allow_incomplete=self.allow_incomplete,
            allow_drift=self.allow_drift,
            batch_size=self.machine_profile.batch_size,
            reject_rows=self.reject_rows,
            reject_bytes=self.reject_bytes,
            reject_event_bytes=self.reject_event_bytes,
            most_listed=self.max_listed,
            spreadsheet_safe=self.spreadsheet_safe,
            follow_links=self.follow_links,
            feed=self.feed(),
            limits=self.limits(),
            drift=self.drift_limits(),
            shop=self.shop,
            left_out_share=self.left_out_share,
            currency=self.currency,
            closed_days=self.chosen_closed_days(),
        )

    def order(
        self, run_id: str, engine: Engine, processes: Callable[[], int], as_of: date | None = None
    ) -> Order:
        """The run as it is to be planned, of a time past if ``as_of`` says so."""
        return Order(
            run_id=run_id,
            places=self.places(),
            options=msgspec.structs.replace(self.options(), as_of=as_of),
            policy=self.policy(),
            engine=engine,
            processes=processes,
            reuse=self.reuse(),
            price_history=self.timezone if self.price_history == "keep" else None,
            report_plugins=self.chosen_reports(),
        )

    def check_plugins(self) -> None:
        """Raises ConfigError unless the plug-ins that are named are installed here. Nothing of them
        is imported."""
        place = self.dimensions
        if place is not None and is_plugin(place):
            find_plugin(
                DIMENSION_GROUP,
                place.removeprefix(PLUGIN),
                "a function, or correct SALES_DIMENSIONS",
                PLUGIN,
            )
        for name in self.chosen_reports():
            find_plugin(REPORT_GROUP, name, "a Report, or correct SALES_REPORT_PLUGINS")
