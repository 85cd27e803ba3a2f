"""How a message is written."""

from __future__ import annotations

import msgspec
from msgspec import Struct


def to_json(message: Struct) -> bytes:
    """Readable JSON (UTF-8, indented, newline at the end)."""
    text = msgspec.json.encode(message, enc_hook=dict)  # of a mapping that is read when asked for
    return msgspec.json.format(text, indent=2) + b"\n"
