"""Settings from the environment (``SALES_*``) and ``.env``; the only reader of either."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from pipeline_core.configuration.broker_url import check_broker_url, check_certificates
from pipeline_core.configuration.cron import parse_cron
from pipeline_core.configuration.database_url import (
    check_database_host,
    check_database_name,
    check_database_url,
    check_database_user,
    database_url,
)
from pipeline_core.configuration.env_file import read_env_file
from pipeline_core.configuration.hook_command import check_command
from pipeline_core.configuration.host_names import parse_host_names
from pipeline_core.configuration.places import Places, check_dimensions, check_place, check_reports
from pipeline_core.configuration.served import Shop, check_states, parse_shops
from pipeline_core.configuration.web_url import check_address, check_web_url, check_webhook
from pipeline_core.errors import ConfigError
from pipeline_core.machine.profile import Profile, ProfileName, choose_profile, read_machine
from pipeline_core.messages import DriftLimits, Limits, Options, Policy, Reuse, UnknownMode
from pipeline_core.notify import Hooks, parse_events
from pipeline_core.storage import StateKey

Engine = Literal["local", "celery"]
DEFAULT_BROKER_URL = "redis://localhost:6379/0"
_PREFIX = "SALES_"
_ENV_FILE = Path(".env")
# What Celery and its command would take for the broker, the results or a configuration; see
# workers/application.py.
_OF_CELERY = (
    "CELERY_BROKER_URL",
    "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL",
    "CELERY_RESULT_BACKEND",
    "CELERY_BROKER",
    "BROKER_URL",
    "RESULT_BACKEND",
    "CELERY_CONFIG_MODULE",
    "CELERY_CONFIG",
    "CELERY_LOADER",
)
_LEAST_KEY_BYTES = 16
_SIMILAR = 0.85  # SALES_REPROTS is; names of others are not that like ours
# What every clock, and JSON, can hold: more is a slip of the hand that only a run would notice.
_MOST = 1_000_000_000_000_000
_Seconds = Annotated[int, Field(ge=1, le=1_000_000_000)]
_Count = Annotated[int, Field(ge=1, le=_MOST)]
# Exact: a float of 0.3 is less than 0.3.
_Share = Annotated[Decimal, Field(ge=0, le=1)]


class _EnvFile(EnvSettingsSource):
    """The lines of .env, as the environment's variables are."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in _env_file().items() if value}


