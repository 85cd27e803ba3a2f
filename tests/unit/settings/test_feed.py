"""SALES_FIELDS and what belongs to it: what is read from the text, and what is refused."""

from __future__ import annotations

import msgspec
import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.kept.extracts import extracts_folder
from pipeline_core.messages import Condition, Feed, Limits, Options
from pipeline_core.reuse.memory import decisive
from pipeline_core.settings import load_settings


def test_a_feed_is_as_the_shop_wrote_it() -> None:
    given = {
        "fields": " customer_id = user.id , product_id=sku,",
        "purchase_types": "order_paid, purchase,order_paid",
        "ids": "any",
        "quantity": "number:1",
        "only": "status=paid|sent, test != true,note=",
        "items": "orders[].lines[]",
        "event_id": "type,order.id",
        "records": "data.rows",
        "parts": ".log,part-*",
        "ignore": "*_intraday_*",
    }
    expected = Feed(
        customer_id="user.id",
        product_id="sku",
        purchase_types=("order_paid", "purchase"),
        ids="any",
        numbers="number",
        missing_quantity=1,
        only=(
            Condition("status", True, ("paid", "sent")),
            Condition("test", False, ("true",)),
            Condition("note", True, ("",)),
        ),
        items="orders[].lines[]",
        event_id=("type", "order.id"),
        records="data.rows",
        parts=(".log", "part-*"),
        ignore=("*_intraday_*",),
    )
    assert load_settings(given).options().feed == expected
    kept = msgspec.json.decode(msgspec.json.encode(Options(feed=expected)), type=Options)
    assert kept.feed == expected


def test_without_settings_a_feed_is_ours() -> None:
    assert load_settings().options().feed == Feed()
    assert msgspec.json.decode(b"{}", type=Options).feed == Feed()


def test_names_may_change_places() -> None:
    feed = load_settings({"fields": "customer_id=product_id,product_id=customer_id"}).feed()
    assert (feed.customer_id, feed.product_id) == ("product_id", "customer_id")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fields", "customer=user", "none of our names"),
        ("fields", "customer_id", "no name=path"),
        ("fields", "customer_id=", "empty path"),
        ("fields", "customer_id=a,customer_id=b", "stands twice"),
        ("fields", "customer_id=id,product_id=id", "one path, 'id'"),
        ("fields", "customer_id=product_id", "one path, 'product_id'"),
        ("purchase_types", " , ", "no type"),
        ("ids", "integers", "it is text or any"),
        ("quantity", "float", "none of integer, number"),
        ("quantity", "number:0", "from 1 to"),
        ("quantity", "number:2147483648", "from 1 to"),
        ("only", "status", "no condition"),
        ("only", "!=true", "no condition"),
        ("items", "products", "write products[]"),
        ("items", "[]", "empty path"),
        ("items", "a[].[]", "empty path"),
        ("records", " ", "empty path"),
        ("parts", "2023/*", "no pattern of file names"),
    ],
)
def test_what_is_wrong_is_said(name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"SALES_{name.upper()}: ") as error:
        load_settings({name: text})
    assert said in error.value.message


def test_another_feed_is_another_reading() -> None:
    ours, theirs = Options(), Options(feed=Feed(product_id="sku"))
    assert decisive(ours) != decisive(theirs)
    assert extracts_folder(ours) != extracts_folder(theirs)
    assert extracts_folder(ours) == extracts_folder(Options(batch_size=7))
    fewer = Options(limits=Limits(json_depth=3))
    assert extracts_folder(ours) != extracts_folder(fewer)
