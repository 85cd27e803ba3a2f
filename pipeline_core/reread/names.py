"""What names of days and parts say, and how they are shown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase

from pipeline_core.messages import Feed

_LONGEST = 1024
_SEPARATED = re.compile(r"(?<!\d)(\d{4})([-_.])(\d\d)\2(\d\d)(?!\d)", re.ASCII)
_CLOCK = "(?:[01][0-9]|2[0-3])(?:[0-5][0-9]){0,2}"
_TIME = re.compile(_CLOCK)
_PLAIN_FOLDERS = re.compile(r"/(\d{4})[-_./](\d\d)/(?:day=)?(\d\d?)\Z", re.ASCII | re.IGNORECASE)
_NAMED_FOLDERS = re.compile(
    r"/year=(\d{4})/month=(\d\d?)/(?:day=)?(\d\d?)\Z", re.ASCII | re.IGNORECASE
)
_PART = re.compile(r"(?s:.*)\.(?:json|jsonl|ndjson)(?:\.gz|\.zst)?")


def base_name(name: str) -> str:
    """The part after the last slash of either kind."""
    return name.replace("\\", "/").rpartition("/")[2]


def bare_name(name: str) -> str:
    """Without ``.gz`` or ``.zst`` at the end."""
    return re.sub(r"\.(?:gz|zst)\Z", "", name, flags=re.IGNORECASE)


def is_junk(name: str) -> bool:
    """Whether an entry is hidden, or in a hidden folder, or macOS's own."""
    *folders, base = name.replace("\\", "/").split("/")
    hidden = {each for each in folders if each.startswith(".")} - {".", ".."}
    return bool(hidden) or base.startswith(".") or "__MACOSX" in (*folders, base)


def is_archive(name: str) -> bool:
    """Whether a file of the data, or an entry, counts as a zip: by its ending, in any case."""
    return not is_junk(name) and name.lower().endswith(".zip")


def is_day(name: str, feed: Feed) -> bool:
    """Whether an archive's entry is a daily zip."""
    return is_archive(name) and not _is_ignored(name, feed)


def is_part(name: str, feed: Feed) -> bool:
    """Whether an entry is a part."""
    base = base_name(name).lower()
    bare = bare_name(base)
    further = [each.lower() for each in feed.parts]
    endings = tuple(each for each in further if each.startswith("."))
    return (
        not is_junk(name)
        and not _is_ignored(name, feed)
        and (
            _PART.fullmatch(base) is not None
            or base.endswith(endings)
            or bare.endswith(endings)
            or any(fnmatchcase(base, each) for each in further if not each.startswith("."))
        )
    )


def is_left_out(name: str, feed: Feed) -> bool:
    """Whether nobody's events are in it: SALES_IGNORE names it, or it is junk."""
    return is_junk(name) or _is_ignored(name, feed)


def _is_ignored(name: str, feed: Feed) -> bool:
    whole = name.replace("\\", "/").lower()
    patterns = [pattern.lower() for pattern in feed.ignore]
    return any(fnmatchcase(each, one) for each in (whole, base_name(whole)) for one in patterns)


def iso_date(day: str) -> str:
    """The first date in a daily zip's whole name that is one, or nothing; one with separators
    before one without."""
    base = base_name(day)
    return _first((*_separated(base), *_joined(base)))


def loose_date(part: str, archive: str) -> str:
    """The date of a part that is in no daily zip, or nothing: that of its name, else of the nearest
    folder, and in the end of its archive's name; eight digits only if none of the part's has
    separators."""
    *folders, base = part.replace("\\", "/").split("/")
    found = list(_separated(base))
    number = base.split(".")[0]
    if len(number) == 2:  # noqa: PLR2004
        found += _of_folders([*folders, number])
    for depth in range(len(folders), 0, -1):
        found += _separated(folders[depth - 1])
        found += _of_folders(folders[:depth])
    for name in (base, *reversed(folders)):
        found += _joined(name, is_word=True)
    return _first((*found, iso_date(archive)))


def folder_date(part: str) -> str:
    """The date that a part's folders say, or nothing."""
    folders = part.replace("\\", "/").rpartition("/")[0]
    return loose_date(f"{folders}/", "")


def _separated(text: str) -> Iterator[str]:
    for year, _, month, day in _SEPARATED.findall(text):
        yield from _real(year, month, day)


def _joined(text: str, *, is_word: bool = False) -> Iterator[str]:
    """Dates of eight digits, alone or with a time; if that has to be a word, no letter is next."""
    for run in re.finditer("[0-9]+", text):
        digits, clock = run[0][:8], run[0][8:]
        if len(digits) < 8 or (clock and not (digits[:2] == "20" and _TIME.fullmatch(clock))):  # noqa: PLR2004
            continue
        behind = text[run.end() :]
        zone = re.match(rf"(?:{'' if clock else f'T{_CLOCK}'}Z?)?", behind, re.IGNORECASE)
        rests = [behind, behind[zone.end() :] if zone else behind]
        is_alone = not text[: run.start()][-1:].isalnum()
        if not is_word or (is_alone and any(not rest[:1].isalnum() for rest in rests)):
            yield from _real(digits[:4], digits[4:6], digits[6:])


def _of_folders(folders: list[str]) -> Iterator[str]:
    """That of the last ones: a year, a month and a day."""
    names = "/".join(["", *folders])
    for pattern in (_PLAIN_FOLDERS, _NAMED_FOLDERS):
        if found := pattern.search(names):
            yield from _real(*found.groups())


def _real(year: str, month: str, day: str) -> Iterator[str]:
    try:
        yield date(int(year), int(month), int(day)).isoformat()
    except ValueError:  # 2023-13-45
        return


def _first(dates: tuple[str, ...]) -> str:
    return dates[0] if dates else ""


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
