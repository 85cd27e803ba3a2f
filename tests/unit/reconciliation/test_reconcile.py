"""All that was bought = what is counted + what is left out by reason, in money, and in words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.messages import RejectReason, RejectSummary, Returns, Totals
from pipeline_core.messages.reconciliation import Reconciliation
from pipeline_core.reconciliation.reasons import reason_words
from pipeline_core.reconciliation.reconcile import reconcile
from pipeline_core.reconciliation.words import (
    in_one_line,
    kept_by_bucket,
    status_in_words,
    table_rows,
)

COUNTED = Totals("900.00", 90, 9)
GUESTS = {"guest": RejectSummary(3, 10, "100.00")}


# Of 9 counted purchases some came back.
NET = Returns(events=2, units=20, revenue="200.00", unique_customers=None)
SEPARATE = Returns(events=2, units=20, revenue="200.00", unique_customers=1)


def found(
    rejected: dict[str, RejectSummary], limit: str = "0.05", taken: Returns | None = None
) -> Reconciliation:
    events = 9 + (taken.events if taken else 0)
    return reconcile(events, COUNTED, rejected, Decimal(limit), taken)


def test_every_reason_has_plain_words() -> None:
    words = [reason_words(reason) for reason in RejectReason]
    assert not set(words) & set(RejectReason)
    assert len(set(words)) == len(words)
    assert reason_words("of_tomorrow") == "of_tomorrow"


def test_what_is_left_out_is_a_share_of_the_events_and_of_the_money() -> None:
    told = found(GUESTS)
    assert (told.bought.purchases, told.bought.units, told.bought.revenue) == (12, 100, "1000.00")
    assert (told.share, told.revenue_share, told.is_notable) == ("0.250000", "0.100000", True)
    assert status_in_words(told) == "25.0 % left out"
    assert in_one_line(told) == (
        "Bought 1,000.00 = 900.00 counted + 100.00 (guests, guest). "
        "3 of 12 are left out: 25.0 % of purchases, 10.0 % of revenue."
    )


def test_what_is_dear_is_told_in_money_too() -> None:
    told = found({"guest": RejectSummary(1, 1, "300.00")}, "0.2")
    assert (told.share, told.revenue_share, told.is_notable) == ("0.100000", "0.250000", True)
    assert status_in_words(told) == "10.0 % left out, 25.0 % of revenue"


@pytest.mark.parametrize(
    ("lost", "limit", "is_notable"),
    [
        ("100.00", "0.25", True),
        ("100.00", "0.2501", False),
        ("900.00", "0.5", True),
        ("900.00", "0.5001", False),
        ("0.00", "1", False),
    ],
)
def test_it_is_notable_from_the_limit_in_events_or_money(
    lost: str, limit: str, is_notable: bool
) -> None:
    told = found({"guest": RejectSummary(3, 10, lost)}, limit)
    assert told.is_notable == is_notable
    assert bool(status_in_words(told)) == is_notable


def test_nothing_left_out_is_not_notable_at_any_limit() -> None:
    told = found({}, "0")
    assert (told.share, told.is_notable) == ("0.000000", False)
    assert in_one_line(told) == "Bought 900.00 = 900.00 counted."
    assert list(table_rows(told))[-1].figures == told.counted


def test_unknown_money_is_not_zero() -> None:
    told = found(GUESTS | {"unknown_product": RejectSummary(1, 5, None)})
    assert (told.left_out.revenue, told.left_out.unknown_revenue) == ("100.00", 1)
    assert status_in_words(told) == "30.8 % left out"
    assert in_one_line(told) == (
        "Bought at least 1,000.00 = 900.00 counted + 100.00 (guests, guest) + 1 purchase of "
        "unknown value (unknown products, unknown_product). 4 of 13 are left out: 30.8 % of "
        "purchases, at least 10.0 % of revenue."
    )


def test_much_of_unknown_value_is_told_in_purchases() -> None:
    """However little the money is that is known."""
    told = found({"unknown_product": RejectSummary(3, 5, None)})
    assert (told.share, told.revenue_share, told.left_out.revenue) == ("0.250000", "0.000000", None)
    assert status_in_words(told) == "25.0 % left out"
    assert in_one_line(told).endswith("3 of 12 are left out: 25.0 % of purchases.")


def test_returns_and_copies_are_no_lost_sales() -> None:
    apart = {
        "duplicate_event": RejectSummary(2, 4, "40.00"),
        "return": RejectSummary(5, -30, "-300.00"),
    }
    told = found(GUESTS | apart)
    assert (told.left_out, told.bought, told.revenue_share) == (
        found(GUESTS).left_out,
        found(GUESTS).bought,
        "0.100000",
    )
    assert in_one_line(found(apart)).startswith(
        "Bought 900.00 = 900.00 counted. 5 of 14 are left out: 35.7 % of purchases and returns, "
        "0.0 % of revenue. Beside that: "
    ), "a return that is left out is one of the events, and a copy is none"
    assert in_one_line(told).endswith(
        "Beside that: -300.00 (returns, return), 40.00 (sent before, duplicate_event)."
    )


def test_what_came_back_of_guests_stands_with_the_returns() -> None:
    """And what is not known of it would make it less."""
    returned = RejectSummary(2, -7, "-70.00", 0, 1)
    guests = RejectSummary(5, 10, "100.00", 0, 0, returned)
    told = found({"guest": guests, "return": RejectSummary(5, -30, "-300.00", 0, 0)})
    assert (told.bought, told.reasons) == (found(GUESTS).bought, found(GUESTS).reasons)
    assert in_one_line(told).endswith(
        "Beside that: at most -70.00 (returns: guests, guest), -300.00 (returns, return)."
    )


def test_a_reason_for_which_only_returns_are_left_out_is_no_row_of_sales() -> None:
    guests = RejectSummary(2, 0, "0.00", 0, 0, RejectSummary(2, -7, "-0.70", 0, 0))
    told = found({"guest": guests, "duplicate_event": guests})
    assert (told.reasons, told.sent_twice) == ((), None)
    assert [line.reason for line in told.returns] == ["guest", "duplicate_event"]
    assert told.bought == told.counted


def test_bucket_keeps_what_is_unknown() -> None:
    told = found(GUESTS | {"invalid_quantity": RejectSummary(2, None, None)})
    assert kept_by_bucket(told) == ("100.00", None)
    assert kept_by_bucket(found({"invalid_quantity": RejectSummary(2, None, None)})) is None


@pytest.mark.parametrize("taken", [NET, SEPARATE])
def test_bucket_takes_what_came_back_where_returns_count(taken: Returns) -> None:
    """What it counts is more, and what came back is more."""
    guests = RejectSummary(5, 10, "100.00", 0, 0, RejectSummary(2, -7, "-70.00", 0, 0))
    nobody_knows = RejectSummary(1, 0, "0.00", 0, 0, RejectSummary(1, -1, None, 0, 1))
    assert kept_by_bucket(found({"guest": guests})) == ("100.00", None)
    told = found({"guest": guests, "unknown_product": nobody_knows}, taken=taken)
    assert kept_by_bucket(told) == ("100.00", "70.00")
    assert kept_by_bucket(found({"unknown_product": nobody_knows}, taken=taken)) is None


def test_the_table_leads_to_what_the_report_says() -> None:
    """Counted are purchases; with what came back subtracted, they are the report's total."""
    rows = [(row.words, row.figures) for row in table_rows(found(GUESTS, taken=NET))]
    assert [words for words, _ in rows] == [
        "counted",
        "guests",
        "left out",
        "bought",
        "returns, subtracted",
        "in the report",
    ]
    counted, returned, total = (rows[place][1] for place in (0, 4, 5))
    assert [(each.units, each.revenue) for each in (counted, returned, total)] == [
        (110, "1100.00"),
        (-20, "-200.00"),
        (COUNTED.units_sold, COUNTED.total_revenue),
    ]
    assert counted.purchases == 9


