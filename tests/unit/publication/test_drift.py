"""Figures before and after, and what the limits say of them: no storage, no run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec
import pyarrow as pa
import pytest

from pipeline_core.messages import (
    DriftLimits,
    EventCounts,
    Manifest,
    Options,
    PartCounts,
    Summary,
    Tally,
    Totals,
)
from pipeline_core.publication.drift import breaches, gone
from pipeline_core.transform.ids import PlainIndex

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TENTH = Decimal("0.1")


def _summary(
    revenue: str = "100.00", counted: int = 100, rejected: int = 0, missing: tuple[int, ...] = ()
) -> Summary:
    return Summary(
        run_id="X",
        status="complete",
        engine="local",
        created_at=NOW,
        finished_at=NOW,
        archives=Tally(),
        days=Tally(),
        parts=PartCounts(0, 0),
        events=EventCounts(counted + rejected, counted, 0, rejected),
        rejected={},
        totals=Totals(revenue, counted, 1),
        unreadable=(),
        conflicting_days=(),
        missing_days=tuple(date(2024, 3, day) for day in missing),
        dimensions_digest="",
        inputs={},
        compressed_bytes=0,
        json_bytes=0,
        seconds=0.0,
    )


def _revenue(before: str, after: str, limit: str) -> list[str]:
    limits = DriftLimits(revenue_change=Decimal(limit))
    return list(breaches(limits, _summary(before), _summary(after)))


def test_without_a_limit_everything_is_believed() -> None:
    huge = _summary("999999999999.99", 10**9, 10**9, tuple(range(1, 31)))
    assert list(breaches(DriftLimits(), _summary(), huge)) == []


def test_a_breach_names_both_figures_the_run_and_the_limit() -> None:
    assert _revenue("10194.00", "8012.50", "0.1") == [
        "Total revenue is 8,012.50, 21.4 % less than 10,194.00 in run X; the limit is 10 %."
    ]
    assert _revenue("10194.00", "12375.50", "0.125") == [
        "Total revenue is 12,375.50, 21.4 % more than 10,194.00 in run X; the limit is 12.5 %."
    ]


@pytest.mark.parametrize(
    ("before", "after", "limit", "is_believed"),
    [
        ("100.00", "90.01", "0.1", True),
        ("100.00", "90.00", "0.1", True),
        ("100.00", "89.99", "0.1", False),
        ("100.00", "110.00", "0.1", True),
        ("100.00", "110.01", "0.1", False),
        # A float of 0.3 is less than 0.3, one of 0.7 more.
        ("0.10", "0.13", "0.3", True),
        ("0.10", "0.03", "0.7", True),
        # More digits than a float, or a Decimal's 28, can tell apart.
        ("10000000000000000000000000000000.00", "11000000000000000000000000000000.00", "0.1", True),
        (
            "10000000000000000000000000000000.00",
            "11000000000000000000000000000000.01",
            "0.1",
            False,
        ),
        ("100.00", "100.00", "0", True),
        ("100.00", "100.01", "0", False),
        # Other decimals of the currency: the same money.
        ("100", "100.00", "0", True),
        ("100.000", "90", "0.1", True),
        ("1000", "899.9", "0.1", False),
        # From nothing, every change is too large; to nothing, it is all of it.
        ("0.00", "0", "0", True),
        ("0.00", "0.01", "1", False),
        ("0.01", "0.00", "1", True),
        ("0.01", "0.00", "0.99", False),
    ],
)
def test_revenue_is_compared_exactly(
    before: str, after: str, limit: str, is_believed: bool
) -> None:
    assert (not _revenue(before, after, limit)) == is_believed


def test_from_no_revenue_there_is_no_share_to_tell() -> None:
    assert _revenue("0.00", "12.00", "1") == [
        "Total revenue is 12.00, after 0.00 in run X; the limit is 100 %."
    ]


def test_a_breach_is_never_rounded_to_its_limit() -> None:
    (said,) = _revenue("100000.00", "110000.01", "0.1")
    assert "10.00001 % more" in said
    (said,) = _revenue("0.01", "123.45", "0.1")
    assert "1,234,400.0 % more" in said


@pytest.mark.parametrize(
    ("after", "is_believed"), [(90, True), (89, False), (110, True), (111, False)]
)
def test_purchases(after: int, is_believed: bool) -> None:
    limits = DriftLimits(purchases_change=TENTH)
    found = list(breaches(limits, _summary(counted=100), _summary(counted=after)))
    assert (not found) == is_believed
    if after == 89:
        assert found == [
            "Counted purchases are 89, 11.0 % less than 100 in run X; the limit is 10 %."
        ]


@pytest.mark.parametrize(
    ("before", "after", "is_believed"),
    [
        ((98, 2), (96, 4), True),
        ((98, 2), (95, 5), False),
        ((98, 2), (960, 40), True),  # the share counts, not the number
        ((95, 5), (98, 2), True),  # a fall is no trouble
        ((0, 0), (98, 2), True),
        ((0, 0), (97, 3), False),
        ((98, 2), (0, 0), True),
    ],
)
def test_share_of_rejects(
    before: tuple[int, int], after: tuple[int, int], is_believed: bool
) -> None:
    limits = DriftLimits(reject_share_rise=Decimal("0.02"))
    was, now = (_summary(counted=counted, rejected=left) for counted, left in (before, after))
    assert (not list(breaches(limits, was, now))) == is_believed


def test_a_rise_of_rejects_is_told_in_points() -> None:
    limits = DriftLimits(reject_share_rise=Decimal("0.02"))
    was, now = _summary(counted=979, rejected=21), _summary(counted=928, rejected=72)
    assert list(breaches(limits, was, now)) == [
        "7.20 % of purchases are rejected, 5.1 points more than 2.10 % in run X; "
        "the limit is 2 points."
    ]


def test_missing_days_are_counted_if_they_are_new() -> None:
    before = _summary(missing=(2, 3, 4))
    after = _summary(missing=(3, 4, 20, 21))
    assert list(breaches(DriftLimits(new_missing_days=2), before, after)) == []
    assert list(breaches(DriftLimits(new_missing_days=1), before, after)) == [
        "New missing days: 2 (2024-03-20, 2024-03-21), 4 in all and 3 in run X; the limit is 1."
    ]
    (said,) = breaches(
        DriftLimits(new_missing_days=0), before, _summary(missing=tuple(range(2, 31)))
    )
    assert "New missing days: 26 (2024-03-05, " in said
    assert "2024-03-10, ...), 29 in all" in said


def test_every_limit_is_told() -> None:
    limits = DriftLimits(
        revenue_change=TENTH, purchases_change=TENTH, reject_share_rise=TENTH, new_missing_days=0
    )
    after = _summary("50.00", 50, 50, (2,))
    assert len(list(breaches(limits, _summary(), after))) == 4


def _ids(*names: str) -> pa.LargeBinaryArray:
    return pa.array([name.encode() for name in names], pa.large_binary())


@pytest.mark.parametrize("is_compiled", [True, False])
def test_rows_that_are_gone(monkeypatch: pytest.MonkeyPatch, is_compiled: bool) -> None:
    if not is_compiled:
        monkeypatch.setattr("pipeline_core.publication.drift.index_of", PlainIndex.of)

    def told(before: pa.LargeBinaryArray, after: pa.LargeBinaryArray, limit: str) -> list[str]:
        return list(gone("Customers", before, after, Decimal(limit), "in run X"))

    four = _ids("a", "b", "c", "d")
    assert told(four, _ids("b", "c", "d"), "0.25") == []
    assert told(four, _ids("b", "c", "d", "e", "f", "g"), "0.25") == [], "new ones replace nobody"
    assert told(four, _ids("c", "d", "e"), "0.25") == [
        "Customers gone: 2 of 4 in run X, 50.0 %; the limit is 25 %."
    ]
    assert told(four, _ids(), "0.99") == [
        "Customers gone: 4 of 4 in run X, 100.0 %; the limit is 99 %."
    ]
    assert told(_ids(), four, "0") == []
    assert told(_ids(), _ids(), "0") == []


def test_limits_cross_processes_exactly() -> None:
    options = Options(drift=DriftLimits(revenue_change=Decimal("0.3"), new_missing_days=0))
    manifest = Manifest(
        run_id="X",
        created_at=NOW,
        engine="local",
        data="",
        reports="",
        options=options,
        dimensions_digest="",
        archives=(),
    )
    read = msgspec.json.decode(msgspec.json.encode(manifest), type=Manifest).options.drift
    assert read == options.drift
    assert Fraction(read.revenue_change or 0) == Fraction(3, 10)
