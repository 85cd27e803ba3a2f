"""Which files of the place of data are archives, and what else is there: by names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline_core.containers.entry_names import (
    day_date,
    is_text,
    is_zip,
)
from pipeline_core.containers.ignored import (
    FOLDERS,
    count_endings,
    endings_in_words,
    merge_endings,
)
from pipeline_core.errors import ConfigError, NotAllowed, UnreadableArchive
from pipeline_core.storage import Contents, Storage, StoredObject
from pipeline_core.storage.listing import FOLDER_TEXT

_EMPTY = Contents(files=[], folders=[], others={}, hidden=[])
_FOLDERS_SHOWN = 3
_DIGITS = re.compile(r"(\d+)", re.ASCII)
_SET_DATA = "Set SALES_DATA (--data) to the folder of the weekly archives, which are zips."


@dataclass(frozen=True)
class Found:
    """What a place of data holds: ``archives`` are files, ``strays`` are called like one and are
    none, with what they are instead; ``ignored`` are all other files, by their ending, and folders
    that hold something, under ``FOLDERS``."""

    archives: list[StoredObject]
    strays: dict[str, str]
    ignored: dict[str, int]


def find_archives(data: Storage) -> Found:
    """Looks at names only, and whether folders are empty.

    Raises:
        ConfigError: there is no such place, or nothing in it that is called like an archive.
    """
    try:
        inside = data.contents()
    except FileNotFoundError:
        raise ConfigError(f"{data.uri} does not exist.", _SET_DATA) from None
    except ConfigError as error:  # a file stands there
        if not Path(data.uri).is_file():
            raise
        folder = Path(data.uri).parent
        raise ConfigError(
            f"{data.uri} is a file, not a folder.",
            f"Set SALES_DATA (--data) to its folder, {folder}: every archive there is read.",
        ) from error
    strays = {name: what for name, what in inside.others.items() if is_zip(name)}
    strays |= {name: FOLDER_TEXT for name in inside.folders if is_zip(name)}
    archives = [file for file in inside.files if is_zip(file.key)]
    for file in archives:  # an object store may have a folder of the same name
        strays.pop(file.key, None)
    folders = [
        name for name in inside.folders if name not in strays and _holds_something(data, name)
    ]
    strays |= {file.key: "its name is not UTF-8" for file in archives if not is_text(file.key)}
    archives = [file for file in archives if file.key not in strays]
    if not archives and not strays:
        raise ConfigError(f"There is {_no_archive(data, inside, folders)}.", _SET_DATA)
    others = [
        *(file.key for file in inside.files if not is_zip(file.key)),
        *(name for name in inside.others if name not in strays),
        *inside.hidden,
    ]
    counts = [count_endings(others), {FOLDERS: len(folders)} if folders else {}]
    told = {_shown(name): what for name, what in strays.items()}
    return Found(archives, told, merge_endings(counts))


def newest_first(names: Iterable[str]) -> list[str]:
    """Archives by the date in their names, then by their numbers: week 43 is before week 9."""
    return sorted(names, key=_age, reverse=True)


def _age(name: str) -> tuple[date, list[tuple[int, int, str]]]:
    pieces = [
        (1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in _DIGITS.split(name)
    ]
    return day_date(name) or date.min, pieces


def _holds_something(data: Storage, folder: str) -> bool:
    """Whether it is not empty; one that may not be looked into is not known to be."""
    try:
        return data.contents(folder) != _EMPTY
    except (NotAllowed, UnreadableArchive):
        return True


def _shown(name: str) -> str:
    """A name that JSON can hold."""
    return name.encode(errors="backslashreplace").decode()


def _no_archive(data: Storage, inside: Contents, full: Sequence[str]) -> str:
    """What there is instead, ``full`` folders among it, for people; what is hidden is nothing."""
    told = []
    if inside.files or inside.others:
        files = (*(file.key for file in inside.files), *inside.others)
        told.append(endings_in_words(count_endings(files)))
    if full:
        names = [_shown(name) for name in full[:_FOLDERS_SHOWN]]
        more = ", ..." if len(full) > _FOLDERS_SHOWN else ""
        told.append(f"{len(full):,} folder{'s'[: len(full) - 1]} ({', '.join(names)}{more})")
    if not told:
        return f"nothing in {data.uri}"
    return f"no archive in {data.uri}, but {' and '.join(told)}"
