"""Parts gone wrong, through both tiers of decoding: ``make fuzz``.

``python -m tests.fuzz.tiers [--cases 1000000] [--seed 1]``. Events of many layouts are spelt in
many ways and shapes, by the names of several feeds, mutated, perhaps packed, cut into windows and
decoded by the fast and by the general tier. Both must see the same candidates with the same texts,
or give the same cause; and what they see must be what the standard library's ``json.loads`` gives,
or, by another limit of depth, verify's reader. Then days of such parts, and of candidates that are
made up, are counted in both ways: what is certain added up by what is compiled, and each sale a
row.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import Counter
from random import Random
from typing import Any, NamedTuple

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.candidates import Decoded
from pipeline_core.extract.decode import decode
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.extract.general_tier import decode_generally
from pipeline_core.framing.kernel import IS_BUILT
from pipeline_core.framing.shapes import windows
from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.messages import Feed as ReadFeed
from pipeline_core.messages import Limits
from pipeline_core.reread.events import events_of as verified_events
from pipeline_core.reread.packed import LONGEST_SIGN, is_packed
from pipeline_core.reread.packed import unpacked as verified_bytes
from pipeline_core.transform.sums import IS_COMPILED
from tests.support.added_up import (
    DAYS,
    Day,
    counted_in_both_ways,
    days_of,
    dimensions_of,
    options_of,
)
from tests.support.archives import gzip_data, zstandard_data
from tests.support.decoding import TiersDifferError
from tests.support.mutate import mutated
from tests.support.oracle_feed import Feed
from tests.support.oracle_parts import DEEPEST, NotEvents, events_of, json_value
from tests.support.parts import ONE_WINDOW, Read, read_part
from tests.support.recounted import feed_of

CORPUS = 100  # of a feed
RENEWED_CASES = 4  # after so many parts, one of the corpus is another
COUNTED_CASES = 100  # of so many parts, one is counted with some others
DEPTHS = (2, 3, 4, 64, DEEPEST, DEEPEST, DEEPEST)
MOST_ROWS = (1, 2, 3, 1000, 1000, 1000)
LEAST_BLOCK = 40
SIZES = (ONE_WINDOW, ONE_WINDOW, 1, 50, 300)
SETTINGS: tuple[dict[str, str], ...] = (
    {},
    {},
    {
        "SALES_FIELDS": "event_type=type,customer_id=user,product_id=sku,quantity=qty",
        "SALES_PURCHASE_TYPES": "purchase,add,ü",
        "SALES_IDS": "any",
        "SALES_RETURN_TYPES": "view",
        "SALES_PRICE_FIELD": "timestamp",
    },
    {"SALES_PRICE_FIELD": "price", "SALES_PRICE_DECIMALS": "3"},
    {"SALES_FIELDS": "event_type=ü€,quantity=event_type", "SALES_RECORDS": "data.rows"},
)
FEEDS = tuple((feed_of(each), Feed.of(each)) for each in SETTINGS)
VALUES: dict[str, tuple[Any, ...]] = {
    "event_id": ("e1", "e22", 7, None),
    "event_type": ("purchase", "purchase", "view", "add", "ü", "", 5, None),
    "customer_id": ("c1", "c22", "ü€😀", "", None, 5),
    "product_id": ("p1", "p333", 'q"', "\\", "", {"a": 1}),
    "quantity": (1, 2, 2**31 - 1, 2**31, 0, -1, 1 - 2**31, -(2**31), 1.0, 1e20, "2", 10**20, True),
    "price": (9.95, 12, "19.90", "9.9500", 1e-3, 2**53, -1, "9,95", 1e22, 0.1, None),
    "timestamp": ("2023-10-23T00:00:01", 1698019201.5, [1, {"a": []}]),
}
ODD_ITEMS: tuple[Any, ...] = (1, None, "s", [], [1], {}, {"a": {"b": [1, 2]}}, True)
SEPARATORS = (None, (",", ":"), (" , ", " : "))
SHAPES = ("array", "array", "array", "lines", "lines", "values", "envelope", "envelopes")
BETWEEN = ("", "\n", "\n", " ", "\r\n", "\n\n")


class Part(NamedTuple):
    """A sound part, and how its events stand in it."""

    shape: str
    content: bytes


def part(choose: Random, feed: Feed) -> Part:
    """A sound part: events that are mostly alike, as one program writes them."""
    shape, indent = choose.choice(SHAPES), choose.choice((None, None, 1, 2))
    ascii_only, separators = choose.random() < 0.5, choose.choice(SEPARATORS)

    def text_of(value: object) -> str:
        is_line = shape == "lines"
        return json.dumps(
            value,
            ensure_ascii=ascii_only,
            indent=None if is_line else indent,
            separators=separators,
        )

    items = _items(choose, feed)
    if shape == "array":
        text = text_of(items)
    elif shape == "envelope":
        text = text_of(_envelope(choose, feed, items))
    else:
        if shape == "envelopes":
            items = [_envelope(choose, feed, _items(choose, feed)) for _ in items]
        text = ("\n" if shape == "lines" else choose.choice(BETWEEN)).join(map(text_of, items))
        text += choose.choice(("", "\n"))
    quantity = json.dumps(feed.paths["quantity"], ensure_ascii=ascii_only)
    if choose.random() < 0.1:
        twice = json.dumps(feed.paths["customer_id"])
        text = text.replace(quantity, f'{twice}: "twice", {quantity}')
    if choose.random() < 0.1:
        text = text.replace('"p1"', choose.choice(('"\\ud800"', '"p\\u0031"', "1e400", "9" * 400)))
    return Part(shape, (b"\xef\xbb\xbf" if choose.random() < 0.05 else b"") + text.encode())


def _items(choose: Random, feed: Feed) -> list[Any]:
    fields = list(VALUES)
    choose.shuffle(fields)
    items: list[Any] = []
    for _ in range(choose.choice((1, 2, 3, 4, 6, 12))):
        shown = [name for name in fields if choose.random() < 0.95]
        items.append({feed.paths.get(name, name): choose.choice(VALUES[name]) for name in shown})
    if choose.random() < 0.2:
        items[choose.randrange(len(items))] = choose.choice(ODD_ITEMS)
    return items


def _envelope(choose: Random, feed: Feed, items: list[Any]) -> dict[str, Any]:
    """What an export says around its events; now and then with a type of its own."""
    keys = (feed.records or choose.choice(("events", "data.rows"))).split(".")
    held: Any = items
    for key in reversed(keys[1:]):
        held = {"count": len(items), key: held}
    around: list[tuple[str, Any]] = [("version", 2), ("columns", ["a", 1]), ("next", None)]
    if choose.random() < 0.3:
        around.append((feed.paths["event_type"], choose.choice(("export", "purchase"))))
    around = [each for each in around if choose.random() < 0.7]
    around.insert(choose.randrange(len(around) + 1), (keys[0], held))
    return dict(around)


def packed(content: bytes, choose: Random) -> bytes:
    """As it is, or by gzip or Zstandard in up to three pieces."""
    kind = choose.choice(("plain", "plain", "plain", "gzip", "zstandard"))
    if kind == "plain":
        return content
    pieces = choose.choice((1, 2, 3))
    if kind == "zstandard":
        return zstandard_data(content, frames=pieces)
    return gzip_data(content, members=pieces) + choose.choice((b"", b"", b"\0" * 9))


def check(content: bytes, number: int, depth: int, most_rows: int, size: int) -> str:
    """What became of a part of a feed. Raises TiersDifferError."""
    (feed, oracle), limits = FEEDS[number], Limits(json_depth=depth)
    found: Read | None = None
    try:
        block = max(size, LEAST_BLOCK)
        found = read_part(content, feed, size=size, block=block, most_rows=most_rows, limits=limits)
    except UnreadablePart as error:
        said = str(error)
    else:
        said = str(found)
    events = _expected(content, oracle) if depth == DEEPEST else _verified(content, feed, limits)
    _compare(said, found, events, oracle, is_exact=depth == DEEPEST)
    return "unreadable" if found is None else "read"


def _expected(content: bytes, oracle: Feed) -> list[Any] | None:
    """What json.loads sees; it knows one limit only."""
    try:
        return events_of(content, oracle.envelope)
    except NotEvents:
        return None


def _verified(content: bytes, feed: ReadFeed, limits: Limits) -> list[Any] | None:
    """What verify's reader sees."""
    try:
        if is_packed(content[:LONGEST_SIGN]):
            content = b"".join(verified_bytes(content, limits.dictionary_bytes))
        return list(verified_events(content, feed, limits))
    except (UnreadablePart, ValueError, zlib.error):
        return None


