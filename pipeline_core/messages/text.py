"""How a message is written."""

from __future__ import annotations

import msgspec
from msgspec import Struct


def to_json(message: Struct) -> bytes:
    """Readable JSON (UTF-8, indented, newline at the end)."""
    return msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n"
