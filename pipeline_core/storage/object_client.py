"""Clients of object stores, one a place."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from obstore.store import AzureStore, GCSStore, S3Store

from pipeline_core.errors import ContractError
from pipeline_core.store_environment import client_settings, store_variables

if TYPE_CHECKING:
    from obstore.store import RetryConfig

    from pipeline_core.storage.object_reading import Store

_first_process = cache(os.getpid)
# An unreachable endpoint is given up after seconds, one that never answers after two minutes.
RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}


def open_client(scheme: str, bucket: str, prefix: str | None) -> Store:
    """The client of a place, by ``s3``, ``gs`` or ``az``: one a process while environment and
    .env stay, since it takes longer to make than a request. Raises as obstore does if they err."""
    said = frozenset((os.environ | store_variables()).items())
    return _made(scheme, bucket, prefix, os.getpid(), said)


@lru_cache(16)
def _made(scheme: str, bucket: str, prefix: str | None, *_: object) -> Store:
    stores: dict[str, type[Store]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    return stores[scheme](bucket, prefix=prefix, retry_config=RETRIES, **client_settings(scheme))


def refuse_after_fork() -> None:
    """Raises ContractError in a process forked after the first call: threads are not copied."""
    if _first_process() != os.getpid():
        raise ContractError("obstore was used before this process was forked and would hang")
