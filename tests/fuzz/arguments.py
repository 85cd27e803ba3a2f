"""Everything compiled, called with whatever Python can give: ``make fuzz``, ``make sanitize``.

``python -m tests.fuzz.arguments [--cases 200000] [--seed 1]``. Sound calls, sound calls with some
arguments replaced, and arguments of any kind: other types, formats and item sizes, gaps between
items, odd addresses, numbers at every limit, offsets whose differences wrap, tables of somebody
else. Meanwhile a thread changes buffers that calls are reading. Whatever the arguments: the call
returns what it says, or raises one of the errors of a wrong argument, and the process lives; and
sound calls are right.
"""

from __future__ import annotations

import argparse
import array
import ctypes
import datetime as dt
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline_core.framing.kernel import IS_BUILT, kernel
from pipeline_core.transform.sums import IS_COMPILED
from pipeline_core.valid_ranges import DAYS

if IS_COMPILED:
    from pipeline_core.transform import _ids, _sums

REFUSALS = (TypeError, ValueError, OverflowError, BufferError, MemoryError)
KEY = bytes(range(16))
SHARED_IDS = 3_000  # so many that numpy gives up the GIL to write them
ANYTHING_SHARE = 0.2
CHANGED_SHARE = 0.02
GATHERED = 20_000
GATHERED_SHARE = 0.005
NOISE_SHARE = 0.02
SWITCH_SECONDS = 1e-5
EVENT = b'{"event_type":"purchase","customer_id":"c","product_id":"p","quantity":2,"price":9.50}'
NAMES = (b"event_type", b"customer_id", b"product_id", b"quantity")
LIMITS = tuple(
    number + step
    for number in (0, 255, 512, 2**31, 2**32, 2**53, 2**63, 2**64, -(2**31), -(2**63))
    for step in (-1, 0, 1)
)
NUMBERS = (*LIMITS, 2, 3, 4, 64, 10**30, True, 1.5, float("nan"), float("inf"), None, "1")
TEXTS = (
    b"",
    b"[",
    b"[]",
    b"[" + EVENT + b"]",
    b"[" * 300_000,
    b"[" + b'{"a":' * 100_000,
    b"[1,[2],{}]",
    b'["\\u12',
    b"[\xf0\x9f",
    b"ab" * 50,
    EVENT + b"\n{bad\n5 \r\n" + EVENT,
    EVENT * 3,
    b'{"customer_id":-0}',
    b'{"price":-1e99}{"price":"9."}{"price":0.%s1}' % (b"0" * 400),
)
INT64S = tuple(number for number in LIMITS if -(2**63) <= number < 2**63)


class _Numbers(ctypes.Structure):
    _fields_ = [("value", ctypes.c_int64)]


def _as_int64s(choose: Random) -> NDArray[np.int64]:
    """Offsets, or spans, of all kinds; some whose differences wrap."""
    sound = np.cumsum([choose.choice((0, 1, 3)) for _ in range(choose.choice((1, 2, 5, 40)))])
    made = sound.astype(np.int64)
    for _ in range(choose.choice((0, 0, 1, 2, 40))):
        made[choose.randrange(len(made))] = choose.choice((*INT64S, 1, 2, 5, 50))
    return made


def _buffer(choose: Random) -> Any:
    """A buffer of any kind, or what looks like one."""
    numbers = _as_int64s(choose)
    data = bytearray(choose.choice(TEXTS)[: choose.choice((0, 1, 7, 8, 64, 10**6))])
    odd = np.frombuffer(b"x" + numbers.tobytes(), np.uint8)[1:].view(np.int64)
    return choose.choice(
        (
            lambda: numbers,
            lambda: odd,
            lambda: numbers[:0],
            lambda: numbers[::-1],
            lambda: numbers[::2],
            lambda: numbers.reshape(1, -1),
            lambda: np.asfortranarray(np.stack([numbers, numbers, numbers])),
            lambda: np.array(numbers[0]),
            lambda: np.broadcast_to(numbers[:1], (len(numbers),)),
            lambda: np.broadcast_to(numbers[:1], (0, 5)),
            lambda: numbers.astype(choose.choice(("<i4", ">i8", "<u8", "<f8", "<i2", "c16"))),
            lambda: numbers.view("M8[s]"),
            lambda: numbers.view([("value", "<i8")]),
            numbers.data.toreadonly,
            lambda: numbers.data.cast("B").cast(choose.choice(("b", "d", "Q", "q", "l"))),
            lambda: memoryview(bytes(data)),
            lambda: memoryview(data)[:: choose.choice((1, 2, -1))],
            lambda: array.array("q", numbers.tolist()),
            lambda: (ctypes.c_int64 * len(numbers))(*numbers.tolist()),
            _Numbers * 3,
            lambda: bytes(data),
            lambda: data,
            lambda: data.decode("latin-1"),
            numbers.tolist,
        )
    )()


