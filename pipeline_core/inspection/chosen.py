"""Which archive is looked into: the one that is named, or the newest."""

from __future__ import annotations

import re
from datetime import date

from pipeline_core.containers.names import day_date
from pipeline_core.errors import ConfigError, UnreadableArchive
from pipeline_core.planning.archives import find_archives
from pipeline_core.storage import Storage

_TOLD = 5
_DIGITS = re.compile(r"(\d+)", re.ASCII)


def chosen_archive(data: Storage, named: str | None) -> str:
    """The name of an archive in the place of data.

    Raises:
        ConfigError: there is no such place, no archive in it, or none of this name.
        UnreadableArchive: what is called so is no file.
    """
    found = find_archives(data)
    names = sorted((file.key for file in found.archives), key=_age, reverse=True)
    if named is None:
        named = names[0] if names else min(found.strays)
    if named in found.strays:
        raise UnreadableArchive(f"{named} cannot be read: {found.strays[named]}.")
    if named not in names:
        there = ", ".join(names[:_TOLD]) + (", ..." if len(names) > _TOLD else "")
        raise ConfigError(
            f"There is no archive {named} in {data.uri}.", f"--archive names one; it has {there}."
        )
    return named


def _age(name: str) -> tuple[date, list[tuple[int, int, str]]]:
    """By the date in its name, then by its numbers: week 9 is before week 43."""
    pieces = [
        (1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in _DIGITS.split(name)
    ]
    return day_date(name) or date.min, pieces
