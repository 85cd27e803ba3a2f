"""What to do about inputs that cannot be read, where their causes say it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WIDE = re.compile(r"begins like text in (UTF-16|UTF-32)")
_NOT_UTF8 = re.compile(r"the part is not UTF-8")
_HOLDS = re.compile(r"holds no (?:part|day), but (.*)")
_ENDING = re.compile(r"\d (\.\w+(?:\.\w+)*)")
# What programs of an office and of Windows write where nobody asks for another one.
_LIKELIEST = "WINDOWS-1252"
# Of these another ending makes nothing that is read.
_NO_TEXT = frozenset([".zip", ".gz", ".zst", ".parquet", ".csv", ".xlsx", ".xml"])


def how_to_mend(causes: Iterable[str]) -> str:
    """Sentences; empty if no cause says more than that somebody has to look."""
    encodings, endings = dict[str, None](), set[str]()
    for cause in causes:
        if (wide := _WIDE.search(cause)) is not None:
            encodings[wide[1]] = None
        elif _NOT_UTF8.search(cause):
            encodings[_LIKELIEST] = None
        elif (held := _HOLDS.search(cause)) is not None:
            endings.update(set(_ENDING.findall(held[1])) - _NO_TEXT)
    told = []
    if encodings:
        commands = " or ".join(f"`iconv -f {each} -t UTF-8 PART > CONVERTED`" for each in encodings)
        told.append(f"Text has to be UTF-8: {commands} converts a part; pack it again.")
    if endings:
        told.append(f"If they hold events, SALES_PARTS={','.join(sorted(endings))} has them read.")
    return " ".join(told)
