"""Whose runs a worker serves: the shop of its own settings, and those of ``SALES_STATES``.

A shop is a state with the data and the reports that its runs may name; the three belong together,
because whoever may write into one shop's data must not be able to pass it off as a state.

Places are compared by name: one that a message or a manifest names is never looked up, so nobody
can lead it elsewhere by a link. Of its own places a worker knows the name that it was given and the
one that this leads to.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_core.configuration.places import (
    check_place,
    check_reports,
    home_expanded,
    local_path,
    scheme_of,
)
from pipeline_core.errors import NotServed

_BETWEEN_SHOPS, _BETWEEN_PLACES = ",", "|"
_PLACES_OF_A_SHOP = 3
_FORM = "write STATE or STATE|DATA|REPORTS of each shop, with commas in between"
_LOCAL = {"", "file"}
_LONGEST = 200  # of a name in a message to people; whoever sent it may have sent a megabyte


@dataclass(frozen=True)
class Shop:
    """The places of one shop: folders' names, or URIs."""

    state: str
    data: str
    reports: str

    def __str__(self) -> str:
        return f"state {self.state} with data {self.data} and reports {self.reports}"

    @property
    def entry(self) -> str:
        """As it is written in SALES_STATES."""
        return _BETWEEN_PLACES.join(_places(self))


def parse_shops(text: str, data: str, reports: str) -> tuple[Shop, ...]:
    """The shops of SALES_STATES; ``data`` and ``reports`` are those of an entry that names none.

    Raises:
        ValueError: an entry is of another form, or names what can be no place.
    """
    shops = []
    for entry in filter(None, map(str.strip, text.split(_BETWEEN_SHOPS))):
        places = [each.strip() for each in entry.split(_BETWEEN_PLACES)]
        if len(places) not in (1, _PLACES_OF_A_SHOP) or not all(places):
            raise ValueError(_FORM)
        places = list(map(home_expanded, places))
        check_place(places[0])
        if len(places) == _PLACES_OF_A_SHOP:
            check_place(places[1])
            check_reports(places[2])
        shops.append(Shop(*places) if len(places) > 1 else Shop(places[0], data, reports))
    return tuple(shops)


def check_states(listed: Sequence[Shop], data: str) -> None:
    """Raises ValueError if a listed state is, or is inside of, a folder of archives: of ``data`` or
    of any of them. Whoever may add an archive there could write the records of a run."""
    archives = {
        name for place in (data, *(shop.data for shop in listed)) for name in names_of(place)
    }
    for shop in listed:
        for name in names_of(shop.state):
            if any(name == folder or name.startswith(f"{folder}/") for folder in archives):
                raise ValueError(
                    "a state is a folder of archives, or is inside of one; whoever may add an "
                    "archive could forge a run"
                )


@dataclass(frozen=True)
class ServedPlaces:
    """What one worker serves: each shop, and the names by which its state, data and reports are
    known."""

    shops: tuple[Shop, ...]
    names: tuple[tuple[frozenset[str], frozenset[str], frozenset[str]], ...]

    @classmethod
    def of(cls, shops: Sequence[Shop]) -> ServedPlaces:
        """Looks where the places lead, once."""
        each = (
            (names_of(shop.state), names_of(shop.data), names_of(shop.reports)) for shop in shops
        )
        return cls(tuple(map(_named, shops)), tuple(each))

    def state(self, named: object) -> str:
        """The state that a message means, as this worker was told of it.

        Raises:
            NotServed: it is none of them.
        """
        if isinstance(named, str):
            for shop, (states, _, _) in zip(self.shops, self.names, strict=True):
                if _name(named) in states:
                    return shop.state
        raise NotServed(
            f"The state {ascii(named)[:_LONGEST]} is none that this worker serves.",
            "Start the worker with SALES_STATE or SALES_STATES naming it, if it is yours.",
        )

    def check(self, shop: Shop, who: str) -> None:
        """Raises NotServed, a sentence that begins with ``who``, unless the state may have runs of
        this data and these reports."""
        if not self.serves(shop):
            raise not_served(who, shop)

    def serves(self, shop: Shop) -> bool:
        """Whether the state may have runs of this data and these reports."""
        wanted = _named(shop)
        return any(
            wanted.state in of_shop[0]
            and wanted.data in of_shop[1]
            and wanted.reports in of_shop[2]
            for of_shop in self.names
        )

    def check_place(self, place: str) -> None:
        """Raises NotServed unless it is a place of a shop, whatever for."""
        if not any(_name(place) in known for of_shop in self.names for known in of_shop):
            raise NotServed(
                f"The place {ascii(place)[:_LONGEST]} is none that this worker serves.",
                "Look into the state: whoever wrote its records named it.",
            )

    def as_json(self) -> list[list[list[str]]]:
        """For ``from_json`` of another process: of each shop its own name of each place first."""
        return [
            [
                [name, *sorted(known - {name})]
                for name, known in zip((shop.state, shop.data, shop.reports), of_shop, strict=True)
            ]
            for shop, of_shop in zip(self.shops, self.names, strict=True)
        ]

    @classmethod
    def from_json(cls, told: Any) -> ServedPlaces:
        """What another process told by ``as_json``. Raises ValueError, TypeError or IndexError if
        it is nothing of the kind."""
        shops = tuple(Shop(state[0], data[0], reports[0]) for state, data, reports in told)
        names = tuple((frozenset(s), frozenset(d), frozenset(r)) for s, d, r in told)
        return cls(shops, names)


def not_served(who: str, shop: Shop) -> NotServed:
    """That a worker does not serve a run's places; ``who`` begins the sentence."""
    shop = _named(shop)
    return NotServed(f"{who} does not serve the {shop}.", _how_to_serve(shop))


def _how_to_serve(shop: Shop) -> str:
    try:
        check_states([shop], shop.data)
    except ValueError:
        return "Choose another SALES_STATE: one may not be inside of a folder of archives."
    same = "Start it with the same SALES_STATE, SALES_DATA and SALES_REPORTS"
    if any({_BETWEEN_SHOPS, _BETWEEN_PLACES} & set(each) for each in _places(shop)):
        return f"{same}: SALES_STATES cannot list names with , or | in them."
    return f"{same}, or with SALES_STATES={shlex.quote(shop.entry)} added to them."


def _places(shop: Shop) -> tuple[str, str, str]:
    return shop.state, shop.data, shop.reports


def _named(shop: Shop) -> Shop:
    return Shop(_name(shop.state), _name(shop.data), _name(shop.reports))


def names_of(place: str) -> frozenset[str]:
    """Of a place that this process was given: its own name and the one that it leads to."""
    if scheme_of(place) not in _LOCAL:
        return frozenset({_name(place)})
    return frozenset({_name(place), os.path.realpath(local_path(place))})


def _name(place: str) -> str:
    """The place's one name: an absolute path without a slash at its end, or a URI with its scheme
    in lower case. A ``..`` stays: only whoever looks knows where it leads."""
    scheme = scheme_of(place)
    if scheme in _LOCAL:
        return str(local_path(place).absolute())
    return f"{scheme}://{place[len(scheme) + 3 :].strip('/')}"
