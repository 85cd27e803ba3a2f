"""What sold best in each category, and the rest as one: of whole minor units, exact."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline_core.page import Folded, ProductSales, SalesFigures, ShownProducts
from pipeline_core.transform.money import carry, group_sums, to_minor, to_text
from pipeline_core.transform.reports.base import MEASURES
from pipeline_core.transform.reports.product_sales import in_order

PRODUCTS = 20


class CategoryProducts:
    """Of every category of a merged partial of the report by product."""

    def __init__(self, partial: pa.Table, scale: int) -> None:
        self._rows = in_order(partial)
        names = self._rows["category"].combine_chunks().dictionary_encode()
        place = names.indices.to_numpy().astype(np.int64)
        count = len(names.dictionary)
        units, hi, lo = (group_sums(place, count, self._rows[name].to_numpy()) for name in MEASURES)
        self._sums = list(zip(units.tolist(), *(x.tolist() for x in carry(hi, lo)), strict=True))
        self._places = {name: at for at, name in enumerate(names.dictionary.to_pylist())}
        self._lengths = np.bincount(place, minlength=count)
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._scale = scale

    def of(self, category: str) -> ShownProducts:
        """The first by revenue, and all others."""
        at = self._places[category]
        rest = int(self._lengths[at])
        rows = self._rows.slice(self._starts[at], min(rest, PRODUCTS))
        units, *limbs = self._sums[at]
        revenue, shown = to_minor(*limbs), list[ProductSales]()
        for product, its_units, *its_limbs in zip(
            *(rows[name].to_pylist() for name in ("product", *MEASURES)), strict=True
        ):
            its_revenue = to_minor(*its_limbs)
            shown.append(ProductSales(_text(product), self._figures(its_revenue, its_units)))
            revenue, units, rest = revenue - its_revenue, units - its_units, rest - 1
        others = Folded(rest, self._figures(revenue, units)) if rest else None
        return ShownProducts(tuple(shown), others)

    def _figures(self, revenue: int, units: int) -> SalesFigures:
        return SalesFigures(to_text(revenue, self._scale), units)


def _text(product: bytes | None) -> str | None:
    """An id as text that a page can hold: lone surrogates are escaped."""
    if product is None:
        return None
    return product.decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace").decode()
