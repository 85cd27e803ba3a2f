"""The events of a part as the oracle finds them: all bytes in memory, and every shape tried."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from itertools import accumulate
from typing import Any, NamedTuple

zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

DEEPEST = 256  # brackets open at once
BLANK = b" \t\r\n"
SKIPPED_FRAMES = tuple(bytes([n]) + b"\x2a\x4d\x18" for n in range(0x50, 0x60))


class Integer(int):
    """An integer that knows how it was written."""

    text: str


class Float(float):
    """Another number that knows how it was written."""

    text: str


class NotEvents(ValueError):
    """The part cannot be read."""


class Envelope(NamedTuple):
    """What tells events from what holds them: paths as key after key."""

    type_path: str
    records: str | None
    items: str | None
    purchase_types: frozenset[str]


def events_of(content: bytes, envelope: Envelope) -> list[Any]:
    """Raises NotEvents."""
    data = unpacked(content)
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(BLANK)
    if data.startswith(b"["):
        return _array(data)
    first = _first_value(data)
    if first is None:
        if any(isinstance(_value_or_none(line), dict) for line in data.split(b"\n")[1:]):
            return _lines(data, envelope)
        raise NotEvents("it is neither events nor lines")
    rest = data[len(first) :]
    if not rest.strip(BLANK):
        value = _valid(first)
        held = _held(value, envelope)
        return [value] if held is None else held
    if b"\n" not in first and rest.lstrip(b" \t\r").startswith(b"\n"):
        return _lines(data, envelope)
    if any(_is_envelope(value, envelope) for value in _first_values(data)):
        return _of_envelopes(data, envelope)
    return _values(data)


def events_of_array(content: bytes) -> list[Any] | None:
    """The events of a part that is one array; None of anything else."""
    data = content.removeprefix(b"\xef\xbb\xbf").lstrip(BLANK)
    try:
        return _array(data)
    except NotEvents:
        return None


def lookup(holder: Any, path: str) -> list[Any]:
    """What is at a path: one value, or none. The key as a whole comes first."""
    if not isinstance(holder, dict):
        return []
    if path in holder:
        return [holder[path]]
    key, dot, rest = path.partition(".")
    return lookup(holder[key], rest) if dot and key in holder else []


def unpacked(content: bytes) -> bytes:
    """What comes out of a packed part, or the part. Raises NotEvents."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return gzip.decompress(content)
        if content.startswith((b"\x28\xb5\x2f\xfd", *SKIPPED_FRAMES)):
            return bytes(zstd.decompress(content))
    except (OSError, EOFError, zlib.error, zstd.ZstdError) as error:
        raise NotEvents(str(error)) from error
    return content


def _array(data: bytes) -> list[Any]:
    events = _valid(data)
    if not isinstance(events, list):
        raise NotEvents("it is not an array")
    return events


def _values(data: bytes) -> list[Any]:
    try:
        return _one_after_another(data)
    except (ValueError, RecursionError) as error:
        raise NotEvents(str(error)) from error


def _first_values(data: bytes) -> Iterator[Any]:
    """The first 100 that are objects or arrays."""
    for _ in range(100):
        data = data.lstrip(BLANK)
        try:
            _, end = _decoder.raw_decode(data.decode("latin-1"))  # the place in bytes
        except (ValueError, RecursionError):
            return
        value = _value_or_none(data[:end])
        if not isinstance(value, (dict, list)):
            return
        yield value
        data = data[end:]


def _of_envelopes(data: bytes, envelope: Envelope) -> list[Any]:
    events: list[Any] = []
    for value in _values(data):
        held = _held(value, envelope) if isinstance(value, dict) else None
        if held is None:
            raise NotEvents("something stands among envelopes")
        events += held
    return events


def _lines(data: bytes, envelope: Envelope) -> list[Any]:
    lines = data.split(b"\n")
    events: list[Any] = []
    if any(_is_envelope(_value_or_none(line), envelope) for line in lines[:100]):
        return _of_envelopes(data, envelope)
    for number, line in enumerate(lines, 1):
        found = _values_or_none(line)
        if found is None and number == len(lines):
            raise NotEvents("its last line is cut off")
        if found is None or _depth(line.decode()) > DEEPEST:
            found = [line.decode(errors="replace")]
        events += found
    return events


