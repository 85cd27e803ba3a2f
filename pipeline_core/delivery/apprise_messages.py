"""What the process of Apprise is asked, and answers."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Fate = Literal["sent", "looked_at", "no_service", "refused", "busy", "silent", "unknown"]


class ServiceRequest(Struct, frozen=True):
    """What Apprise is asked to do."""

    url: str
    """Where to, as it takes it."""
    title: str
    """What stands above the text; empty if nothing is to be sent."""
    text: str
    """What is sent."""


class ServiceAnswer(Struct, frozen=True):
    """What came of it."""

    fate: Fate
    """How it ended."""
    said: str = ""
    """What a person may know of it; no part of the URL."""
