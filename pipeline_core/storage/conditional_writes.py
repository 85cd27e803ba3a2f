"""Whether a place can do what keeps two runs apart."""

from __future__ import annotations

import secrets

from pipeline_core.storage.base import Storage, no_conditional_writes


def check_creates(storage: Storage) -> None:
    """Creates one key twice, which must succeed once, and removes it.

    Stores and gateways answer a PUT with ``If-None-Match: *`` with 501, or never look at the header
    and write; then manifest, lease, receipt and verdict would be whoever's wrote last.

    Raises:
        ConfigError: the place has no conditional writes, or denies access.
        RetryableError: it does not answer.
    """
    key = f".create-once-{secrets.token_hex(8)}"
    try:
        if not storage.create(key, b"1\n"):
            raise no_conditional_writes(storage.uri, "a new key was there already")
        if storage.create(key, b"2\n"):
            raise no_conditional_writes(storage.uri, "one key was created twice")
    finally:
        storage.remove(key)