_MONEY = st.integers(0, 10**40)
_REJECTS = st.dictionaries(
    st.sampled_from([reason.value for reason in RejectReason]),
    st.builds(
        RejectSummary,
        events=st.integers(1, 10**9),
        units=st.none() | st.integers(0, 10**12),
        revenue=st.none() | _MONEY.map(lambda minor: f"{Decimal(minor).scaleb(-2):.2f}"),
    ),
)


@given(rejected=_REJECTS, minor=_MONEY)
def test_the_table_adds_up_to_the_last_minor_unit(
    rejected: dict[str, RejectSummary], minor: int
) -> None:
    total = f"{minor // 100}.{minor % 100:02}"
    told = reconcile(7, Totals(total, 21, 3), rejected, Decimal("0.05"))
    rows = list(table_rows(told))
    last = next(number for number, row in enumerate(rows) if row.words == "bought")
    parts = [row.figures for row in rows[:last] if not row.is_sum]
    assert told.bought.purchases == sum(part.purchases for part in parts)
    assert (told.bought.units or 0) == sum(part.units or 0 for part in parts)
    cents = [int((part.revenue or "0").replace(".", "")) for part in parts]
    assert int((told.bought.revenue or "0").replace(".", "")) == sum(cents)
    assert sum(row.share or Fraction(0) for row in rows[:last] if not row.is_sum) in (0, 1)
    apart = [row.figures.purchases for row in rows[last + 1 :]]
    assert told.bought.purchases + sum(apart) == 7 + sum(of.events for of in rejected.values())
