"""Mutations of what a zip says of its entries, which those of bytes seldom meet."""

from __future__ import annotations

import re
from random import Random

from tests.support.mutate import NUMBERS

_SIGNS = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x05\x06|\x06\x06|\x06\x07|\x07\x08)")
# Of each record: places and bytes of its numbers (APPNOTE.TXT, 4.3).
_FIELDS = {
    b"PK\x03\x04": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\x01\x02": (
        *((6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2)),
        *((32, 2), (34, 2), (36, 2), (38, 4), (42, 4)),
    ),
    b"PK\x05\x06": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
    b"PK\x06\x06": ((4, 8), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8)),
    b"PK\x06\x07": ((4, 4), (8, 8), (16, 4)),
    b"PK\x07\x08": ((4, 4), (8, 4), (12, 4)),
}
_NEAR = (-46, -30, -22, -1, 1, 22, 30, 46)


def with_other_fields(data: bytes, choose: Random) -> bytes:
    """The zip with one to three numbers of its records changed: to a number next to it, to one at a
    limit, to a bit more or less, or to that of another record."""
    changed = bytearray(data)
    places = [each.start() for each in _SIGNS.finditer(data)]
    for _ in range(choose.choice((1, 1, 2, 3)) if places else 0):
        record = choose.choice(places)
        begin, width = choose.choice(_FIELDS[data[record : record + 4]])
        field = slice(record + begin, record + begin + width)
        if field.stop <= len(changed):
            value = int.from_bytes(changed[field], "little")
            other = choose.choice(places) + begin
            found = choose.choice(
                (
                    value + choose.choice(_NEAR),
                    value ^ 1 << choose.randrange(8 * width),
                    choose.choice(NUMBERS),
                    int.from_bytes(changed[other : other + width], "little"),
                    choose.randrange(len(changed) + 1),
                )
            )
            changed[field] = (found % (1 << 8 * width)).to_bytes(width, "little")
    return bytes(changed)
