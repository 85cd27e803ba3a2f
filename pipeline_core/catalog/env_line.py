"""A line of ``.env`` that our reader and docker compose read as the same value."""

from __future__ import annotations

import re

# What means itself wherever it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=\[\]-]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def env_line(name: str, value: str) -> str:
    """``NAME=value``, in quotes where it needs them: in single ones all is literal, but a quote or
    a backslash could end them early or not at all."""
    if _PLAIN.fullmatch(value):
        return f"{name}={value}"
    if not set("'\\\n\r") & set(value):
        return f"{name}='{value}'"
    escaped = "".join(_ESCAPED.get(character, character) for character in value)
    return f'{name}="{escaped}"'
