"""The standard library's decoder, made strict: what it refuses is no JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NoReturn

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.windows import Window

MAX_QUANTITY = 2**31 - 1
_LONGEST_INT = len(str(-MAX_QUANTITY))
_INT_DIGITS = 4300  # that Python takes from text at most
_BLANKS = re.compile(r"[ \t\n\r]*")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    # Python refuses ints of over 4,300 digits; all beyond 32 bits are alike here.
    return int(digits) if len(digits) <= _LONGEST_INT else MAX_QUANTITY + 1


def _exact_int(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _INT_DIGITS else Decimal(digits)


STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_bounded_int)
# The same, with every number as it is.
EXACT = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_exact_int)


def strict_items(
    window: Window, decoder: json.JSONDecoder = STRICT
) -> Iterator[tuple[object, str]]:
    """Items of the array with their text, by the standard library's decoder."""
    text = window.text.decode()
    place = _BLANKS.match(text, 1).end()  # type: ignore[union-attr]
    try:
        if text[place : place + 1] == "]":
            separator = "]"
        else:
            separator = ","
            while separator == ",":
                value, end = decoder.raw_decode(text, place)
                yield value, text[place:end]
                end = _BLANKS.match(text, end).end()  # type: ignore[union-attr]
                separator = text[end : end + 1]
                place = _BLANKS.match(text, end + 1).end()  # type: ignore[union-attr]
        if separator != "]":
            raise ValueError("expected ',' or ']'")
        if text[place:].strip(" \t\n\r"):
            raise ValueError("there is more text after the array")
    except json.JSONDecodeError as error:
        place = error.pos
        raise _not_json(window, text, place, error.msg) from error
    except RecursionError as error:
        raise UnreadablePart("the part is nested too deeply") from error
    except ValueError as error:
        raise _not_json(window, text, place, str(error)) from error


def _not_json(window: Window, text: str, place: int, cause: str) -> UnreadablePart:
    byte = window.offset + len(text[:place].encode())
    return UnreadablePart(f"the part is not a JSON array: {cause} at byte {byte}")
