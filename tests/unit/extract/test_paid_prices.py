"""What was paid for a unit: by both tiers the same, and what the oracle says."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline_core.extract.paid_prices import paid_price
from pipeline_core.framing.windows import Window
from pipeline_core.messages import Feed
from pipeline_core.reread.fields import price_of
from pipeline_core.reread.json_text import value_in
from tests.support.decoding import by_both_tiers
from tests.support.oracle_feed import Counted
from tests.support.oracle_feed import Feed as OracleFeed
from tests.support.oracle_parts import json_value
from tests.support.whole_runs import whole_runs

EVENT = '{"event_type":"purchase","customer_id":"c","product_id":"p","quantity":2,"price":%s}'


def minor(price: str, decimals: int = 2) -> int | None:
    """By both tiers, alone and behind an event like it, and behind another price."""
    feed = Feed(price="price", price_decimals=decimals)
    event = EVENT % price
    again = event[:-1].replace(f":{price}", ":1.25", 1) + f', "price":{price}}}'
    text = f"[{event},{event},{again}]".encode()
    found = by_both_tiers(Window(text, 0), feed=feed).candidates
    (one,) = {each.price for each in found}
    return one


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("9.95", 995),
        ("9.9", 990),
        ("9", 900),
        ("9.950", 995),
        ("9.95000000000000000000000000", 995),
        ("9.951", None),
        ("9.95000000000000000000000001", None),
        ("0", 0),
        ("0.00", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("0.001", None),
        ("-9.95", None),
        ("-0.01", None),
        ("1e2", 10000),
        ("1E+2", 10000),
        ("995e-2", 995),
        ("9950e-3", 995),
        ("9951e-3", None),
        ("0.0995e0002", 995),
        ("0e99999999999999999999", 0),
        ("1e99999999999999999999", None),
        ("1e-99999999999999999999", None),
        ("90071992547409.91", 2**53 - 1),
        ("90071992547409.92", None),
        ("9007199254740991e-2", 2**53 - 1),
        ("1" + "0" * 5000, None),
        ("0." + "0" * 5000, 0),
        ('"9.95"', 995),
        ('"009.950"', 995),
        ('"9."', 900),
        ('".5"', 50),
        ('"-0.00"', 0),
        ('"-9.95"', None),
        ('"9.951"', None),
        ('"1e2"', None),
        ('"+9.95"', None),
        ('" 9.95"', None),
        ('"9,95"', None),
        ('"9.95 EUR"', None),
        ('"1.234.50"', None),
        ('"9\\u002e95"', 995),
        ('"."', None),
        ('"-"', None),
        ('"-."', None),
        ('""', None),
        ('"٣"', None),
        ('"\\ud800"', None),
        ("null", None),
        ("true", None),
        ("[9.95]", None),
        ("{}", None),
    ],
)
def test_a_price_is_what_its_digits_say(price: str, expected: int | None) -> None:
    assert minor(price) == expected


def test_a_missing_price_is_none() -> None:
    event = b'{"event_type":"purchase","quantity":1}'
    (found,) = by_both_tiers(Window(b"[" + event + b"]", 0), feed=Feed(price="price")).candidates
    assert found.price is None


@pytest.mark.parametrize(("price", "expected"), [("9", 9), ("9.0", 9), ("9.5", None)])
def test_a_currency_without_decimals(price: str, expected: int | None) -> None:
    assert minor(price, 0) == expected


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
TEXTS = st.from_regex(r"-?[0-9]{0,18}\.?[0-9]{0,9}", fullmatch=True).map(json.dumps)


@given(st.one_of(NUMBERS, TEXTS), st.integers(0, 6))
@example("9007199254740991", 0)
@whole_runs(500)
def test_both_tiers_verify_and_the_oracle_agree(price: str, decimals: int) -> None:
    counted = Counted(0, json_value((EVENT % price).encode()), {})
    expected = OracleFeed(price="price", price_decimals=decimals).paid(counted)
    recounted = price_of(value_in(price, 0, 9)[0], decimals)
    assert recounted == expected
    assert minor(price, decimals) == (None if expected is None else expected.scaleb(decimals))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(9.95, 995), (0.1 + 0.2, None), (12, 1200), (Decimal("1E+2"), 10000), (float("nan"), None)],
)
def test_numbers_of_python(value: object, expected: int | None) -> None:
    assert paid_price(value, 2) == expected
