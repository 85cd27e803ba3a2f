"""What names of days and parts say, and how they are shown."""

from __future__ import annotations

import hashlib
import re
from datetime import date

_LONGEST = 1024
_SEPARATED = re.compile(r"(?<!\d)(\d{4})([-_])(\d\d)\2(\d\d)(?!\d)", re.ASCII)
_EIGHT_DIGITS = re.compile(r"(?<!\d)(\d{4})()(\d\d)(\d\d)(?!\d)", re.ASCII)


def base_name(name: str) -> str:
    """The part after the last slash of either kind."""
    return name.replace("\\", "/").rpartition("/")[2]


def iso_date(day: str) -> str:
    """The first date in a day's whole name that is one, or nothing; one with separators before one
    without."""
    base = base_name(day)
    for year, _, month, number in (*_SEPARATED.findall(base), *_EIGHT_DIGITS.findall(base)):
        try:
            return date(int(year), int(month), int(number)).isoformat()
        except ValueError:  # 2023-13-45
            continue
    return ""


def shown_part(name: str) -> str:
    """One of more than 1,024 bytes: the first 480, 32 digits of its SHA-256 and the last 480."""
    text = name.encode()
    if len(text) <= _LONGEST:
        return name
    return "…".join((_text(text[:480]), _digest(text), _text(text[-480:])))


def shown_day(name: str) -> str:
    """The same without digits next to what was cut, the SHA-256 in groups of four; with a slash
    before that if the last one was cut away, and its date behind, if it would not be found."""
    text = name.encode()
    if len(text) <= _LONGEST:
        return name
    begin = re.sub(r"[0-9]+$", "", _text(text[:480]))
    end = re.sub(r"^[0-9]+", "", _text(text[-480:]))
    cut_away = name[len(begin) : len(name) - len(end)]
    if "/" not in end.replace("\\", "/") and "/" in cut_away.replace("\\", "/"):
        start = f"{begin}…/"
    else:
        start = f"{begin}…"
    grouped = re.sub(r"(?<=.)(?=(?:.{4})+$)", "-", _digest(text))
    sold_on = iso_date(name)
    shown = f"{start}{grouped}…{end}"
    return shown if iso_date(shown) == sold_on else f"{start}{grouped}…{sold_on}…{end}"


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def _text(piece: bytes) -> str:
    return piece.decode(errors="ignore")
