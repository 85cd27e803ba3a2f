"""Products and customers of whom all is known on a date: what they buy is not to be judged."""

from __future__ import annotations

from typing import NamedTuple, Self

from pipeline_core.verify.judge import Rules, is_dated, row_on


class KnownProducts(dict[str, tuple[int, str]]):
    """Price in minor units and category by id. Raises KeyError for any other product."""

    def __init__(self, rules: Rules, sold_on: str) -> None:
        super().__init__()
        self._rules, self._sold_on = rules, sold_on

    def __missing__(self, product_id: str) -> tuple[int, str]:
        rows = self._rules.products[product_id]
        row = row_on(rows, self._sold_on)
        if row is None or not row.category or not (self._sold_on or not is_dated(rows)):
            raise KeyError(product_id)
        price = int(row.price.scaleb(self._rules.scale))
        return self.setdefault(product_id, (price, row.category))


class KnownCustomers(dict[str, tuple[str, str]]):
    """Segment and id, the snapshot's own string, by id. Raises KeyError for anybody else."""

    def __init__(self, rules: Rules, sold_on: str) -> None:
        super().__init__()
        self._rules, self._sold_on = rules, sold_on

    def __missing__(self, customer_id: str) -> tuple[str, str]:
        rows = self._rules.customers[customer_id]
        row = row_on(rows, self._sold_on)
        if row is None or row.segment is None or not (self._sold_on or not is_dated(rows)):
            raise KeyError(customer_id)
        return self.setdefault(customer_id, (row.segment, rows[0].id))


class Known(NamedTuple):
    """Those of a date (ISO, or empty where it is not known)."""

    date: str
    products: KnownProducts
    customers: KnownCustomers

    @classmethod
    def on(cls, rules: Rules, sold_on: str) -> Self:
        """Nobody is looked up before their first purchase."""
        return cls(sold_on, KnownProducts(rules, sold_on), KnownCustomers(rules, sold_on))