def _anything(choose: Random) -> Any:
    return choose.choice(
        (
            lambda: _buffer(choose),
            lambda: choose.choice(NUMBERS),
            lambda: choose.choice(TEXTS),
            lambda: choose.choice((KEY, KEY[:15], KEY + b"x", bytearray(KEY))),
            lambda: _table(choose.choice((0, 1, 30))),
            lambda: _sums.rules_of(*_rules(2, choose)),
            lambda: _sums.sums_by(_sums.rules_of(*_rules(2, choose)), 3),
            lambda: dt.datetime_CAPI,  # a capsule, of others
            lambda: choose.choice(((), {}, object(), type, KEY.hex(), _ids, iter(()))),
            lambda: choose.choice((NAMES, NAMES[:3], (*NAMES[:3], 5), (b"",) * 17)),
        )
    )()


def _ids_of(count: int) -> tuple[NDArray[np.int64], bytes]:
    names = [b"%d" % number for number in range(count)]
    return np.cumsum([0, *map(len, names)], dtype=np.int64), b"".join(names)


def _table(count: int) -> Any:
    return _ids.table_of(*_ids_of(count), KEY)


_Call = tuple[Callable[..., Any], list[Any], Any]


def _sound(choose: Random) -> _Call:
    """A function, sound arguments, and what it must return for them (a table: anything)."""
    count, known = choose.choice((0, 1, 9, 70)), choose.choice((0, 1, 30))
    rows = np.where(np.arange(count) < known, np.arange(count), -1).tobytes()
    text = b"0123456789"
    events = b'[{"event_type":"view"},{}]'
    calls: list[_Call] = [
        (_ids.table_of, [*_ids_of(count), KEY], None),
        (_ids.rows_of, [_table(known), *_ids_of(count)], rows),
        (_ids.hash_of, [b"a", KEY], _ids.hash_of(b"a", KEY)),
        (kernel.gather, [text, np.array([(1, 3), (9, 10)])], b"129"),
        (kernel.event_borders, [events], (22, 22)),
        (kernel.value_borders, [b'{"a":1} [2]x'], (11, 7)),
        (kernel.value_end, [events, 1], 22),
        (kernel.scan, _scanned(choose, choose.choice(TEXTS)), None),
        *_sound_sums(choose, count),
    ]
    return choose.choice(calls)


