"""What an entry's name says. A name is a label: nothing here or later uses it as a path."""

from __future__ import annotations

import re
from datetime import date

from pipeline_core.containers.cut import cut_name

_DIGITS = "0123456789"
_DATE = re.compile(r"(?<![0-9])([0-9]{4})([-_]?)([0-9]{2})\2([0-9]{2})(?![0-9])")
_EARLIER_LABEL = re.compile("…[0-9a-f]{32}…")


def base_name(name: str) -> str:
    """The part after the last slash of either kind."""
    return re.split(r"[/\\]", name)[-1]


def is_zip(name: str) -> bool:
    """Whether an archive or a day: ``*.zip`` in any case, not hidden, not macOS resource junk."""
    return _is_wanted(name, ".zip")


def is_part(name: str) -> bool:
    """Whether a part: ``*.json`` in any case, not hidden, not macOS resource junk."""
    return _is_wanted(name, ".json")


def without_slash(name: str) -> str:
    """The name of a folder's entry without the slashes, of either kind, that end it."""
    return name.rstrip("/\\")


def is_junk(name: str) -> bool:
    """Whether nobody put it there on purpose: hidden, or macOS resource junk."""
    return base_name(name).startswith(".") or "__MACOSX" in re.split(r"[/\\]", name)


def is_text(name: str) -> bool:
    """Whether a file's name can be written into a record: on Linux it may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def day_date(name: str) -> date | None:
    """The date in a daily zip's name (2023-10-23, 2023_10_23 or 20231023), if there is one."""
    for year, _, month, day in _DATE.findall(base_name(name)):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:  # 2023-13-45 is a label like any other
            continue
    return None


def day_label(name: str) -> str:
    """A daily zip's name to show and to tell it from others, of at most LONGEST_NAME bytes: as a
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


def is_whole_label(name: str) -> bool:
    """Whether a daily zip's name, as it was kept, is one of ``day_label``: earlier versions kept
    names of any length, or labels in which the digest could read as a date."""
    return cut_name(name) is None and _EARLIER_LABEL.search(name) is None


def is_dated_up_to(as_of: date, name: str) -> bool:
    """Whether a daily zip's name holds a date, and none after ``as_of``."""
    dated = day_date(name)
    return dated is not None and dated <= as_of


def _is_wanted(name: str, ending: str) -> bool:
    return not is_junk(name) and name.lower().endswith(ending)
