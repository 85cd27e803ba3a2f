"""What a setting may be: read from the text of a variable, or as a program gave it."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from math import isnan
from typing import Protocol

from pipeline_core.configuration.web_url import check_address

# What every clock, and JSON, can hold: more is a slip of the hand that only a run would notice.
MOST = 1_000_000_000_000_000
_NUMBER = "it is a number, such as 2 or 0.05 (which is 5 %)"
_WHOLE = "it is a whole number"
_BOOLEAN = "it is true or false"
_DIGITS = re.compile(r"\s*([+-]?\d+(?:_\d+)*)(?:\.0+)?\s*", re.ASCII)
_LONGEST = 4000  # digits; Python itself reads no more than 4,300
_TRUE, _FALSE = ("true", "1", "yes", "on", "t", "y"), ("false", "0", "no", "off", "f", "n")


class SecretStr:
    """A text that neither ``str`` nor ``repr`` shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __repr__(self) -> str:
        return "SecretStr('**********')" if self._text else "SecretStr('')"

    __str__ = __repr__


class SettingKind(Protocol):
    """How a value is read. ``values`` says what a setting takes, for the reference; nothing if it
    is any text."""

    values: str

    def read(self, value: object) -> object:
        """Raises ValueError, which says what is allowed and never what was given."""


class Text:
    """Any text."""

    values = ""

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("it is a text")  # noqa: TRY004  (who sets it reads why)
        return value


class Secret:
    """Any text, which is shown to nobody."""

    values = ""

    def read(self, value: object) -> SecretStr:
        return value if isinstance(value, SecretStr) else SecretStr(Text().read(value))


class Address:
    """A host name or an IP address, and nothing more."""

    values = ""

    def read(self, value: object) -> str:
        text = Text().read(value)
        check_address(text)
        return text


class Boolean:
    """Yes or no, in the usual words."""

    values = "`true`, `false`"

    def read(self, value: object) -> bool:
        text = str(value).lower() if isinstance(value, (str, int)) else ""
        if text not in _TRUE + _FALSE:
            raise ValueError(_BOOLEAN)
        return text in _TRUE


class OneOf:
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.values = ", ".join(f"`{word}`" for word in words)

    def read(self, value: object) -> str:
        if isinstance(value, str) and value in self.words:
            return value
        raise ValueError(f"it is {', '.join(self.words[:-1])} or {self.words[-1]}")


class Whole:
    """A whole number within bounds."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most
        self.values = f"{least:,} to {most:,}"

    def read(self, value: object) -> int:
        if isinstance(value, str):
            found = _DIGITS.fullmatch(value)
            if found is None:
                raise ValueError(_WHOLE)
            if len(found[1]) > _LONGEST:
                raise ValueError("it is too large")
            number = int(found[1])
        elif isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            number = int(value)
        else:
            raise ValueError(_WHOLE)
        _check_bounds(number, self.least, self.most)
        return number


class Number:
    """A number within bounds."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most
        self.values = f"{least:,} to {most:,}"

    def read(self, value: object) -> float:
        try:
            number = float(value) if isinstance(value, (str, int, float, Decimal)) else float("nan")
        except (ValueError, OverflowError):
            raise ValueError(_NUMBER) from None
        if isnan(number):
            raise ValueError(_NUMBER)
        _check_bounds(number, self.least, self.most)
        return number


class ExactShare:
    """0 to 1, as exact as it is written: a float of 0.3 is less than 0.3."""

    values = "0 to 1"

    def read(self, value: object) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise ValueError(_NUMBER) from None
        if not number.is_finite():
            raise ValueError(_NUMBER)
        _check_bounds(number, 0, 1)
        return number


def _check_bounds(number: float | Decimal, least: int, most: int) -> None:
    if number < least:
        raise ValueError(f"it is {least} or more")
    if number > most:
        raise ValueError(f"it is {most} or less")


TEXT, SECRET, ADDRESS, BOOLEAN, SHARE = Text(), Secret(), Address(), Boolean(), ExactShare()
SECONDS = Whole(1, 1_000_000_000)
COUNT = Whole(1, MOST)
