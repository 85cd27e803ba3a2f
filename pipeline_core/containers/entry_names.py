"""What an entry's name says. A name is a label: nothing here or later uses it as a path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase

from pipeline_core.containers.cut import cut_name

_DIGITS = "0123456789"
_PART = re.compile(r"\.(?:json|jsonl|ndjson)(?:\.(?:gz|zst))?\Z", re.IGNORECASE)
_PACKED = (".gz", ".zst")
_PACKING = re.compile(r"\.(?:gz|zst)\Z", re.IGNORECASE)
# A folder of one dot or two is none.
_JUNK = re.compile(r"(?:\A|[/\\])(?:\.(?!\.?[/\\])|__MACOSX(?:[/\\]|\Z))")
_SEPARATED = re.compile(r"(?<![0-9])([0-9]{4})([-_.])([0-9]{2})\2([0-9]{2})(?![0-9])")
# Also with a time behind. Without a T it has to be this century's: ten digits may be Unix seconds.
_EIGHT = (
    r"([0-9]{4})()([0-9]{2})([0-9]{2})"
    r"(?:(?:[Tt]|(?<=20[0-9]{6}))(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9])?)?[Zz]?)?"
)
_EIGHT_DIGITS = re.compile(rf"(?<![0-9]){_EIGHT}(?![0-9])")
# No part of a word: who has an id has eight digits, too.
_EIGHT_ALONE = re.compile(rf"(?<![^\W_]){_EIGHT}(?![^\W_])")
# The end of 2023/10/23, 2023-10/23 and year=2023/month=10/day=23.
_FOLDERS = re.compile(
    r"(?:\A|/)(?:([0-9]{4})[-_./]([0-9]{2})|year=([0-9]{4})/month=([0-9]{1,2}))"
    r"/(?:day=)?([0-9]{1,2})\Z",
    re.IGNORECASE,
)
_MOST_FOLDERS = 3
_TWO_DIGITS = re.compile("[0-9]{2}")


def base_name(name: str) -> str:
    """The part after the last slash of either kind."""
    return name[max(name.rfind("/"), name.rfind("\\")) + 1 :]


def without_packing(name: str) -> str:
    """The name without an ending, in any case, that says how a part is packed."""
    return _PACKING.sub("", name)


def is_zip(name: str) -> bool:
    """Whether an archive or a day: ``*.zip`` in any case, not hidden, not macOS resource junk."""
    return not is_junk(name) and name.lower().endswith(".zip")


def is_part(name: str, others: Iterable[str] = ()) -> bool:
    """Whether a part: ``.json``, ``.jsonl`` or ``.ndjson``, perhaps with ``.gz`` or ``.zst``, in
    any case, not hidden, not macOS resource junk; or one of ``others``, which are endings, with
    their dot, also before those two, and patterns of base names."""
    if is_junk(name):
        return False
    if _PART.search(name) is not None:
        return True
    base = base_name(name).lower()
    return any(
        base.endswith((each, *(each + packed for packed in _PACKED)))
        if each.startswith(".")
        else fnmatchcase(base, each)
        for each in map(str.lower, others)
    )


def is_left_out(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of ``patterns`` fits the whole name or the base name, in any case."""
    if not patterns:
        return False
    names = {name.replace("\\", "/").lower(), base_name(name).lower()}
    return any(fnmatchcase(each, pattern.lower()) for pattern in patterns for each in names)


def without_slash(name: str) -> str:
    """The name of a folder's entry without the slashes, of either kind, that end it."""
    return name.rstrip("/\\")


def is_junk(name: str) -> bool:
    """Whether nobody put it there on purpose: hidden or in a hidden folder, or macOS resource
    junk."""
    return _JUNK.search(name) is not None


def is_text(name: str) -> bool:
    """Whether a file's name can be written into a record: on Linux it may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def day_date(name: str) -> date | None:
    """The date in a day's name (2023-10-23, 2023_10_23 or 2023.10.23, or else 20231023, also with
    a time behind), if there is one."""
    base = base_name(name)
    return next(_dates(_SEPARATED, base), None) or next(_dates(_EIGHT_DIGITS, base), None)


def part_date(name: str, archive: str) -> date | None:
    """The date of a part that is in no daily zip: that of its own name or of the nearest folder
    with one, else that of the archive's name. One with separators, also those between folders,
    comes before one of eight digits, which are no part of a word."""
    return next(_part_dates(name), None) or day_date(archive)


def folder_date(name: str) -> date | None:
    """The date of the nearest folder with one, as of a part in it."""
    *folders, _ = re.split(r"[/\\]", name)
    return next(_part_dates("/".join((*folders, ""))), None)


def _part_dates(name: str) -> Iterator[date]:
    *folders, base = re.split(r"[/\\]", name)
    yield from _dates(_SEPARATED, base)
    day = base.partition(".")[0]
    if _TWO_DIGITS.fullmatch(day):
        yield from _folders_date((*folders, day))
    for depth in range(len(folders), 0, -1):
        yield from _dates(_SEPARATED, folders[depth - 1])
        yield from _folders_date(folders[:depth])
    for each in (base, *reversed(folders)):
        yield from _dates(_EIGHT_ALONE, each)


def _folders_date(folders: Sequence[str]) -> Iterator[date]:
    if found := _FOLDERS.search("/".join(folders[-_MOST_FOLDERS:])):
        yield from _real(*filter(None, found.groups()))


def _dates(pattern: re.Pattern[str], text: str) -> Iterator[date]:
    for year, _, month, day in pattern.findall(text):
        yield from _real(year, month, day)


def _real(year: str, month: str, day: str) -> Iterator[date]:
    try:
        yield date(int(year), int(month), int(day))
    except ValueError:  # 2023-13-45 is a label like any other
        return


def day_label(name: str) -> str:
    """A day's name to show and to tell it from others, of at most LONGEST_NAME bytes: as a
    label, and with the date of the whole name, if there is one, and with no other."""
    cut = cut_name(name)
    if cut is None:
        return name
    # What was cut within its digits could read as a date; groups of four digits cannot.
    begin, end = cut.begin.rstrip(_DIGITS), cut.end.lstrip(_DIGITS)
    digest = "-".join(cut.digest[place : place + 4] for place in range(0, len(cut.digest), 4))
    base_place = len(name) - len(base_name(name))
    slash = "/" if len(begin) < base_place <= len(name) - len(end) else ""
    shown = f"{begin}…{slash}{digest}…{end}"
    dated = day_date(name)
    return shown if day_date(shown) == dated else f"{begin}…{slash}{digest}…{dated}…{end}"


def is_dated_up_to(as_of: date, name: str) -> bool:
    """Whether a day's name holds a date, and none after ``as_of``."""
    dated = day_date(name)
    return dated is not None and dated <= as_of
