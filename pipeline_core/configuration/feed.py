"""What the settings of a shop's feed say: names, conditions and patterns, as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

OURS = ("event_type", "customer_id", "product_id", "quantity")

_MOST_UNITS = 2**31 - 1
_LIST = "[]"
_NUMBER = re.compile(r"number(?::([0-9]{1,10}))?")


class Comparison(NamedTuple):
    """A condition of SALES_ONLY."""

    path: str
    is_equal: bool
    values: tuple[str, ...]


class Quantities(NamedTuple):
    """What SALES_QUANTITY says: whether any number is taken, and what a missing one counts as."""

    is_any_number: bool
    missing: int | None


def parse_fields(text: str) -> dict[str, str]:
    """The path of each of OURS, by its name.

    Raises:
        ValueError: an entry is no ``ours=path``, names what is none of ours, or one twice; or two
            of ours have one path.
    """
    paths = dict(zip(OURS, OURS, strict=True))
    named = set[str]()
    for entry in _entries(text):
        ours, is_path, path = (each.strip() for each in entry.partition("="))
        if not is_path:
            raise ValueError(f"{entry!r} is no name=path, such as customer_id=user.id")
        if ours not in paths:
            raise ValueError(f"{ours!r} is none of our names: {', '.join(OURS)}")
        if ours in named:
            raise ValueError(f"{ours} stands twice")
        if not path:
            raise ValueError(f"{ours} has an empty path")
        named.add(ours)
        paths[ours] = path
    for path in paths.values():
        if len(sharing := [ours for ours, its in paths.items() if its == path]) > 1:
            raise ValueError(f"{' and '.join(sharing)} have one path, {path!r}; each needs its own")
    return paths


def parse_names(text: str) -> tuple[str, ...]:
    """Types, paths, endings or patterns with commas in between, each once."""
    return tuple(dict.fromkeys(_entries(text)))


def parse_each_once(text: str) -> tuple[str, ...]:
    """Names with commas in between. Raises ValueError if one stands twice."""
    named = list(_entries(text))
    for name in named:
        if named.count(name) > 1:
            raise ValueError(f"{name} stands twice")
    return tuple(named)


def parse_types(text: str) -> tuple[str, ...]:
    """The types that are purchases. Raises ValueError if there is none."""
    types = parse_names(text)
    if not types:
        raise ValueError("no type in it; then nothing would be a purchase")
    return types


def parse_parts(text: str) -> tuple[str, ...]:
    """Endings and patterns. Raises ValueError for what can fit no base name."""
    parts = parse_names(text)
    for each in parts:
        if "/" in each or each == ".":
            raise ValueError(f"{each!r} is no ending, such as .log, and no pattern of file names")
    return parts


def parse_path(text: str) -> str:
    """One path. Raises ValueError if it is empty."""
    if not (path := text.strip()):
        raise ValueError("an empty path")
    return path


def parse_price_field(text: str, fields: str) -> str:
    """The path of the price that was paid, beside ``fields`` (see `parse_fields`).

    Raises:
        ValueError: it is empty, or that of another field.
    """
    path = parse_path(text)
    for ours, its in parse_fields(fields).items():
        if its == path:
            raise ValueError(f"{path!r} is {ours}")
    return path


def parse_items(text: str) -> str:
    """The path of an order's items. Raises ValueError if it does not lead to a list."""
    path = parse_path(text)
    if not path.endswith(_LIST):
        raise ValueError(f"{path!r} does not end with []; write {path}[] if that is a list")
    if not all(step.strip(".") for step in path.removesuffix(_LIST).split(_LIST)):
        raise ValueError(f"{path!r} has an empty path before a []")
    return path


def parse_only(text: str) -> tuple[Comparison, ...]:
    """The conditions that an event has to meet. Raises ValueError if one is none."""
    return tuple(map(_comparison, _entries(text)))


def parse_quantity(text: str) -> Quantities:
    """Raises ValueError if it is none of the forms, or no number of units."""
    if text == "integer":
        return Quantities(is_any_number=False, missing=None)
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is none of integer, number and number:1")
    missing = None if found[1] is None else int(found[1])
    if missing is not None and not 1 <= missing <= _MOST_UNITS:
        raise ValueError(f"{missing} is not a number of units from 1 to {_MOST_UNITS}")
    return Quantities(is_any_number=True, missing=missing)


def _comparison(entry: str) -> Comparison:
    path, is_condition, values = entry.partition("=")
    path, is_equal = path.removesuffix("!").strip(), not path.endswith("!")
    if not is_condition or not path:
        raise ValueError(f"{entry!r} is no condition, such as status=paid|sent or test!=true")
    return Comparison(path, is_equal, tuple(each.strip() for each in values.split("|")))


def _entries(text: str) -> Iterable[str]:
    return filter(None, map(str.strip, text.split(",")))