class Settings(BaseSettings):
    """Everything that can be set. Sizes are bytes, times seconds, unless a name says more."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True
    )

    # Places
    data: str = Field("data", description="Folder or URI of the weekly archives.")
    reports: str = Field("reports", description="Folder or URI the reports are published in.")
    state: str = Field("state", description="Folder or URI of manifests, receipts and partials.")
    state_key: SecretStr | None = Field(
        None, description="Secret of 16 bytes or more that vouches for what is kept in the state."
    )

    follow_links: bool = Field(
        False, description="Read archives that links name and that are not in the folder of data."
    )

    # Customers and products
    dimensions: str | None = Field(
        None, description="Folder with customers and products (.csv or .parquet), not a database."
    )
    database_url: SecretStr | None = Field(
        None, description="postgresql:// URL; takes the place of the five settings below."
    )
    db_host: str = Field(
        "localhost", description="PostgreSQL host: a name, an address, or a socket's folder."
    )
    db_port: int = Field(
        5432,
        description="PostgreSQL port; compose offers its own on it, on this machine.",
        ge=1,
        le=65535,
    )
    db_user: str = Field("myuser", description="PostgreSQL user; needs SELECT only.")
    db_password: SecretStr = Field(SecretStr("mypassword"), description="PostgreSQL password.")
    db_name: str = Field("ecommerce_db", description="PostgreSQL database.")

    # Running
    engine: Engine | None = Field(
        None, description="local or celery; celery when a broker is set, local otherwise."
    )
    profile: ProfileName = Field(
        "auto", description="weak, strong or auto: chooses jobs and batch size."
    )
    jobs: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="Worker processes; overrides the profile."
    )
    batch_size: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        None, description="Events held at once by a worker; overrides the profile."
    )
    unknown: UnknownMode = Field(
        "reject", description="Purchases of unknown products or customers: reject or bucket."
    )
    allow_incomplete: bool = Field(
        False, description="Publish even if something could not be read."
    )
    allow_drift: bool = Field(
        False, description="Publish even if a figure moved too far since the last published run."
    )
    reject_rows: int = Field(1_000_000, description="Most rows in rejects.csv.", ge=0, le=_MOST)
    reject_bytes: _Count = Field(256 << 20, description="Most bytes of rows in rejects.csv.")
    reject_event_bytes: _Count = Field(
        4096,
        description="Bytes of an event's text in rejects.csv; a longer one is cut, and marked.",
    )
    max_listed: _Count = Field(
        1000,
        description="Most unreadable inputs, and conflicting days, that a run lists; all count.",
    )
    spreadsheet_safe: bool = Field(
        False, description="Put ' before CSV texts that a spreadsheet would run as a formula."
    )

    # What later runs need not do again
    full: bool = Field(False, description="Use nothing that earlier runs left; read everything.")
    keep_extracts: bool = Field(
        True, description="Keep what was extracted, so that later runs read only what is new."
    )
    extract_bytes: _Count = Field(
        64 << 20,
        description="Bytes of extracts that are kept of an archive, beside eight times its own.",
    )
    keep_runs: _Count = Field(30, description="Newest runs whose partials and extracts `gc` keeps.")

    # Limits of one input (uncompressed)
    max_part_bytes: _Count = Field(4 << 30, description="Bytes of one part.")
    max_day_bytes: _Count = Field(16 << 30, description="Bytes of one day's parts.")
    max_archive_bytes: _Count = Field(64 << 30, description="Bytes of one archive's parts.")
    max_event_bytes: _Count = Field(16 << 20, description="Bytes of one event's text.")
    max_zip_entries: _Count = Field(100_000, description="Entries in one zip.")
    max_dictionary_bytes: _Count = Field(
        256 << 20, description="Memory that one LZMA or Zstandard entry may take to look back."
    )
    max_json_depth: Annotated[int, Field(ge=2, le=512)] = Field(
        256, description="Nesting depth of a part's JSON."
    )
    max_reject_share: float = Field(
        1.0, description="Share (0 to 1) of purchases that may be rejected.", ge=0, le=1
    )

    # Limits of drift: what may change since the last published run
    max_revenue_change: _Share | None = Field(
        None, description="Share (0 to 1) that total revenue may rise or fall; off if not set."
    )
    max_purchases_change: _Share | None = Field(
        None, description="Share (0 to 1) that counted purchases may rise or fall; off if not set."
    )
    max_reject_share_rise: _Share | None = Field(
        None, description="Rise of the share of rejects, 0.02 being 2 points; off if not set."
    )
    max_new_missing_days: Annotated[int, Field(ge=0, le=_MOST)] | None = Field(
        None, description="Missing days that were not missing before; off if not set."
    )
    max_customers_gone: _Share | None = Field(
        None, description="Share (0 to 1) of the customers that may be gone; off if not set."
    )
    max_products_gone: _Share | None = Field(
        None, description="Share (0 to 1) of the products that may be gone; off if not set."
    )

    # Celery
    broker_url: SecretStr | None = Field(
        None, description="redis:// or rediss:// URL of the broker."
    )
    result_backend: SecretStr | None = Field(
        None, description="redis:// or rediss:// URL for chord state; the broker when not set."
    )
    states: str = Field(
        "",
        description="Further shops whose runs a worker serves: STATE or STATE|DATA|REPORTS of "
        "each, with commas in between.",
    )
    schedule: str = Field("0 3 * * *", description="Cron expression of the daily run.")
    timezone: str = Field("UTC", description="Time zone of the schedule.")
    task_soft_time_limit: _Seconds = Field(1500, description="Seconds before a task is asked.")
    task_time_limit: _Seconds = Field(1800, description="Seconds before a task is killed.")
    visibility_timeout: _Seconds = Field(
        2400, description="Seconds before an unfinished task is delivered again."
    )
    result_expires: _Seconds = Field(259_200, description="Seconds chord results are kept.")
    shutdown_wait: _Seconds = Field(
        60, description="Seconds that a worker which is told to stop gives its tasks."
    )
    worker_wait: _Seconds = Field(60, description="Seconds a run waits for a worker.")
    redis_ca: str | None = Field(
        None, description="CA file that rediss:// servers are checked by; the system's if not set."
    )
    beat_schedule_file: str = Field(
        "celerybeat-schedule", description="File in which beat remembers its last run."
    )
    flower_user: str = Field("admin", description="User of the Flower page.")
    flower_password: SecretStr | None = Field(
        None, description="Password of the Flower page; its HTTP API stays shut without one."
    )
    flower_read_only: bool = Field(True, description="Flower shows, and changes nothing.")

    # Serving
    serve_host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    serve_port: int = Field(
        8080, description="Port that `serve` listens on; 0 is any free one.", ge=0, le=65535
    )
    serve_names: str | None = Field(
        None,
        description="Host names that `serve` answers to besides localhost, separated by commas.",
    )
    flower_url: str | None = Field(
        None, description="Address of the Flower page, for a link on the live page."
    )

    # Faults
    lease: _Seconds = Field(
        60, description="Seconds of silence after which whoever works on something is dead."
    )
    stall_after: _Seconds = Field(
        120, description="Seconds without progress after which missing work is sent again."
    )
    max_attempts: _Count = Field(
        3, description="Times an archive may end its worker, memory or time; then it is left out."
    )
    task_retries: int = Field(
        6, description="Times a task tries again what did not answer.", ge=0, le=100
    )
    retry_backoff: _Seconds = Field(5, description="Seconds before the first new try; doubles.")
    retry_backoff_max: _Seconds = Field(300, description="Most seconds between two tries.")
    catch_up: int = Field(
        86_400,
        description="Seconds within which a missed scheduled run still starts.",
        ge=0,
        le=1_000_000_000,
    )
    late_after: _Seconds = Field(
        7200, description="Seconds after its time when an unpublished scheduled run is late."
    )

    # Watching
    heartbeat_file: str | None = Field(
        None,
        description="File that a live worker keeps touching; in the temporary folder if not set.",
    )
    metrics_port: int | None = Field(
        None, description="Port of a worker's Prometheus metrics; off if not set.", ge=1, le=65535
    )
    metrics_address: str = Field("127.0.0.1", description="Address the metrics are served on.")
    webhook_url: SecretStr | None = Field(
        None, description="Slack-compatible URL that is told of trouble."
    )
    hook_command: SecretStr | None = Field(
        None,
        description="Command that is told of trouble: JSON on standard input, variables HOOK_*.",
    )
    notify_on: str = Field(
        "failed,refused,incomplete,recovered,late",
        description="Trouble, out of: published, failed, refused, incomplete, recovered, late.",
    )

    # Logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line to write."
    )
    log_format: Literal["pretty", "json"] = Field("pretty", description="pretty or json.")

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
        return init_settings, env_settings, _EnvFile(settings_cls)

    @field_validator("data", "state")
    @classmethod
    def _known_place(cls, value: str) -> str:
        check_place(value)
        return value

    @field_validator("reports")
    @classmethod
    def _place_of_reports(cls, value: str) -> str:
        check_reports(value)
        return value

    @field_validator("states")
    @classmethod
    def _known_shops(cls, value: str) -> str:
        parse_shops(value, "", "")
        return value

    @field_validator("state_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < _LEAST_KEY_BYTES:
            raise ValueError(
                f"shorter than {_LEAST_KEY_BYTES} bytes; `openssl rand -hex 32` makes one"
            )
        return value

    @field_validator("dimensions")
    @classmethod
    def _local_folder(cls, value: str | None) -> str | None:
        if value is not None:
            check_dimensions(value)
        return value

    @field_validator("database_url")
    @classmethod
    def _of_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_database_url(value.get_secret_value())
        return value

    @field_validator("db_host")
    @classmethod
    def _only_a_host(cls, value: str) -> str:
        check_database_host(value)
        return value

    @field_validator("db_user")
    @classmethod
    def _only_a_user(cls, value: str) -> str:
        check_database_user(value)
        return value

    @field_validator("db_name")
    @classmethod
    def _only_a_name(cls, value: str) -> str:
        check_database_name(value)
        return value

    @field_validator("schedule")
    @classmethod
    def _known_schedule(cls, value: str) -> str:
        parse_cron(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone; try UTC or Europe/Berlin") from error
        return value

    @field_validator("broker_url", "result_backend")
    @classmethod
    def _of_one_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_broker_url(value.get_secret_value())
        return value

    @field_validator("redis_ca")
    @classmethod
    def _certificates(cls, value: str | None) -> str | None:
        if value is not None:
            check_certificates(value)
        return value

    @field_validator("flower_user", "flower_password")
    @classmethod
    def _one_login(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        if "," in (value.get_secret_value() if isinstance(value, SecretStr) else value or ""):
            raise ValueError("Flower takes a comma for the end of the login; use none")
        return value

    @field_validator("serve_names")
    @classmethod
    def _names_of_hosts(cls, value: str | None) -> str | None:
        parse_host_names(value or "")
        return value

    @field_validator("flower_user")
    @classmethod
    def _no_colon(cls, value: str) -> str:
        if ":" in value:
            raise ValueError("browsers take a colon for the end of the user; use none")
        return value

    @field_validator("flower_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None:
            check_web_url(value)
        return value

    @field_validator("serve_host", "metrics_address")
    @classmethod
    def _address_alone(cls, value: str) -> str:
        check_address(value)
        return value

    @field_validator("webhook_url")
    @classmethod
    def _webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_webhook(value.get_secret_value())
        return value

    @field_validator("hook_command")
    @classmethod
    def _command(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_command(value.get_secret_value())
        return value

    @field_validator("notify_on")
    @classmethod
    def _known_events(cls, value: str) -> str:
        parse_events(value)
        return value

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if not self.task_soft_time_limit < self.task_time_limit < self.visibility_timeout:
            raise ValueError(
                "task_soft_time_limit < task_time_limit < visibility_timeout does not hold; "
                "a task that outlives the visibility timeout is started twice"
            )
        if self.retry_backoff_max >= self.visibility_timeout:
            raise ValueError(
                "retry_backoff_max < visibility_timeout does not hold; "
                "a task that waits longer is delivered again and again"
            )
        return self

    @model_validator(mode="after")
    def _states_apart_from_archives(self) -> Self:
        try:
            check_states(self.shops()[1:], self.data)
        except ValueError as error:
            raise ValueError(f"{_PREFIX}STATES: {error}") from None
        return self

    def shops(self) -> tuple[Shop, ...]:
        """Those whose runs a worker with these settings serves, its own first."""
        own = Shop(self.state, self.data, self.reports)
        return (own, *parse_shops(self.states, self.data, self.reports))

    def chosen_engine(self) -> Engine:
        """The engine asked for, or celery exactly when a broker is configured."""
        return self.engine or ("celery" if self.broker_url else "local")

    def chosen_database_url(self) -> SecretStr:
        """The database URL as given, or put together from host, port, user, password and name."""
        if self.database_url is not None:
            return self.database_url
        password = self.db_password.get_secret_value()
        return SecretStr(
            database_url(self.db_host, self.db_port, self.db_user, password, self.db_name)
        )

    def chosen_state_key(self) -> StateKey | None:
        """What vouches for the state, or None: then whoever may write there is trusted."""
        if self.state_key is None:
            return None
        return StateKey(self.state_key.get_secret_value().encode())

    def places(self) -> Places:
        """Where runs read and write; holds the database password."""
        return Places(
            data=self.data,
            reports=self.reports,
            state=self.state,
            dimensions=self.dimensions,
            database_url=self.chosen_database_url().get_secret_value(),
        )

    @cached_property
    def machine_profile(self) -> Profile:
        """Jobs and batch size for this machine, single settings taking precedence."""
        chosen = choose_profile(self.profile, read_machine())
        return Profile(
            jobs=self.jobs or chosen.jobs, batch_size=self.batch_size or chosen.batch_size
        )

    def options(self) -> Options:
        """What the run's manifest keeps, so that every worker counts by the same rules."""
        return Options(
            unknown=self.unknown,
            allow_incomplete=self.allow_incomplete,
            allow_drift=self.allow_drift,
            batch_size=self.machine_profile.batch_size,
            reject_rows=self.reject_rows,
            reject_bytes=self.reject_bytes,
            reject_event_bytes=self.reject_event_bytes,
            most_listed=self.max_listed,
            spreadsheet_safe=self.spreadsheet_safe,
            follow_links=self.follow_links,
            limits=Limits(
                part_bytes=self.max_part_bytes,
                day_bytes=self.max_day_bytes,
                archive_bytes=self.max_archive_bytes,
                event_bytes=self.max_event_bytes,
                zip_entries=self.max_zip_entries,
                json_depth=self.max_json_depth,
                dictionary_bytes=self.max_dictionary_bytes,
                reject_share=self.max_reject_share,
            ),
            drift=DriftLimits(
                revenue_change=self.max_revenue_change,
                purchases_change=self.max_purchases_change,
                reject_share_rise=self.max_reject_share_rise,
                new_missing_days=self.max_new_missing_days,
                customers_gone=self.max_customers_gone,
                products_gone=self.max_products_gone,
            ),
        )

    def reuse(self) -> Reuse:
        """What the run's manifest keeps, so that every worker uses and keeps the same."""
        return Reuse(full=self.full, keep=self.keep_extracts, extract_bytes=self.extract_bytes)

    def hooks(self) -> Hooks:
        """Who is told of trouble; holds the webhook's URL."""
        return Hooks(
            webhook_url=self.webhook_url.get_secret_value() if self.webhook_url else None,
            command=self.hook_command.get_secret_value() if self.hook_command else None,
            events=parse_events(self.notify_on),
        )

    def policy(self) -> Policy:
        """What the run's manifest keeps, so that all agree on who is dead."""
        return Policy(
            lease=self.lease, stall_after=self.stall_after, max_attempts=self.max_attempts
        )


