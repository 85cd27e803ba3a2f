"""A shop's SALES_* settings, and what they make of names of entries and of fields of events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.support.oracle_parts import Envelope, Float, Integer, lookup

LARGEST_QUANTITY = 2**31 - 1
OWN_NAMES = ("event_type", "customer_id", "product_id", "quantity")
ENDINGS = tuple(
    f".{kind}{packed}" for kind in ("json", "jsonl", "ndjson") for packed in ("", ".gz", ".zst")
)


class Counted(NamedTuple):
    """What counts as one event: an item of an order, or an event."""

    position: int | str  # event, or `event/item`, both from 0
    value: object
    order: object  # where a field is looked for that an item has not


@dataclass(frozen=True)
class Feed:
    """The settings, taken apart."""

    paths: dict[str, str] = field(default_factory=lambda: {name: name for name in OWN_NAMES})
    purchase_types: tuple[str, ...] = ("purchase",)
    return_types: tuple[str, ...] = ()
    any_ids: bool = False
    records: str | None = None
    parts: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    items: str | None = None
    only: tuple[tuple[str, bool, list[str]], ...] = ()  # path, whether equal, texts
    any_number: bool = False
    missing_quantity: int | None = None
    event_id: tuple[str, ...] = ()
    price: str | None = None
    price_decimals: int = 2
    returns: str = "reject"  # SALES_RETURNS

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Feed:
        """By the texts of the environment, which are right."""
        paths = {name: name for name in OWN_NAMES}
        paths |= dict(pair.split("=", 1) for pair in _listed(settings, "SALES_FIELDS"))
        numbers, _, missing = settings.get("SALES_QUANTITY", "integer").partition(":")
        return cls(
            paths=paths,
            purchase_types=_listed(settings, "SALES_PURCHASE_TYPES") or ("purchase",),
            return_types=_listed(settings, "SALES_RETURN_TYPES"),
            any_ids=settings.get("SALES_IDS") == "any",
            records=settings.get("SALES_RECORDS") or None,
            parts=_listed(settings, "SALES_PARTS"),
            ignore=_listed(settings, "SALES_IGNORE"),
            items=settings.get("SALES_ITEMS") or None,
            only=tuple(map(_condition, _listed(settings, "SALES_ONLY"))),
            any_number=numbers == "number",
            missing_quantity=int(missing) if missing else None,
            event_id=_listed(settings, "SALES_EVENT_ID"),
            price=settings.get("SALES_PRICE_FIELD") or None,
            price_decimals=int(settings.get("SALES_PRICE_DECIMALS", "2")),
        )

    @property
    def envelope(self) -> Envelope:
        """What tells an envelope from an event."""
        types = frozenset(self.purchase_types + self.return_types)
        return Envelope(self.paths["event_type"], self.records, self.items, types)

    # --- names of entries --------------------------------------------------------------------

    def is_ignored(self, name: str) -> bool:
        """Whether an entry is passed over by SALES_IGNORE."""
        whole = name.replace("\\", "/").lower()
        return any(
            fnmatchcase(text, pattern.lower())
            for pattern in self.ignore
            for text in (whole, whole.rpartition("/")[2])
        )

    def is_part(self, name: str) -> bool:
        """Whether an entry's name is a part's."""
        base = name.replace("\\", "/").rpartition("/")[2].lower()
        own = [each.lower() for each in self.parts if each.startswith(".")]
        endings = (
            *ENDINGS,
            *own,
            *(f"{each}{packed}" for each in own for packed in (".gz", ".zst")),
        )
        patterns = [each.lower() for each in self.parts if not each.startswith(".")]
        return base.endswith(endings) or any(fnmatchcase(base, each) for each in patterns)

    # --- fields of events --------------------------------------------------------------------

    def counted(self, number: int, event: object) -> list[Counted]:
        """Event `number` of a part, or its items."""
        if self.items is None or not isinstance(event, dict):
            return [Counted(number, event, event)]
        found = _items(event, self.items)
        if not found:
            return [Counted(number, NotObject() if found is None else NoItems(), event)]
        return [Counted(f"{number}/{n}", item, event) for n, item in enumerate(found)]

    def get(self, counted: Counted, name: str) -> Any:
        """The value of one of our four fields; None where there is none."""
        return next(iter(self._found(counted, self.paths[name])), None)

    def _found(self, counted: Counted, path: str) -> list[Any]:
        return lookup(counted.value, path) or lookup(counted.order, path)

    def judge_type(self, counted: Counted) -> str:
        """`purchase`, `not_purchase`, or the reason that the type speaks against the event."""
        if not isinstance(counted.order, dict):
            return "not_an_object"
        if not self._is_met(counted):
            return "not_purchase"
        kind = self.get(counted, "event_type")
        if not isinstance(kind, str):
            return "invalid_event_type"
        is_known = kind in self.purchase_types or kind in self.return_types
        if not is_known or isinstance(counted.value, NoItems):
            return "not_purchase"
        return "purchase" if isinstance(counted.value, dict) else "not_an_object"

    def _is_met(self, counted: Counted) -> bool:
        return all(
            bool(set(map(_text, self._found(counted, path))) & set(texts)) == is_equal
            for path, is_equal, texts in self.only
        )

    def known_by(self, counted: Counted) -> object:
        """What a copy of a purchase is equal in, and nothing else; None if nothing tells."""
        first = [next(iter(self._found(counted, path)), None) for path in self.event_id]
        found = [value if value != "" else None for value in first]  # as good as missing
        is_known = any(value is not None for value in found)
        return _comparable(found) if is_known and self.judge_type(counted) == "purchase" else None

    def id(self, counted: Counted, name: str) -> object:
        """An id; what is not a string, or an empty one, is none."""
        value = self.get(counted, name)
        if self.any_ids and _is_integer(value):
            return str(Decimal(value))  # str() of an int stops at 4,300 digits
        return value

    def quantity(self, counted: Counted) -> int | None:
        """Units, negative if they came back; None if they are none."""
        units = self._units(counted)
        if self.is_return(counted):
            return None if units is None or units < 0 else -units
        return units

    def is_return(self, counted: Counted) -> bool:
        """By its type."""
        return self.get(counted, "event_type") in self.return_types

    def _units(self, counted: Counted) -> int | None:
        value = self.get(counted, "quantity")
        if value is None and self.missing_quantity is not None:
            return self.missing_quantity
        units = (
            _number(value) if self.any_number else Decimal(value) if _is_integer(value) else None
        )
        if not units or abs(units) > LARGEST_QUANTITY or units != int(units):
            return None
        return int(units)

    def paid(self, counted: Counted) -> Decimal | None:
        """What was paid for a unit; None if nothing says it."""
        value = next(iter(self._found(counted, self.price or "")), None)
        if isinstance(value, str):
            text = value if re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)", value) else "no"
        else:
            text = value.text if isinstance(value, (Integer, Float)) else "no"
        if re.fullmatch(r"-?[0.]+([eE].*)?", text):  # whatever its exponent
            return Decimal(0)
        try:
            price = Decimal(text)
        except InvalidOperation:
            return None
        digits = "".join(map(str, price.as_tuple().digits))
        decimals = -int(price.as_tuple().exponent) - len(digits) + len(digits.rstrip("0"))
        if price < 0 or decimals > self.price_decimals:
            return None
        return price if price < Decimal(2**53).scaleb(-self.price_decimals) else None


class NotObject:
    """Something else than a list, where items should be."""


class NoItems:
    """Nothing, where items should be."""


def _listed(settings: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(each for each in settings.get(name, "").split(",") if each)


def _condition(text: str) -> tuple[str, bool, list[str]]:
    path, _, values = text.partition("=")
    return path.removesuffix("!"), not path.endswith("!"), values.split("|")


def _items(event: dict[str, Any], path: str) -> list[Any] | None:
    """All items; None if there is something else than the event's own list."""
    level: list[Any] = [event]
    for step in path.removesuffix("[]").split("[]"):
        below: list[Any] = []
        for holder in level:
            if not isinstance(holder, dict):
                below.append(holder)
                continue
            inner = next(iter(lookup(holder, step.removeprefix("."))), None)
            if inner is not None and not isinstance(inner, list):
                if holder is event:
                    return None
                inner = [NotObject()]
            below += inner or []
        level = below
    return level