def _compare(
    said: str, found: Read | None, events: list[Any] | None, feed: Feed, *, is_exact: bool
) -> None:
    """Raises TiersDifferError unless these are the events that were found; if they are exact, in
    all their values."""
    if found is None or events is None:
        if found is not None or events is not None:
            raise TiersDifferError(f"expected {events}; tiers {said}")
        return
    kind = feed.paths["event_type"]
    expected = [
        position
        for position, event in enumerate(events)
        if not isinstance(event, dict)
        or not isinstance(event.get(kind), str)
        or event[kind] in (*feed.purchase_types, *feed.return_types)
    ]
    if found.seen != len(events) or [each.position for each in found.candidates] != expected:
        raise TiersDifferError(f"expected {expected} of {len(events)} events; tiers {said}")
    for each in found.candidates if is_exact else ():
        event = events[each.position]
        if isinstance(event, dict) and json_value(each.text.encode()) != event:
            raise TiersDifferError(f"expected {event}; tiers {each}")


def check_counting(contents: list[bytes], number: int, size: int, choose: Random) -> str:
    """What became of one day of parts, and of made-up days. Raises TiersDifferError."""
    feed, date = FEEDS[number][0], choose.choice(DAYS)
    added, rows = (
        [
            Day(
                date,
                [(_decoded(each, feed, size, is_fast=is_fast), True) for each in contents],
                True,
            )
        ]
        for is_fast in (True, False)
    )
    counted_in_both_ways(added, rows, dimensions_of(choose), options_of(choose))
    days = days_of(choose)
    found = counted_in_both_ways(days, days, dimensions_of(choose), options_of(choose))
    return "counted" if found.counts.counted else "nothing counted"


