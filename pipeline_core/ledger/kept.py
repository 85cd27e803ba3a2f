"""What runs leave for later ones: extracts by content, and what the last one found out.

::

    kept/archives.json                           Memory: archives, their digests and receipts
    kept/days.json                               Memory: the same of as-of runs, without receipts
    kept/extracts/<rules>/<digest>.arrow         one a daily zip, by its bytes' SHA-256

Nothing here is needed: what is gone, torn or of other rules is made again. Every file is written
as a whole and its name says what is in it, so runs at the same time may share them.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path

import msgspec
import structlog

from pipeline_core.errors import RetryableError
from pipeline_core.messages import Limits, Memory, to_json
from pipeline_core.storage import Storage

log = structlog.get_logger()

ARCHIVES = "kept/archives.json"
DAYS = "kept/days.json"
EXTRACTS = "kept/extracts"


def extract_key(version: int, limits: Limits, digest: str) -> str:
    """Where the extract of a day with such bytes is. Limits decide what is readable, so they are
    part of the rules; the share of rejects is no matter of extraction."""
    decisive = msgspec.structs.replace(limits, reject_share=1.0)
    rules = hashlib.sha256(msgspec.json.encode(decisive)).hexdigest()[:8]
    return f"{EXTRACTS}/{version}-{rules}/{digest}.arrow"


def kept_file(state: Storage, key: str, stack: ExitStack) -> Path | None:
    """A local path of a kept file for as long as ``stack`` is open, or None if there is none."""
    try:
        return stack.enter_context(state.local_file(key))
    except FileNotFoundError:
        return None


def remember(state: Storage, memory: Memory, key: str = ARCHIVES) -> None:
    """Replaces what was remembered. A run ends as well without: older memory costs the next one
    time, and no figure."""
    try:
        state.write(key, to_json(memory))
    except RetryableError as error:
        log.warning("results_not_remembered", key=key, cause=error.message)


def remembered(state: Storage, key: str = ARCHIVES) -> Memory | None:
    """What the last run left under ``key``, or None if there is nothing that can be used."""
    try:
        return msgspec.json.decode(state.read(key), type=Memory)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("damaged_memory_ignored", key=key, cause=str(error))
        return None
