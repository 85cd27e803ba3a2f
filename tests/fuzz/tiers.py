"""Parts gone wrong, through both tiers of decoding: ``make fuzz``.

``python -m tests.fuzz.tiers [--cases 1000000] [--seed 1]``. Events of many layouts are spelt in
many ways, mutated, and decoded by the fast and by the general tier. Both must see the same
candidates with the same texts, or give the same cause; and what they see must be what the
standard library's ``json.loads`` gives.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from random import Random
from typing import Any

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.kernel import IS_BUILT
from pipeline_core.framing.windows import Window
from tests.support.decoding import TiersDifferError, by_both_tiers
from tests.support.mutate import mutated
from tests.support.oracle_parts import events_of_array

CORPUS = 300
DEPTHS = (2, 3, 4, 64, 256)
MOST_ROWS = (1, 2, 3, 1000)
VALUES: dict[str, tuple[Any, ...]] = {
    "event_id": ("e1", "e22", 7, None),
    "event_type": ("purchase", "purchase", "view", "add", "ü", "", 5, None),
    "customer_id": ("c1", "c22", "ü€😀", "", None, 5),
    "product_id": ("p1", "p333", 'q"', "\\", "", {"a": 1}),
    "quantity": (1, 2, 2**31 - 1, 2**31, 0, -1, 1.0, 1e20, "2", 10**20, True),
    "timestamp": ("2023-10-23T00:00:01", 1698019201.5, [1, {"a": []}]),
}
ODD_ITEMS: tuple[Any, ...] = (1, None, "s", [], [1], {}, {"a": {"b": [1, 2]}}, True)
SEPARATORS = (None, (",", ":"), (" , ", " : "))


def part(choose: Random) -> bytes:
    """A sound part: events that are mostly alike, as one program writes them."""
    fields = list(VALUES)
    choose.shuffle(fields)
    items = []
    for _ in range(choose.choice((1, 2, 3, 5, 8))):
        shown = [name for name in fields if choose.random() < 0.95]
        items.append({name: choose.choice(VALUES[name]) for name in shown})
    if choose.random() < 0.2:
        items[choose.randrange(len(items))] = choose.choice(ODD_ITEMS)
    text = json.dumps(
        items,
        ensure_ascii=choose.random() < 0.5,
        indent=choose.choice((None, None, 1, 2)),
        separators=choose.choice(SEPARATORS),
    )
    if choose.random() < 0.1:
        text = text.replace('"quantity"', '"customer_id": "twice", "quantity"')
    if choose.random() < 0.1:
        text = text.replace('"p1"', choose.choice(('"\\ud800"', '"p\\u0031"', "1e400", "9" * 400)))
    return text.encode()


def check(text: bytes, depth: int, most_rows: int) -> str:
    """What became of the text. Raises TiersDifferError."""
    try:
        found = by_both_tiers(Window(text, 0), depth, most_rows)
    except UnreadablePart:
        return "unreadable"
    events = events_of_array(text)
    if events is None:
        raise TiersDifferError(f"json.loads refuses what the tiers read: {found}")
    expected = [
        position
        for position, event in enumerate(events)
        if not isinstance(event, dict)
        or not isinstance(event.get("event_type"), str)
        or event["event_type"] == "purchase"
    ]
    if found.seen != len(events) or [each.position for each in found.candidates] != expected:
        raise TiersDifferError(f"json.loads sees {len(events)} events, {expected}; tiers {found}")
    return "read"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if not IS_BUILT:
        print("The compiled kernel is not built: there is one tier only.")
        return 1
    choose, found = Random(chosen.seed), Counter[str]()  # noqa: S311
    corpus = [part(choose) for _ in range(CORPUS)]
    for number in range(chosen.cases):
        corpus[choose.randrange(CORPUS)] = part(choose)
        text = choose.choice(corpus)
        if choose.random() < 0.6:
            text = mutated(text, corpus, choose)
        text = text if text.startswith(b"[") else b"[" + text  # windows begin so
        try:
            found[check(text, choose.choice(DEPTHS), choose.choice(MOST_ROWS))] += 1
        except Exception:
            print(f"seed {chosen.seed}, case {number}: {text!r}")
            raise
    print(f"seed {chosen.seed}: {found.total()} parts;", dict(sorted(found.items())))
    return 0 if min(found["read"], found["unreadable"]) > chosen.cases // 20 else 1


if __name__ == "__main__":
    sys.exit(main())