class Holder(dict[str, Any]):
    """An object that knows all its keys and values, of equal keys all."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class Held(NamedTuple):
    """An array in an object."""

    path: tuple[str, ...]
    items: list[Any]
    is_twice: bool  # or a key that leads to it


def _held(value: Any, envelope: Envelope) -> list[Any] | None:
    """The events of an envelope; None of an event. Raises NotEvents."""
    arrays = [each for each in _arrays(value) if ".".join(each.path) != _own(envelope)]
    of_objects = [each for each in arrays if each.items and isinstance(each.items[0], dict)]
    has_type = bool(lookup(value, envelope.type_path))
    if envelope.records is None and _is_purchase(value, envelope):
        return None
    if envelope.records is not None:
        found = [each for each in arrays if ".".join(each.path) == envelope.records]
    elif has_type:
        is_only = len({each.path for each in of_objects}) == 1
        found = of_objects if is_only and _have_type(of_objects, envelope) else []
    else:
        found = of_objects
    if len(found) == 1 and not found[0].is_twice:
        return list(found[0].items)
    if has_type and not found:
        return None
    raise NotEvents("it is one object, without an array of events, or with several")


def _own(envelope: Envelope) -> str | None:
    return envelope.items.split("[]")[0] if envelope.items else None


def _is_purchase(value: Any, envelope: Envelope) -> bool:
    types = lookup(value, envelope.type_path)
    return any(isinstance(each, str) and each in envelope.purchase_types for each in types)


def _have_type(arrays: list[Held], envelope: Envelope) -> bool:
    return any(each.items and lookup(each.items[0], envelope.type_path) for each in arrays)


def _is_envelope(value: Any, envelope: Envelope) -> bool:
    """Is one of several values an envelope for certain?"""
    if not isinstance(value, dict):
        return False
    try:
        if _held(value, envelope) is None:
            return False
    except NotEvents:
        pass
    arrays = [each for each in _arrays(value) if ".".join(each.path) != _own(envelope)]
    if envelope.records is not None:
        return any(".".join(each.path) == envelope.records for each in arrays)
    if lookup(value, envelope.type_path):
        firsts = [each.items[0] for each in arrays if each.items]
        return not _is_purchase(value, envelope) and any(_is_purchase(i, envelope) for i in firsts)
    return _have_type(arrays, envelope)


def _arrays(value: Any, above: tuple[str, ...] = (), *, is_twice: bool = False) -> list[Held]:
    found: list[Held] = []
    for key, inner in value.pairs:
        again = is_twice or [name for name, _ in value.pairs].count(key) > 1
        if isinstance(inner, list):
            found.append(Held((*above, key), inner, again))
        elif isinstance(inner, dict):
            found += _arrays(inner, (*above, key), is_twice=again)
    return found


# --- JSON ----------------------------------------------------------------------------------------


def _first_value(data: bytes) -> bytes | None:
    """The text of the object that the part begins with."""
    if not data.startswith(b"{"):
        return None
    try:
        # JSON's own characters are ASCII, so places in this text are places in the bytes.
        _, end = _decoder.raw_decode(data.decode("latin-1"))
    except (ValueError, RecursionError):
        return None
    return None if _values_or_none(data[:end]) is None else data[:end]


def _values_or_none(text: bytes) -> list[Any] | None:
    """JSON values one after another, however deep."""
    try:
        return _one_after_another(text, sys.maxsize)
    except (ValueError, RecursionError):
        return None


def _value_or_none(line: bytes) -> Any:
    """The only value, however deep."""
    found = _values_or_none(line)
    return found[0] if found and len(found) == 1 else None


def _valid(data: bytes) -> Any:
    try:
        return json_value(data)
    except (ValueError, RecursionError) as error:
        raise NotEvents(str(error)) from error


def json_value(data: bytes) -> Any:
    """One value. Raises ValueError or RecursionError."""
    [value] = _one_after_another(data)
    return value


def _one_after_another(data: bytes, deepest: int = DEEPEST) -> list[Any]:
    text = data.decode().strip(" \t\r\n")
    values = []
    while text:
        value, end = _decoder.raw_decode(text)
        if _depth(text[:end]) > deepest:
            raise ValueError("it is nested too deep")
        if re.match("[0-9]{2}", text[end - 1 : end + 1]):
            raise ValueError("a number begins with 0")
        values.append(value)
        text = text[end:].lstrip(" \t\r\n")
    return values


def _depth(text: str) -> int:
    brackets = re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL)
    steps = (1 if each in ("[", "{") else -1 if each in ("]", "}") else 0 for each in brackets)
    return max(accumulate(steps), default=0)


def _integer(text: str) -> Integer:
    # int() stops at 4,300 digits.
    number = Integer(text if len(text) < 4000 else int(Decimal(text)))
    number.text = text
    return number


def _float(text: str) -> Float:
    number = Float(text)
    number.text = text
    return number


def _refuse(constant: str) -> float:
    raise ValueError(constant)


_decoder = json.JSONDecoder(
    parse_int=_integer, parse_float=_float, parse_constant=_refuse, object_pairs_hook=Holder
)
