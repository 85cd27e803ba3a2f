"""Pointers: what says where a name leads in a place that has no links."""

from __future__ import annotations

import msgspec

from pipeline_core.errors import RetryableError
from pipeline_core.machine.known_kinds import known
from pipeline_core.storage.base import Storage


class Pointer(msgspec.Struct, frozen=True):
    """``<name>.json`` beside a name that is a copy: whoever needs one whole folder follows it."""

    target: str
    """The key of what the name reads as, such as runs/<run_id>."""


def pointer_key(name: str) -> str:
    """Where the pointer of a name is."""
    return f"{name}.json"


def pointer_text(target: str) -> bytes:
    """A pointer as it is stored."""
    return msgspec.json.encode(Pointer(target))


def pointed_target(storage: Storage, name: str) -> str | None:
    """What the stored pointer of a name points at; None if there is none, or it is a person's
    file."""
    try:
        return msgspec.json.decode(storage.read(pointer_key(name)), type=known(Pointer)).target
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def folder_stands(place: str) -> RetryableError:
    """That a name cannot be pointed, because a folder that nobody pointed is called so."""
    return RetryableError(
        f"Cannot write {place}: a folder stands there.",
        f"Move it away, then publish again; {pointer_key(place)} would mark it as a copy.",
    )
