"""Inputs that something is to be said of, by where they are."""

from __future__ import annotations

from msgspec import Struct

# How many RepeatedEntry are kept, of a receipt or a run: the first by name.
MOST_REPEATED = 1000


class Unreadable(Struct, frozen=True):
    """An input that could not be read at all: an archive, a day or a part."""

    archive: str
    """Name of the archive."""
    day: str | None
    """Name of the day in it; null if the archive itself is unreadable."""
    part: str | None
    """Name of the part in the day; null if the whole day, or archive, is unreadable."""
    cause: str
    """Why, for people."""


class RepeatedEntry(Struct, frozen=True):
    """A name that several entries of one zip have, but for ``.gz`` or ``.zst`` at its end, with
    different bytes: all of them count."""

    archive: str
    """Name of the archive."""
    day: str
    """Name of the day in it."""
    part: str | None = None
    """Name of the part that is repeated, without that ending unless all have it; null if the day
    is."""
