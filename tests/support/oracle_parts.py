"""The events of a part as the oracle finds them: all bytes in memory, and every shape tried."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from decimal import Decimal
from importlib import import_module
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


def events_of(content: bytes, envelope: Envelope) -> list[Any]:
    """Raises NotEvents."""
    data = _unpacked(content)
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(BLANK)
    if data.startswith(b"["):
        return _array(data)
    first = _first_value(data)
    if first is None:
        if any(_is_object(line) for line in data.split(b"\n")[1:]):
            return _lines(data)
        raise NotEvents("it is neither events nor lines")
    rest = data[len(first) :]
    if not rest.strip(BLANK):
        return _single(json_value(first), envelope)
    if b"\n" not in first and rest.lstrip(b" \t\r").startswith(b"\n"):
        return _lines(data)
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


def _unpacked(content: bytes) -> bytes:
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


def _lines(data: bytes) -> list[Any]:
    *lines, last = data.split(b"\n")
    events: list[Any] = []
    for line in lines:
        try:
            events += _one_after_another(line)
        except (ValueError, RecursionError):
            events.append(line.decode(errors="replace"))
    return events + _values(last)


def _single(value: Any, envelope: Envelope) -> list[Any]:
    """One object: an envelope, or an event."""
    has_type = bool(lookup(value, envelope.type_path))
    if envelope.records is not None:
        named = lookup(value, envelope.records)
        if named and isinstance(named[0], list):
            return list(named[0])
    elif not has_type:
        own = envelope.items.split("[]")[0] if envelope.items else None
        items = lookup(value, own) if own else []
        arrays = [array for array in _arrays(value) if not any(array is each for each in items)]
        of_objects = [array for array in arrays if array and isinstance(array[0], dict)]
        if len(of_objects) == 1:
            return of_objects[0]
        if arrays == [[]]:
            return []
    if has_type:
        return [value]
    raise NotEvents("it is one object, without an array of events, or with several")


def _arrays(value: dict[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for inner in value.values():
        if isinstance(inner, list):
            found.append(inner)
        elif isinstance(inner, dict):
            found += _arrays(inner)
    return found


# --- JSON ----------------------------------------------------------------------------------------


def _first_value(data: bytes) -> bytes | None:
    """The text of the object that the part begins with."""
    if not data.startswith(b"{"):
        return None
    try:
        # JSON's own characters are ASCII, so places in this text are places in the bytes.
        _, end = _decoder.raw_decode(data.decode("latin-1"))
        json_value(data[:end])
    except (ValueError, RecursionError):
        return None
    return data[:end]


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json_value(line), dict)
    except (ValueError, RecursionError):
        return False


def _valid(data: bytes) -> Any:
    try:
        return json_value(data)
    except (ValueError, RecursionError) as error:
        raise NotEvents(str(error)) from error


def json_value(data: bytes) -> Any:
    """One value. Raises ValueError or RecursionError."""
    [value] = _one_after_another(data)
    return value


def _one_after_another(data: bytes) -> list[Any]:
    text = data.decode().strip(" \t\r\n")
    values = []
    while text:
        value, end = _decoder.raw_decode(text)
        _check_depth(text[:end])
        if re.match("[0-9]{2}", text[end - 1 : end + 1]):
            raise ValueError("a number begins with 0")
        values.append(value)
        text = text[end:].lstrip(" \t\r\n")
    return values


def _check_depth(text: str) -> None:
    depth = 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        depth += 1 if token in ("[", "{") else -1 if token in ("]", "}") else 0
        if depth > DEEPEST:
            raise ValueError("it is nested too deep")


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


_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refuse)
