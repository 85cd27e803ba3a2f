"""The steps between two reports, each with what it did to every cell, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pipeline_core.diff.causes import CauseKind
from pipeline_core.diff.days import Origin
from pipeline_core.diff.views import Amount, Amounts, Bought, ReportView, United
from pipeline_core.messages import Options
from pipeline_core.transform.money import to_text


class Named(NamedTuple):
    """Who changed a cell; the fields of Cause."""

    kind: CauseKind
    name: str = ""
    day: str = ""
    before: str = ""
    after: str = ""
    valid_from: str = ""
    valid_to: str = ""


class Effect(NamedTuple):
    """What one thing did to one cell."""

    cell: int
    named: Named
    amount: Amount


@dataclass(frozen=True)
class Steps:
    """From the first report to the second: other days, prices of products that both runs know,
    their categories, segments of customers, products that one of them does not know, and what
    becomes of what is unknown, and of returns. A customer whom a run does not know has no segment
    there. A product, or a row of it, appears or disappears with price and category at once, so that
    it has both when it counts."""

    united: United
    options_before: Options
    options_after: Options

    @property
    def first(self) -> ReportView:
        """The report of the first run."""
        options = self.options_before
        return self.united.before.view(options.unknown, options.returns)

    @property
    def came_in(self) -> ReportView:
        """The report of the first run, with days of the second: if what was paid counts in one of
        them only, at the second's prices, so that nothing is counted at both or at neither."""
        before, after = self.united.before, self.united.after
        is_same = before.is_paid == after.is_paid
        return self.first if is_same else replace(self.first, price=after.price)

    @property
    def last(self) -> ReportView:
        """The report of the second run."""
        options = self.options_after
        return self.united.after.view(options.unknown, options.returns)

    def of_days(self, went: Bought, came: Bought, origins: list[Origin]) -> Iterator[Effect]:
        """The first step; the rows' origins are places in ``origins``."""
        amounts = self.united.changes(went, went.origin, self.first, None)
        for key, (revenue, units) in self.united.changes(
            came, came.origin, None, self.came_in
        ).items():
            known = amounts.get(key, Amount(0, 0))
            amounts[key] = Amount(known.revenue + revenue, known.units + units)

        def named(origin: int) -> Named:
            kind, archive, day = origins[origin]
            return Named(kind, archive, day)

        return _effects(amounts, named)

    def of_lists(self, bought: Bought) -> Iterator[Effect]:
        """All other steps, over the days of the second run."""
        before, after = self.united.before, self.united.after
        both = before.priced & after.priced
        first = self.came_in
        prices = replace(first, price=np.where(both, after.price, first.price))
        categories = replace(prices, category=np.where(both, after.category, before.category))
        customers = replace(categories, segment=after.segment)
        products = replace(customers, price=after.price, category=after.category)
        yield from self._by_product(bought, first, prices, self._price)
        yield from self._by_product(bought, prices, categories, self._category)
        yield from self._by_customer(bought, categories, customers)
        yield from self._by_product(bought, customers, products, self._product)
        unknown = replace(products, unknown=self.options_after.unknown)
        yield from self._by_rule(bought, products, unknown, CauseKind.CHANGED_UNKNOWN)
        yield from self._by_rule(bought, unknown, self.last, CauseKind.CHANGED_RETURNS)

    def _by_rule(
        self, bought: Bought, before: ReportView, after: ReportView, kind: CauseKind
    ) -> Iterator[Effect]:
        if (before.unknown, before.returns) == (after.unknown, after.returns):
            return
        is_unknown = kind is CauseKind.CHANGED_UNKNOWN
        was, is_now = (each.unknown if is_unknown else each.returns for each in (before, after))
        nobody = np.zeros(len(bought.units), np.int64)
        amounts = self.united.changes(bought, nobody, before, after)
        yield from _effects(amounts, lambda _: Named(kind, before=was, after=is_now))

    def _by_product(
        self, bought: Bought, before: ReportView, after: ReportView, named: Callable[[int], Named]
    ) -> Iterator[Effect]:
        changed = (before.price != after.price) | (before.category != after.category)
        rows = bought.where(changed[bought.product])
        return _effects(self.united.changes(rows, rows.product, before, after), named)

    def _by_customer(
        self, bought: Bought, before: ReportView, after: ReportView
    ) -> Iterator[Effect]:
        rows = bought.where((before.segment != after.segment)[bought.customers])
        return _effects(self.united.changes(rows, rows.customers, before, after), self._customer)

    def _price(self, product: int) -> Named:
        texts = (
            to_text(side.price[product], self.united.scale) if side.priced[product] else ""
            for side in (self.united.before, self.united.after)
        )
        return self._of_product(CauseKind.RESTATED_PRICE, product, *texts)

    def _category(self, product: int) -> Named:
        categories = self.united.labels.categories
        labels = (
            _label(categories, side.category[product])
            for side in (self.united.before, self.united.after)
        )
        return self._of_product(CauseKind.MOVED_CATEGORY, product, *labels)

    def _product(self, product: int) -> Named:
        before, after = self.united.before, self.united.after
        if before.product_known[product] and after.product_known[product]:
            return self._price(product)
        known = after.product_known[product]
        kind = CauseKind.KNOWN_PRODUCT if known else CauseKind.GONE_PRODUCT
        return self._category(product)._replace(kind=kind)

    def _of_product(self, kind: CauseKind, product: int, before: str, after: str) -> Named:
        products = self.united.products
        return Named(kind, products.id(product), "", before, after, *products.span(product))

    def _customer(self, group: int) -> Named:
        before, after = self.united.before, self.united.after
        kind = CauseKind.MOVED_SEGMENT
        if not after.customer_known[group]:
            kind = CauseKind.GONE_CUSTOMER
        elif not before.customer_known[group]:
            kind = CauseKind.KNOWN_CUSTOMER
        customers, period = self.united.customers, self.united.customer(group)
        segments = self.united.labels.segments
        was, is_now = (_label(segments, side.segment[group]) for side in (before, after))
        return Named(kind, customers.id(period), "", was, is_now, *customers.span(period))


def _effects(amounts: Amounts, named: Callable[[int], Named]) -> Iterator[Effect]:
    for (cell, subject), amount in amounts.items():
        if any(amount):
            yield Effect(cell, named(subject), amount)


def _label(labels: tuple[str, ...], code: int) -> str:
    return "" if code < 0 else labels[code]
