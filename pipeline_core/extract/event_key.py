"""By what an event is known if it is sent twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii

from pipeline_core.framing.field_paths import MISSING
from pipeline_core.framing.strict_json import Digits

_LITERALS = {True: "true", False: "false", None: "null"}


class _Mark(str):
    """A text that is written as it stands."""

    __slots__ = ()


_COMMA, _COLON = _Mark(","), _Mark(":")


def event_key(values: Sequence[object]) -> bytes | None:
    """SHA-256 of the values' canonical JSON, a missing or empty one being null; None if none is
    there.

    Texts are equal by their characters, numbers by their digits as written, objects whatever the
    order of their keys; a text is no number.
    """
    found = [None if value is MISSING or value == "" else value for value in values]
    if all(value is None for value in found):
        return None
    return hashlib.sha256(canonical(found).encode()).digest()


def canonical(value: object) -> str:
    """JSON of a value with Digits, keys in order. However deep it is: what waits to be written is
    on a list, not on Python's stack."""
    written, waiting = list[str](), [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _Mark | Digits):
            written.append(each)
        elif isinstance(each, str):
            written.append(encode_basestring_ascii(each))
        elif isinstance(each, list):
            waiting += reversed(_bracketed("[", ([item] for item in each), "]"))
        elif isinstance(each, dict):
            pairs = ([key, _COLON, each[key]] for key in sorted(each))
            waiting += reversed(_bracketed("{", pairs, "}"))
        else:
            written.append(_LITERALS[each])  # type: ignore[index]
    return "".join(written)


def _bracketed(opening: str, entries: Iterable[Sequence[object]], closing: str) -> list[object]:
    found: list[object] = [_Mark(opening)]
    for number, entry in enumerate(entries):
        found += [_COMMA, *entry] if number else entry
    return [*found, _Mark(closing)]