def _decoded(content: bytes, feed: ReadFeed, size: int, *, is_fast: bool) -> list[Decoded]:
    """By the fast or by the general tier, up to where it cannot be read."""
    limits, found = Limits(), list[Decoded]()
    try:
        for window in windows([content], size, limits, feed):
            found += (
                decode(window, limits.json_depth, 1 << 20, feed)
                if is_fast
                else decode_generally(window, limits.json_depth, reading_of(feed))
            )
    except UnreadablePart:
        pass
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if not (IS_BUILT and IS_COMPILED):
        print("The compiled kernel is not built: there is one tier only.")
        return 1
    choose, found = Random(chosen.seed), Counter[str]()  # noqa: S311
    keep_freed_memory()
    corpora = [[part(choose, oracle) for _ in range(CORPUS)] for _, oracle in FEEDS]
    for case in range(chosen.cases):
        number = choose.randrange(len(FEEDS))
        corpus = corpora[number]
        if case % RENEWED_CASES == 0:
            corpus[choose.randrange(CORPUS)] = part(choose, FEEDS[number][1])
        shape, content = choose.choice(corpus)
        others = [each.content for each in corpus]
        if choose.random() < 0.6:
            content = mutated(content, others, choose)
        content = packed(content, choose)
        if choose.random() < 0.1:
            content = mutated(content, others, choose)
        cut = (choose.choice(DEPTHS), choose.choice(MOST_ROWS), choose.choice(SIZES))
        try:
            found[f"{shape}: {check(content, number, *cut)}"] += 1
            if case % COUNTED_CASES == 0:
                some = [content, *choose.sample(others, 2)]
                found[check_counting(some, number, cut[2], choose)] += 1
        except Exception:
            print(f"seed {chosen.seed}, case {case}, {SETTINGS[number]}, {cut}: {content!r}")
            raise
    print(f"seed {chosen.seed}: {found.total()} parts;", dict(sorted(found.items())))
    expected = [f"{shape}: {became}" for shape in SHAPES for became in ("read", "unreadable")]
    is_counted = found["counted"] > chosen.cases // (4 * COUNTED_CASES)
    return 0 if is_counted and min(found[each] for each in expected) > chosen.cases // 200 else 1


if __name__ == "__main__":
    sys.exit(main())
