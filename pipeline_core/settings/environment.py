"""The environment and .env: nothing else reads settings from either."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipeline_core.configuration.env_file import read_env_file

PREFIX = "SALES_"
ENV_FILE = Path(".env")
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


def env_file() -> dict[str, str]:
    """Settings of .env in the working folder, by name. Raises ConfigError if it cannot be read."""
    return read_env_file(ENV_FILE, PREFIX, os.environ)


def env_file_values() -> dict[str, object]:
    """The same by the settings' own names, without empty ones."""
    return _by_setting(env_file())


def environment_values() -> dict[str, object]:
    """What the environment sets, in whatever case, by the settings' own names; nothing that is
    empty."""
    return _by_setting(os.environ)


def _by_setting(variables: Mapping[str, str]) -> dict[str, object]:
    return {
        name[len(PREFIX) :].lower(): value
        for name, value in variables.items()
        if value and name.upper().startswith(PREFIX)
    }


def variables() -> set[str]:
    """Names of the environment that begin as settings do, in capitals."""
    return {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}


def unused_variables() -> list[str]:
    """Variables of Celery's own that are set, and count for nothing: SALES_* say it all."""
    return [name for name in _OF_CELERY if os.environ.get(name)]
