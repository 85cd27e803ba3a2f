"""Parts gone wrong, counted by verify's certain way and by its definition: ``make fuzz``.

``python -m tests.fuzz.recount [--cases 1000000] [--seed 1]``. The parts are those of
``tests.fuzz.tiers``, of feeds whose sales may be certain, with limits that cut them into pieces.
Both ways must come to the same, reject by reject, or to nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from decimal import Context, Decimal, localcontext
from itertools import product
from random import Random

from pipeline_core.errors import UnreadablePart
from pipeline_core.messages import Limits, Options
from pipeline_core.reread.certain import Uncertain
from pipeline_core.verify.certain_sales import CertainSales
from pipeline_core.verify.counts import Count, Place
from pipeline_core.verify.judge import Customer, Product, Rules
from pipeline_core.verify.part import PartCounter
from tests.fuzz.tiers import part
from tests.support.decoding import TiersDifferError
from tests.support.mutate import mutated
from tests.support.oracle_feed import Feed
from tests.support.recounted import feed_of

CORPUS = 100  # of a feed
PLACE = Place("week.zip", "2024-03-01.zip", "a.json")
DATES = ("", "2024-02-29", "2024-03-01")
LIMITS = tuple(
    Limits(json_depth=depth, event_bytes=most)
    for depth, most in product((2, 3, 4, 256), (150, 600, 5_000, 16 << 20))
)
SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {
        "SALES_FIELDS": "event_type=type,customer_id=user,product_id=sku,quantity=qty",
        "SALES_PURCHASE_TYPES": "purchase,add,ü",
        "SALES_RETURN_TYPES": "view",
    },
    {"SALES_FIELDS": "event_type=ü€,quantity=event_type"},
)
CUSTOMERS = {
    "c1": [Customer("c1", "VIP", "", "")],
    "c22": [Customer("c22", "New", "", "2024-03-01"), Customer("c22", "Old", "2024-03-01", "")],
    "ü€😀": [Customer("ü€😀", None, "", "")],
    "twice": [Customer("twice", "VIP", "2024-01-01", "")],
}
PRODUCTS = {
    "p1": [Product("Pens", Decimal("0.10"), "", "")],
    "p333": [Product("Pens", Decimal("9.99"), "2024-03-01", "")],
    'q"': [Product(None, Decimal("1.00"), "", "")],
    "\\": [Product("Ink", Decimal("99999999.99"), "", "")],
}


def counters(settings: dict[str, str]) -> list[PartCounter]:
    """By rules of every kind and limits of every size."""
    feed = feed_of(settings)
    undated = {"c1": CUSTOMERS["c1"]}, {one: PRODUCTS[one] for one in ("p1", "\\")}
    rules = [
        Rules(customers, products, 2, bucket, feed, returns)
        for customers, products in ((CUSTOMERS, PRODUCTS), undated)
        for bucket in (False, True)
        for returns in ("reject", "net")
    ]
    options = [Options(feed=feed, limits=limits, reject_rows=3) for limits in LIMITS]
    return [PartCounter(rule, option, None) for rule, option in product(rules, options)]


def check(content: bytes, counter: PartCounter, sold_on: str) -> str:
    """What became of a part. Raises TiersDifferError."""
    expected = _counted(counter, content, sold_on)
    certain = CertainSales(counter.rules, counter.options)
    try:
        found = certain.count(content, PLACE, sold_on)
    except Uncertain:
        return "unreadable" if expected is None else "read"
    if found != expected:
        raise TiersDifferError(f"expected {expected}, certain {found}")
    return "certain"


def _counted(counter: PartCounter, content: bytes, sold_on: str) -> Count | None:
    try:
        return counter.by_definition(content, PLACE, sold_on)
    except UnreadablePart:
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    choose, became = Random(chosen.seed), Counter[str]()  # noqa: S311
    oracles, by_feed = [Feed.of(each) for each in SETTINGS], [counters(each) for each in SETTINGS]
    corpora = [[part(choose, oracle).content for _ in range(CORPUS)] for oracle in oracles]
    for case in range(chosen.cases):
        number = choose.randrange(len(SETTINGS))
        corpus = corpora[number]
        corpus[choose.randrange(CORPUS)] = part(choose, oracles[number]).content
        content = choose.choice(corpus)
        if choose.random() < 0.5:
            content = mutated(content, corpus, choose)
        counter, sold_on = choose.choice(by_feed[number]), choose.choice(DATES)
        try:
            with localcontext(Context(prec=200)):
                became[check(content, counter, sold_on)] += 1
        except Exception:
            print(f"seed {chosen.seed}, case {case}, {SETTINGS[number]}, {sold_on}: {content!r}")
            print(counter.rules, counter.options)
            raise
    print(f"seed {chosen.seed}: {became.total()} parts;", dict(sorted(became.items())))
    kinds = "certain", "read", "unreadable"
    return 0 if min(became[each] for each in kinds) > chosen.cases // 50 else 1


if __name__ == "__main__":
    sys.exit(main())
