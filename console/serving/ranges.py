"""The part of a file that a request asks for, by Range and If-Range (RFC 9110, 13 and 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

# One stretch: several are answered with the whole file, as the RFC allows.
_ONE = re.compile(r"bytes=[ \t]*([0-9]{0,20})-([0-9]{0,20})[ \t]*", re.IGNORECASE)


class Stretch(NamedTuple):
    """The bytes from ``begin`` up to ``end``, which is not among them."""

    begin: int
    end: int


class OutsideError(Exception):
    """No byte of the file is in what was asked for."""


def parse_range(header: str | None, condition: str | None, etag: str, size: int) -> Stretch | None:
    """What to send of a file of ``size`` bytes; None is the whole.

    ``header`` is Range, ``condition`` If-Range: unless it is the file's ``etag``, the client has a
    part of another version. What is not understood counts for nothing.

    Raises:
        OutsideError: the stretch begins where the file ends, or is empty.
    """
    found = _ONE.fullmatch(header or "")
    if found is None or condition not in (None, etag) or size == 0:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < begin:
            return None
    if begin >= size:
        raise OutsideError
    return Stretch(begin, end)