def _sound_sums(choose: Random, count: int) -> list[_Call]:
    rules = _sums.rules_of(*_rules(choose.choice((0, 1, 30)), choose))
    sums, twin = (_sums.sums_by(rules, choose.choice((0, 1, 2**64 - 1))) for _ in range(2))
    for each in (sums, twin):
        _sums.add(each, choose.randrange(DAYS), 0, count, _columns(count))
    return [
        (_sums.rules_of, _rules(choose.choice((0, 1, 30)), choose), None),
        (_sums.sums_by, [rules, 5], None),
        (_sums.add, [sums, choose.randrange(DAYS), 0, count, _columns(count)], None),
        (_sums.add, [sums, 9, count // 2, count - count // 2, _columns(count)], None),
        (_sums.absorb, [sums, twin], None),
        (_sums.size_of, [_sums.sums_by(rules, 5)], 0),
        (choose.choice((_sums.by_day, _sums.by_product, _sums.customers)), [sums], None),
    ]


def _rules(known: int, choose: Random) -> list[Any]:
    """Sound arguments of rules_of, with so many customers and products."""
    first = np.arange(known + 1, dtype=np.int64)
    calendar = (first, first[:-1] * DAYS + 5, np.full(known, 99, np.int64))
    codes, prices = (first % 3 - 1).astype(np.int32), first * 2**40
    days = [choose.choice((None, calendar)) for _ in range(2)]
    products, customers = _table(known), _table(known)
    return [products, days[0], codes, prices, 2, customers, days[1], codes, 2, DAYS]


def _columns(count: int) -> tuple[Any, ...]:
    offsets, data = _ids_of(count)
    flags = bytes(count // 8 + 1)
    quantities = np.arange(count, dtype=np.int32)
    ids = (None, offsets, data)
    return (bytes(count), flags, quantities, *ids, *ids, None, None)


def _scanned(choose: Random, text: Any) -> list[Any]:
    """Sound arguments of scan for a text."""
    shape, rows, depth = choose.choice((0, 1, 2, 3)), choose.choice((1, 5, 1000)), (1, 2, 64, 512)
    types = choose.choice(((), (b"purchase",), (b"", b"p", b"purchase")))
    names = choose.choice((NAMES, (*NAMES, b"price")))
    bought = choose.randrange(len(types) + 1)
    rules = (names, types, bought, choose.random() < 0.5, choose.choice((0, 2, 15)))
    return [text, shape, 0, rows, choose.choice(depth), 1, 2, *rules]


def _instead_of(argument: Any, choose: Random) -> Any:
    """Mostly something of the same kind."""
    if choose.random() < ANYTHING_SHARE:
        return _anything(choose)
    if isinstance(argument, tuple) and argument:
        place = choose.randrange(len(argument))
        return (*argument[:place], _instead_of(argument[place], choose), *argument[place + 1 :])
    if isinstance(argument, int):
        return choose.choice(NUMBERS)
    return _buffer(choose) if isinstance(argument, bytes | np.ndarray) else _anything(choose)


def check(choose: Random) -> str:
    """What became of one call. Raises AssertionError, or what no wrong argument raises."""
    function, arguments, expected = _sound(choose)
    kind = choose.choice(("sound", "replaced", "replaced", "any"))
    if kind == "replaced":
        for _ in range(choose.choice((1, 1, 2, 3))):
            place = choose.randrange(len(arguments))
            arguments[place] = _instead_of(arguments[place], choose)
    elif kind == "any":
        arguments = [_anything(choose) for _ in range(choose.choice((len(arguments), 0, 7)))]
    try:
        found = function(*arguments)
    except REFUSALS:
        assert kind != "sound"
        return "refused"
    assert kind != "sound" or expected is None or found == expected, (function, found)
    return f"{kind} answered"


@contextmanager
def _changed(shared: list[NDArray[Any]], others: list[NDArray[Any]]) -> Iterator[None]:
    """While this is open, ``shared`` arrays have their own values and others, by turns."""
    stop, patience = threading.Event(), sys.getswitchinterval()
    own = [each.copy() for each in shared]

    def change() -> None:
        while not stop.is_set():
            for values in (others, own):
                for each, new in zip(shared, values, strict=True):
                    each[:] = new

    thread = threading.Thread(target=change)
    sys.setswitchinterval(SWITCH_SECONDS)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(patience)


def check_changing(choose: Random, calls: int) -> Counter[str]:
    """Calls whose buffers another thread changes; they may say anything, and must not end this."""
    offsets, data = _ids_of(SHARED_IDS)
    wrong = np.array([choose.choice(INT64S) for _ in offsets], np.int64)
    text = np.frombuffer(bytearray(b"[" + b",".join([EVENT] * 60) + b"]"), np.uint8)
    is_noise = [at >= len(EVENT) and choose.random() < NOISE_SHARE for at in range(len(text))]
    noise = np.where(is_noise, choose.choices(b'"\\[]{},:-0e\xf0 ', k=len(text)), text)
    octets = np.frombuffer(data, np.uint8).copy()
    known = offsets.copy()
    table = _ids.table_of(known, octets.data, KEY)
    first = np.arange(SHARED_IDS + 1, dtype=np.int64)
    calendar = (first, first[:-1] * DAYS, np.full(SHARED_IDS, 99, np.int64))
    codes = np.zeros(SHARED_IDS + 1, np.int32)
    rules = _sums.rules_of(table, calendar, codes, known, 1, table, None, codes, 1, DAYS)
    sums = _sums.sums_by(rules, 7)
    columns = (octets, octets, offsets, None, offsets, octets, octets, known, octets, None, known)
    shared: list[NDArray[Any]] = [offsets, octets, known, text, codes, *calendar]
    others: list[NDArray[Any]] = [wrong, octets[::-1].copy(), wrong, noise, wrong.astype(np.int32)]
    others += [wrong[: len(each)] for each in calendar]
    found = Counter[str]()
    with _changed(shared, others):
        for _ in range(calls):
            function, arguments = choose.choice(
                (
                    (_ids.table_of, [offsets, octets, KEY]),
                    (_ids.rows_of, [table, offsets, octets]),
                    (_ids.rows_of, [table, known, octets]),
                    (kernel.event_borders, [text]),
                    (kernel.value_borders, [text]),
                    (kernel.value_end, [text, choose.randrange(len(text))]),
                    (kernel.scan, _scanned(choose, text)),
                    (_sums.add, [sums, 5, 0, SHARED_IDS, columns]),
                )
            )
            try:
                function(*arguments)
            except REFUSALS:
                found["changing refused"] += 1
            else:
                found["changing answered"] += 1
    return found


def check_gathering(calls: int) -> Counter[str]:
    """As check_changing, of what keeps the GIL, which numpy does not need to write: what is
    gathered is of the text and of nothing else."""
    text, found = b"x" * 100, Counter[str]()
    spans = np.tile(np.array([0, 1], np.int64), (GATHERED, 1))
    with _changed([spans], [spans * len(text)]):
        for _ in range(calls):
            try:
                gathered = kernel.gather(text, spans)
            except REFUSALS:
                found["gathering refused"] += 1
            else:
                assert not gathered.strip(b"x")
                found["gathering answered"] += 1
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if not (IS_BUILT and IS_COMPILED):
        print("Nothing is compiled: there is nothing to call.")
        return 1
    choose, found = Random(chosen.seed), Counter[str]()  # noqa: S311
    for number in range(chosen.cases):
        try:
            found[check(choose)] += 1
        except BaseException:
            print(f"seed {chosen.seed}, case {number}")
            raise
    found += check_changing(choose, int(chosen.cases * CHANGED_SHARE))
    found += check_gathering(int(chosen.cases * GATHERED_SHARE))
    print(f"seed {chosen.seed}: {found.total()} calls;", dict(sorted(found.items())))
    expected = ("sound", "replaced", "any", "changing", "gathering")
    return 0 if found["refused"] and all(found[f"{kind} answered"] for kind in expected) else 1


if __name__ == "__main__":
    sys.exit(main())
