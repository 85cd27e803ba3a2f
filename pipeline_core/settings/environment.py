"""The environment and .env: nothing else reads settings from either."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import EnvSettingsSource

from pipeline_core.configuration.env_file import read_env_file

PREFIX = "SALES_"
ENV_FILE = Path(".env")
# What .env may say of object stores. Those of a row belong together: they count unless the
# environment has one of them.
STORE_VARIABLES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    ("AWS_REGION",),
    ("AWS_ENDPOINT_URL",),
    ("AWS_ALLOW_HTTP",),
    ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST",),
    ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"),
    ("AZURE_STORAGE_ACCOUNT_NAME",),
    ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"),
)
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


class EnvFile(EnvSettingsSource):
    """The lines of .env, as the environment's variables are."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in env_file().items() if value}


def env_file() -> dict[str, str]:
    """Settings of .env in the working folder, by name. Raises ConfigError if it cannot be read."""
    return read_env_file(ENV_FILE.absolute(), PREFIX, os.environ)


def store_variables() -> dict[str, str]:
    """What .env says of object stores and the environment does not, by name; some are secrets.
    Raises ConfigError if it cannot be read."""
    names = tuple(name for row in STORE_VARIABLES for name in row)
    said = read_env_file(ENV_FILE.absolute(), names, os.environ)
    free = (row for row in STORE_VARIABLES if not any(os.environ.get(name) for name in row))
    return {name: said[name] for row in free for name in row if said.get(name)}


def env_file_words() -> str:
    """Which .env settings are read from, for people."""
    path = ENV_FILE.absolute()
    return f".env is {path}" if os.path.lexists(path) else f"there is no .env in {path.parent}"


def variables() -> set[str]:
    """Names of the environment that begin as settings do, in capitals."""
    return {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}


def unused_variables() -> list[str]:
    """Variables of Celery's own that are set, and count for nothing: SALES_* say it all."""
    return [name for name in _OF_CELERY if os.environ.get(name)]
