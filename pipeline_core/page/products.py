"""What sold best in each category, and the rest as one: of whole minor units, exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline_core.page.figures import Sum, figures
from pipeline_core.page.shown_figures import Folded
from pipeline_core.transform.money import carry, group_sums, to_minor
from pipeline_core.transform.reports.base import MEASURES
from pipeline_core.transform.reports.product_sales import in_order

PRODUCTS = 20


class ShownProducts(NamedTuple):
    """All products of a category: ids, revenue in minor units and units of the first by revenue,
    and the rest as one. The id None stands for all that are not among the products."""

    products: Sequence[str | None]
    revenue: Sequence[int]
    units: Sequence[int]
    folded: Folded | None


class CategoryProducts:
    """Of every category of a merged partial of the report by product."""

    def __init__(self, partial: pa.Table, scale: int) -> None:
        rows = in_order(partial)
        names = rows["category"].combine_chunks().dictionary_encode()
        place = names.indices.to_numpy().astype(np.int64)
        count = len(names.dictionary)
        units, hi, lo = (group_sums(place, count, rows[name].to_numpy()) for name in MEASURES)
        self._sums = list(zip(units.tolist(), *(x.tolist() for x in carry(hi, lo)), strict=True))
        self._places = {name: at for at, name in enumerate(names.dictionary.to_pylist())}
        lengths = np.bincount(place, minlength=count)
        rank = np.arange(len(place)) - (np.cumsum(lengths) - lengths)[place]
        shown = rows.filter(pa.array(rank < PRODUCTS))
        self._lengths = lengths.tolist()
        self._cuts = [0, *np.cumsum(np.minimum(lengths, PRODUCTS)).tolist()]
        self._products = list(map(_text, shown["product"].to_pylist()))
        self._units, *limbs = (shown[name].to_pylist() for name in MEASURES)
        self._revenue = list(map(to_minor, *limbs))
        self._scale = scale

    def of(self, category: str) -> ShownProducts:
        """The first by revenue, and all others."""
        at = self._places[category]
        here = slice(self._cuts[at], self._cuts[at + 1])
        revenue, units = self._revenue[here], self._units[here]
        others, rest = None, self._lengths[at] - len(units)
        if rest:
            all_units, *limbs = self._sums[at]
            left = Sum(to_minor(*limbs) - sum(revenue), all_units - sum(units), None)
            others = Folded(rest, figures(left, self._scale))
        return ShownProducts(self._products[here], revenue, units, others)


def _text(product: bytes | None) -> str | None:
    """An id as text that a page can hold: lone surrogates are escaped."""
    if product is None:
        return None
    return product.decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace").decode()