def _comparable(value: object) -> object:
    """Equal for what is equal in JSON, numbers being what is written."""
    if isinstance(value, dict):
        return "object", frozenset((key, _comparable(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "list", tuple(_comparable(inner) for inner in value)
    if isinstance(value, (Integer, Float)):
        return "number", value.text
    return type(value).__name__, value


def _text(value: object) -> str | None:
    """A JSON scalar's text; None of an object or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Integer, Float)):
        return value.text
    return json.dumps(value) if value is None or isinstance(value, bool) else None


def _is_integer(value: object) -> bool:
    # True is an int to Python, but not to JSON.
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> Decimal | None:
    """What a number says, or a text of one."""
    if isinstance(value, str):
        return Decimal(value) if re.fullmatch(r"-?[0-9]+(\.0*)?", value) else None
    try:
        return Decimal(value.text) if isinstance(value, (Integer, Float)) else None
    except InvalidOperation:  # an exponent beyond all exponents
        return None


# --- dates ---------------------------------------------------------------------------------------


def date_of_day(name: str) -> str:
    """The date of a daily zip, or of an archive, by its base name; empty if it has none."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return _separated(base) or _digits(base, beside="0-9")


def date_of_part(name: str, archive: str) -> str:
    """The date of a part that is in no daily zip; empty if it has none."""
    *folders, base = name.replace("\\", "/").split("/")
    places = [_separated(base)]
    if re.match(r"[0-9]{2}(\.|\Z)", base):
        places.append(_of_folders([*folders, base[:2]]))
    for end in range(len(folders), 0, -1):
        places += [_separated(folders[end - 1]), _of_folders(folders[:end])]
    places += [_digits(each, beside=r"^\W_") for each in (base, *reversed(folders))]
    return next(filter(None, places), "") or date_of_day(archive)


def date_of_folder(name: str) -> str:
    """The date that the folders of something have; empty if they have none."""
    return date_of_part(re.sub(r"[^/\\]*\Z", "", name), "")


def _separated(text: str) -> str:
    found = re.findall(
        r"(?<![0-9])([0-9]{4})(?:-([0-9]{2})-|_([0-9]{2})_|\.([0-9]{2})\.)([0-9]{2})(?![0-9])", text
    )
    return _real([(year, a or b or c, day) for year, a, b, c, day in found])


def _digits(text: str, beside: str) -> str:
    """Eight digits, perhaps with the hours, minutes and seconds of a time; what may not stand
    beside them is a set of characters."""
    time = "([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9])?)?[zZ]?"
    found = re.findall(
        rf"(?<![{beside}])(?:"
        rf"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})(?:[tT]{time})?"
        rf"|(20[0-9]{{2}})([0-9]{{2}})([0-9]{{2}}){time}"
        rf")(?![{beside}])",
        text,
    )
    return _real([(*each[:3],) if each[0] else (*each[6:9],) for each in found])


def _of_folders(folders: list[str]) -> str:
    """`2023/10/23`, `2023-10/23`, or `year=2023/month=10/day=23`, at the end."""
    path = "/" + "/".join(folders).lower()
    found = re.search(r"/([0-9]{4})[-_./]([0-9]{2})/(?:day=)?([0-9]{1,2})\Z", path) or re.search(
        r"/year=([0-9]{4})/month=([0-9]{1,2})/(?:day=)?([0-9]{1,2})\Z", path
    )
    return _real([found.groups()]) if found else ""


def _real(found: list[Any]) -> str:
    for year, month, day in found:
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return ""
