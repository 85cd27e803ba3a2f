"""Parts that are packed once more: limits hold for what comes out, and memory does not grow."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from backports import zstd

from tests.contract.containers.test_bombs import LARGE, MIB, measured
from tests.support.archives import archive_zip, day_zip, write_shop
from tests.support.run import run_local, sales, summary, units, unreadable

DAY = "2024-03-01.zip"
LINE = b'{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":1}\n'

# An array of as many purchases takes 130 MiB; held, they would take as much more.
MOST_GROWTH = 220 * MIB

Pack = Callable[[bytes], bytes]


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize(
    ("limits", "place", "what"),
    [
        ({"part_bytes": MIB}, (DAY, "1.json"), "part"),
        ({"day_bytes": MIB}, (DAY, None), "day"),
        ({"archive_bytes": MIB}, (None, None), "archive"),
    ],
)
def test_what_is_packed_counts_as_it_comes_out(
    tmp_path: Path, pack: Pack, limits: dict[str, int], place: Sequence[str | None], what: str
) -> None:
    bomb = pack(b"[" + b" " * 2 * MIB + b"]")
    days = {DAY: day_zip({"1.json": bomb}), "2024-03-02.zip": day_zip({"1.json": sales(3)})}
    shop = write_shop(
        tmp_path / "shop",
        {
            "a.zip": archive_zip(days),
            "b.zip": archive_zip({"2024-03-03.zip": day_zip({"2.json": sales(4)})}),
        },
    )
    outcome = run_local(shop, tmp_path, limits=limits)
    assert unreadable(outcome) == {
        ("a.zip", *place): f"the {what} holds more than the limit of {MIB} bytes"
    }
    assert units(outcome) == (4 if what == "archive" else 7)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_packed_bytes_are_no_more_than_a_part_may_have(tmp_path: Path, pack: Pack) -> None:
    packed = pack(sales(1)) + pack(b" ") * 500
    shop = write_shop(
        tmp_path / "shop",
        {"a.zip": archive_zip({DAY: day_zip({"1.json.gz": packed, "2.json": sales(2)})})},
    )
    outcome = run_local(shop, tmp_path, limits={"part_bytes": 1000})
    assert list(unreadable(outcome)) == [("a.zip", DAY, "1.json.gz")]
    assert units(outcome) == 2


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        ("lines", gzip.compress),
        ("lines", zstd.compress),
        ("values", bytes),
        ("envelope", bytes),
        ("blanks", bytes),
        ("one event", gzip.compress),
    ],
)
def test_a_large_part_of_any_shape_takes_bounded_memory(
    tmp_path: Path, pack: Pack, kind: str
) -> None:
    count = LARGE // len(LINE)
    content = {
        "lines": LINE * count,
        "values": LINE.rstrip() * count,
        "envelope": b'{"rows":[' + b",".join([LINE] * count) + b'],"n":1}',
        "blanks": LINE + LINE + b"\n" * LARGE + LINE,
        "one event": b'{"event_type":"' + b"x" * LARGE + b'"}',
    }[kind]
    archive = archive_zip({DAY: day_zip({"1.json": pack(content)})})
    outcome = measured(tmp_path, archive, MOST_GROWTH)
    purchases = {"blanks": 3, "one event": 0}.get(kind, count)
    assert summary(outcome).events.counted == 1 + purchases
    assert outcome.exit_code == (3 if kind == "one event" else 0)