def misspelt_variables() -> dict[str, str]:
    """Variables of the environment that are no settings, and look as if they were meant to be:
    what each was probably meant to be. Others may have names like ours."""
    names = (name.upper() for name in os.environ)
    unknown = {name for name in names if name.startswith(_PREFIX)} - _setting_names()
    return {name: meant for name in sorted(unknown) if (meant := _meant(name))}


def unused_variables() -> list[str]:
    """Variables of Celery's own that are set, and count for nothing: SALES_* say it all."""
    return [name for name in _OF_CELERY if os.environ.get(name)]


def _env_file() -> dict[str, str]:
    return read_env_file(_ENV_FILE, _PREFIX, os.environ)


def _check_file() -> None:
    """Raises ConfigError if .env sets what there is not: that file is ours alone."""
    for name in _env_file():
        if name not in _setting_names():
            meant = _meant(name)
            guess = f" Did you mean {meant}?" if meant else ""
            raise ConfigError(
                f"There is no setting {name} (in {_ENV_FILE}).{guess}",
                "Correct .env; .env.example has every setting.",
            )


def _setting_names() -> set[str]:
    return {_PREFIX + name.upper() for name in Settings.model_fields}


def _meant(name: str) -> str | None:
    close = get_close_matches(name, sorted(_setting_names()), n=1, cutoff=_SIMILAR)
    return close[0] if close else None


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Settings of this process: ``overrides`` first, then the environment, then ``.env``.

    A database in ``overrides`` is read also where a setting names a folder of dimensions.

    Raises:
        ConfigError: a value is missing or wrong; the message names each setting.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    if {"database_url", "dimensions"} <= given.keys():
        raise ConfigError(
            "--database and --dimensions both say where customers and products are.",
            "Leave one of them out.",
        )
    if "database_url" in given:
        given["dimensions"] = None
    _check_file()
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        # Never `input`: it may be a password.
        found = error.errors(include_input=False, include_url=False)
        problems = "; ".join(
            f"{_setting_name(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in found
        )
        is_given = all(given.keys() & set(problem["loc"]) for problem in found)
        remedy = "Correct the option." if is_given else "Correct the environment or .env."
        raise ConfigError(f"Wrong settings: {problems}.", remedy) from None


def _setting_name(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name == "settings" else _PREFIX + name.removeprefix(_PREFIX).upper()
