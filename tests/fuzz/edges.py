"""Everything compiled, given bytes that end where memory does: ``make fuzz``, ``make sanitize``.

``python -m tests.fuzz.edges [--cases 1000000] [--seed 1]``. The texts are the mutated parts of
``tests.fuzz.tiers`` and every beginning of them may be one; ids, offsets, spans and columns are cut
from them. Whatever they are: what comes of them is what comes of the same bytes elsewhere, whatever
follows those, and nobody reads the next byte, after which the process would be over.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from itertools import accumulate, product
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline_core.framing.kernel import IS_BUILT, kernel
from pipeline_core.transform.sums import IS_COMPILED
from pipeline_core.valid_ranges import DAYS
from tests.fuzz.tiers import SETTINGS, part
from tests.support.edge import Edge
from tests.support.mutate import mutated
from tests.support.oracle_feed import Feed

if IS_COMPILED:
    from pipeline_core.transform import _ids, _sums

CORPUS = 100
MOST = 1 << 19
KEY = bytes(range(16))
SHAPES = 4
DEPTHS = (1, 2, 3, 64, 512)
MOST_ROWS = (1, 2, 1000)
BEHIND = (b"", b"0", b"-", b'"', b"}", b"]", b"\n", b"\\" * 70, b'"' * 64, b"\x80" * 4, b"}]" * 40)
NAMES = (
    (b"event_type", b"customer_id", b"product_id", b"quantity"),
    (b"type", b"user", b"sku", b"qty", b"timestamp"),
    (b"event_type", b"customer_id", b"product_id", b"quantity", b"price"),
)
TYPES = ((b"purchase",), (b"purchase", b"add", "ü".encode(), b"view"))
COLUMNS = 11
LENGTHS = 100  # of a value: thrice what is passed over at once
LONG = 2_000  # so many bytes that numpy gives up the GIL to write them
SWITCH_SECONDS = 1e-5
CHANGED_SHARE = 20
EDGES = [Edge(MOST) for _ in range(COLUMNS)]


class EdgeError(AssertionError):
    """What comes of bytes depends on where they are."""


def check_text(text: bytes, choose: Random) -> str:
    """What became of scanning. Raises EdgeError."""
    edge, (elsewhere, start) = EDGES[0].ending(text), _elsewhere(text, choose)
    _compare(kernel.event_borders, [edge], [elsewhere])
    _compare(kernel.value_borders, [edge], [elsewhere])
    _compare(kernel.value_end, [edge, start], [elsewhere, start])
    types = choose.choice(TYPES)
    rules = (
        choose.randrange(SHAPES),
        choose.choice((0, 0, 0, start)),
        choose.choice(MOST_ROWS),
        choose.choice(DEPTHS),
        1,
        2,
        choose.choice(NAMES),
        types,
        choose.randrange(len(types) + 1),
        choose.random() < 0.5,
        choose.choice((0, 2, 15)),
    )
    found = _compare(kernel.scan, [edge, *rules], [elsewhere, *rules])
    return "not certain" if found is None else "scanned" if found[1] else "scanned, no event"


def _elsewhere(text: bytes, choose: Random) -> tuple[Any, int]:
    """The text, with something behind it; and a place in it."""
    behind = choose.choice(BEHIND)
    return memoryview(text + behind)[: len(text)], choose.randrange(len(text) + 1)


def _compare(function: Any, there: list[Any], elsewhere: list[Any]) -> Any:
    found, expected = function(*there), function(*elsewhere)
    if found != expected:
        raise EdgeError(f"{function}: {found}, and elsewhere {expected}")
    return found


def check_changing(calls: int) -> None:
    """Calls whose last byte is an id of one digit, which another thread makes a minus of: whoever
    reads it twice looks for the zero behind it."""
    text = b" " * LONG + b'{"customer_id":'
    edge = EDGES[0].ending(text + b"5")
    there, values = np.frombuffer(edge, np.uint8), (text + b"-", text + b"5")
    digit, minus = (np.frombuffer(each, np.uint8) for each in values)
    stop, patience = threading.Event(), sys.getswitchinterval()

    def change() -> None:
        while not stop.is_set():
            there[:] = digit
            there[:] = minus

    thread = threading.Thread(target=change)
    sys.setswitchinterval(SWITCH_SECONDS)
    thread.start()
    try:
        for _ in range(calls):
            kernel.scan(edge, 2, LONG, 1, 2, 1, 2, NAMES[0], TYPES[0], 1, True, 2)
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(patience)


def check_lengths() -> int:
    """Events that are alike, the last one's value of each length, whole and cut: what is passed
    over by many bytes at once ends at each distance from the end of memory. Returns how many texts.
    Raises EdgeError."""
    choose, texts = Random(0), 0  # noqa: S311
    separators = ((0, b"[", b",", b"]"), (1, b"", b"\n", b""), (2, b"", b"", b""))
    for name, kind, first in product((b"n", b"n" * 9, b"n" * 25), range(3), (0, 40)):
        for length, (shape, begin, between, end) in product(range(LENGTHS), separators):
            events = [_event(name, kind, 3, 5)] * 3 + [_event(name, kind, first, length)]
            text = begin + between.join(events) + end
            for cut in (len(text), *range(1, len(text), 1 if not length % 33 else len(text))):
                edge, elsewhere = EDGES[0].ending(text[:cut]), _elsewhere(text[:cut], choose)[0]
                rules = (shape, 0, 1000, 64, 1, 2, NAMES[0], TYPES[0], 1, True, 2)
                found = _compare(kernel.scan, [edge, *rules], [elsewhere, *rules])
                if cut == len(text) and (found is None or found[1] != len(events)):
                    raise EdgeError(f"{text!r} is not scanned")
                texts += 1
    return texts


def _event(name: bytes, kind: int, first: int, length: int) -> bytes:
    """Of no purchase; its last value, of ``length``, is a text, a whole number or another one."""
    digits = max(length, 1)
    value = (b'"' + b"z" * length + b'"', b"1" * digits, b"1." + b"0" * digits)[kind]
    return b'{"event_type":"view","customer_id":"%s","%s":%s}' % (b"c" * first, name, value)


def check_ids(text: bytes, choose: Random) -> None:
    """Spans of the text, and ids that are cut from it. Raises EdgeError."""
    cuts = sorted(choose.choices(range(len(text) + 1), k=choose.choice((0, 1, 7, 70))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    spans = np.array([[0, *cuts], [*cuts, len(text)]], np.int64).T.tobytes()
    edge = EDGES[0].ending(text)
    if kernel.gather(edge, EDGES[1].ending(spans).cast("q")) != text:
        raise EdgeError("gathered is something else")
    known = list(dict.fromkeys(choose.sample(pieces, len(pieces) // 2)))
    offsets, data = _at(2, _offsets(known)).cast("q"), _at(3, b"".join(known))
    table = _ids.table_of(offsets, data, KEY)
    rows = {one: row for row, one in enumerate(known)}
    expected = np.array([rows.get(one, -1) for one in pieces], np.int64).tobytes()
    if _ids.rows_of(table, _at(1, _offsets(pieces)).cast("q"), edge) != expected:
        raise EdgeError(f"{pieces} are others in {known}")


def _at(number: int, data: bytes) -> Any:
    return EDGES[number].ending(data)


def _offsets(ids: list[bytes]) -> bytes:
    return np.array([0, *accumulate(map(len, ids))], np.int64).tobytes()


def check_sums(choose: Random) -> None:
    """Columns of purchases, of some that are certain, and of noise. Raises EdgeError."""
    count, known = choose.choice((0, 1, 7, 8, 9, 33, 70)), choose.choice((0, 1, 40))
    columns = _columns(count, choose)
    first = choose.randrange(count + 1)
    found = []
    at_edges = [None if each is None else _at(at, each) for at, each in enumerate(columns)]
    for placed in (columns, at_edges):
        rules = _sums.rules_of(*_rules(known))
        sums = _sums.sums_by(rules, 7)
        left = _sums.add(sums, 5, first, count - first, tuple(placed))
        found.append((left, _sums.by_day(sums), _sums.by_product(sums), _sums.customers(sums)))
    if found[0] != found[1]:
        raise EdgeError(f"{columns}: {found[1]}, and elsewhere {found[0]}")


def _columns(count: int, choose: Random) -> list[bytes | None]:
    """As `CandidateRows` has them, and not a byte more."""
    bits = -(-count // 8)

    def flags(share: float) -> bytes:
        made: NDArray[np.bool_] = np.array([choose.random() < share for _ in range(count)], bool)
        return np.packbits(made, bitorder="little").tobytes()[:bits]

    def ids() -> list[bytes]:
        names = [b"%d" % choose.randrange(50) for _ in range(count)]
        return [_offsets(names), b"".join(names)]

    quantities = [choose.choice((1, 2, 2**31 - 1, 0, -1)) for _ in range(count)]
    prices = [choose.choice((0, 5, 2**53 - 1, 2**53, -1)) for _ in range(count)]
    priced = choose.random() < 0.5
    return [
        bytes(choose.choice((0, 0, 0, 1)) for _ in range(count)),
        flags(0.1),
        np.array(quantities, np.int32).tobytes(),
        choose.choice((None, flags(0.9))),
        *ids(),
        choose.choice((None, flags(0.9))),
        *ids(),
        flags(0.9) if priced else None,
        np.array(prices, np.int64).tobytes() if priced else None,
    ]


def _rules(known: int) -> list[Any]:
    names = [b"%d" % number for number in range(known)]
    table = _ids.table_of(np.frombuffer(_offsets(names), np.int64), b"".join(names), KEY)
    first = np.arange(known + 1, dtype=np.int64)
    calendar = (first, first[:-1] * DAYS, np.full(known, 9, np.int64))
    codes = (np.arange(known) % 3 - 1).astype(np.int32)
    return [table, calendar, codes, first[:known] * 100, 2, table, None, codes, 2, DAYS]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if not (IS_BUILT and IS_COMPILED):
        print("Nothing is compiled: there is nothing to read too much.")
        return 1
    choose, found = Random(chosen.seed), Counter[str]()  # noqa: S311
    found["of each length"] = check_lengths()
    oracles = [Feed.of(each) for each in SETTINGS]
    corpus = [part(choose, choose.choice(oracles)).content for _ in range(CORPUS)]
    for case in range(chosen.cases):
        if not case % 10:
            corpus[choose.randrange(CORPUS)] = part(choose, choose.choice(oracles)).content
        text = mutated(choose.choice(corpus), corpus, choose)[:MOST]
        if choose.random() < 0.3:
            text = text[: choose.randrange(len(text) + 1)]
        try:
            found[check_text(text, choose)] += 1
            if not case % 10:
                check_ids(text, choose)
                check_sums(choose)
        except Exception:
            print(f"seed {chosen.seed}, case {case}: {text!r}")
            raise
    check_changing(CHANGED_SHARE * chosen.cases)
    print(f"seed {chosen.seed}: {found.total()} texts;", dict(sorted(found.items())))
    expected = ("not certain", "scanned", "scanned, no event")
    return 0 if min(found[each] for each in expected) > chosen.cases // 100 else 1


if __name__ == "__main__":
    sys.exit(main())
