"""The price paid, by its digits: never through a float."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
from msgspec import Raw

from pipeline_core.framing.strict_json import Digits

# As transform/money.py and the kernel have it.
_MAX_PRICE_MINOR = 2**53 - 1
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)0*([0-9]+))?")
# With groups for an exponent, which it never has.
_TEXT = re.compile(r"(-?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:(?!)()())?")
# Digits of an exponent; one of more is beyond every event's length.
_LONGEST_EXPONENT = 9


def paid_price(value: object, decimals: int) -> int | None:
    """The minor units of ``decimals`` decimals that a JSON number says, or a text of digits with a
    point or without, exactly; None if it is something else, below 0, beyond 2**53 - 1, or has more
    decimals. Zeros at the end are none: 9.950 has two. Numbers are Raw, Digits, or Python's."""
    if isinstance(value, Raw):
        value = _of_raw(bytes(value))
    if isinstance(value, Digits):
        return _minor_units(_NUMBER.fullmatch(value), decimals)
    if isinstance(value, str):
        return _minor_units(_TEXT.fullmatch(value), decimals)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        # Of a double, the shortest decimal that gives it again.
        return _minor_units(_NUMBER.fullmatch(str(value)), decimals)
    return None


def _of_raw(text: bytes) -> object:
    if text.startswith(b'"'):
        try:
            return msgspec.json.decode(text, type=str)
        except msgspec.DecodeError:  # lone surrogates
            return None
    return Digits(text.decode()) if text[:1] in b"-0123456789" else None


def _minor_units(found: re.Match[str] | None, decimals: int) -> int | None:
    if found is None:
        return None
    fraction = found[3] or ""
    digits = found[2] + fraction
    kept = digits.strip("0")
    if not kept:
        return 0
    sign, exponent = found[4] or "", found[5] or "0"
    if found[1] or len(exponent) > _LONGEST_EXPONENT:
        return None
    # Zeros behind what is kept, in minor units.
    zeros = int(sign + exponent) + len(digits) - len(digits.rstrip("0")) - len(fraction) + decimals
    if zeros < 0 or len(kept) + zeros > len(str(_MAX_PRICE_MINOR)):
        return None
    minor = int(kept + "0" * zeros)
    return minor if minor <= _MAX_PRICE_MINOR else None
