"""Places of a shop that are in each other's way."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_core.configuration.places import LATEST, RUNS
from pipeline_core.configuration.served_shops import Shop, names_of


def check_apart(shops: Sequence[Shop]) -> None:
    """Raises ValueError, a sentence that names settings, if places of a shop are in each other's
    way: what one writes, the other would take for its own, replace or remove. Links are followed.
    Reports and a state of two shops are in each other's way, too. One place may have others below
    it, but not where runs are: these are removed whole."""
    for shop in shops:
        for other in shops:
            if _is_in_the_way(shop.state, other.reports) or _is_in_the_way(
                other.reports, shop.state
            ):
                raise ValueError(
                    f"SALES_STATE (--state) {shop.state} and SALES_REPORTS (--reports) "
                    f"{other.reports} are one place, or one is where the other has its runs; give "
                    "each a folder of its own"
                )
        for name in (RUNS, LATEST):
            if _is_inside(shop.data, _below(shop.reports, name)):
                raise ValueError(
                    f"SALES_DATA (--data) {shop.data} is inside of {name}/ of SALES_REPORTS "
                    f"(--reports) {shop.reports}, where reports are replaced and removed; give the "
                    "archives a folder of their own"
                )


def _is_in_the_way(place: str, other: str) -> bool:
    is_one_place = _is_inside(place, other) and _is_inside(other, place)
    return is_one_place or any(_is_inside(place, _below(other, name)) for name in (RUNS, LATEST))


def _is_inside(place: str, folder: str) -> bool:
    """Whether a place is the folder, or below it, by any of the names of both."""
    return any(
        name == above or name.startswith(f"{above.rstrip('/')}/")
        for name in names_of(place)
        for above in names_of(folder)
    )


def _below(place: str, name: str) -> str:
    return f"{place.rstrip('/')}/{name}"
