"""Clients of object stores, one a place."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from obstore.store import AzureStore, GCSStore, S3Store

from pipeline_core.errors import ContractError
from pipeline_core.store_environment import client_settings

if TYPE_CHECKING:
    from obstore.store import RetryConfig

    from pipeline_core.storage.object_reading import Store

# An unreachable endpoint is given up after seconds, one that never answers after two minutes.
RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}


def open_client(scheme: str, bucket: str, prefix: str | None) -> Store:
    """The client of a place, by ``s3``, ``gs`` or ``az``. Raises what obstore does if the settings
    of the environment and of .env cannot be used."""
    stores: dict[str, type[Store]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    settings = client_settings(scheme)
    return stores[scheme](bucket, prefix=prefix, retry_config=RETRIES, **settings)


def refuse_after_fork() -> None:
    """Raises ContractError in a process forked after the first call: obstore's threads are not
    copied, so that it would wait for ever."""
    if _first_process() != os.getpid():
        raise ContractError("obstore was used before this process was forked and would hang")


@cache
def _first_process() -> int:
    return os.getpid()
