"""The standard library's decoder, made strict: what it refuses is no JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NoReturn

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.windows import Shape, Window

MAX_QUANTITY = 2**31 - 1
LONGEST_INT = len(str(-MAX_QUANTITY))
_INT_DIGITS = 4300  # that Python takes from text at most
_BLANKS = re.compile(r"[ \t\n\r]*")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    # Python refuses ints of over 4,300 digits; all beyond 32 bits are alike here.
    return int(digits) if len(digits) <= LONGEST_INT else MAX_QUANTITY + 1


def _exact_int(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _INT_DIGITS else Decimal(digits)


class Pairs(list[tuple[str, object]]):
    """The keys and values of an object, all of them, in their order."""


class Digits(str):
    """A number as it is written."""

    __slots__ = ()


STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_int)
# The same, with every number as it is.
EXACT = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_exact_int)
# The same, with every number as it is written.
WRITTEN = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=Digits, parse_float=Digits)
# The same as STRICT, with every key of an object.
PAIRS = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_int=_bounded_int, object_pairs_hook=Pairs
)


def values_of(text: str, decoder: json.JSONDecoder) -> Iterator[tuple[object, int, int]]:
    """JSON values one after another, each with its first place and the one after its last.

    Raises:
        ValueError: one is no JSON.
        RecursionError: one is nested too deeply.
    """
    place = _blanks_end(text, 0)
    while place < len(text):
        value, end = _decoded(decoder, text, place)
        yield value, place, end
        if text[end : end + 1].isdecimal() and text[end - 1].isdecimal():  # 01
            raise json.JSONDecodeError("a number begins with 0", text, place)
        place = _blanks_end(text, end)


def _decoded(decoder: json.JSONDecoder, text: str, place: int) -> tuple[object, int]:
    try:
        return decoder.raw_decode(text, place)
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # NaN
        raise json.JSONDecodeError(str(error), text, place) from error


def _blanks_end(text: str, place: int) -> int:
    return _BLANKS.match(text, place).end()  # type: ignore[union-attr]


def strict_items(
    window: Window, decoder: json.JSONDecoder = STRICT
) -> Iterator[tuple[object, int, int]]:
    """Events of an array, or of values one after another, by the standard library's decoder, each
    with the place of its first character and of the one after its last. Raises UnreadablePart if
    they are none."""
    text = window.text.decode()
    try:
        items = _array_items if window.shape is Shape.ARRAY else values_of
        yield from items(text, decoder)
    except json.JSONDecodeError as error:
        raise _not_json(window, text, error.pos, error.msg) from error
    except RecursionError as error:
        raise UnreadablePart("the part is nested too deeply") from error


def _array_items(text: str, decoder: json.JSONDecoder) -> Iterator[tuple[object, int, int]]:
    place = _blanks_end(text, 1)
    if text[place : place + 1] == "]":
        separator, end = "]", place
    else:
        separator = ","
        while separator == ",":
            value, end = _decoded(decoder, text, place)
            yield value, place, end
            end = _blanks_end(text, end)
            separator = text[end : end + 1]
            place = _blanks_end(text, end + 1)
    if separator != "]":
        raise json.JSONDecodeError("expected ',' or ']'", text, end)
    if text[end + 1 :].strip(" \t\n\r"):
        raise json.JSONDecodeError("there is more text after the array", text, end + 1)


def _not_json(window: Window, text: str, place: int, cause: str) -> UnreadablePart:
    byte = window.offset + len(text[:place].encode())
    kind = "a JSON array" if window.shape is Shape.ARRAY else "JSON values one after another"
    # Of the standard library, some causes end in the word that the place follows.
    return UnreadablePart(f"the part is not {kind}: {cause.removesuffix(' at')} at byte {byte}")
