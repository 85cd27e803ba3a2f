"""Texts that may hold a URL with a password."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/\"]*@")


def without_credentials(text: str) -> str:
    """The text with ``***`` for user and password of every URL in it."""
    return _CREDENTIALS.sub(r"\1***@", text)
