"""Files that are no parts yet, and events that were sent twice, by what settings call them."""

from __future__ import annotations

import pytest

from pipeline_core.inspection.repeats import event_id
from pipeline_core.inspection.search import patterns
from pipeline_core.messages import Feed
from tests.support.archives import purchase


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (["a.log", "b.LOG", "c.txt"], (".log", ".txt")),
        (["a.log.gz"], (".log.gz",)),
        (["shop-1-0", "shop-1-1.gz", "shop-2-1"], ("shop-*",)),
        (["shop-1-0", "shop-2-1", "other.gz"], (".gz", "shop-*")),
        (["shop-1-2023-10-1", "shop-1-2023-10-2"], ("shop-*",)),
        (["1.a0.gz", "2.a1.gz"], (".gz",)),
        (["part", "other"], ("*",)),
        (["part"], ("*",)),
        (["a[1]-1", "a[1]-2"], ("*",)),
        (["abc\x9b-1", "abc\x9b-2"], ("*",)),
    ],
)
def test_files_are_called_by_ending_or_beginning(names: list[str], called: tuple[str, ...]) -> None:
    assert patterns(names) == called


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ([{"messageId": "a"}, {"messageId": "b"}, {"messageId": "a"}], ("messageId",)),
        (
            [{"id": 1, "meta": {"event_id": 2}}, {"id": 3, "meta": {"event_id": 4}}] * 2,
            ("meta.event_id",),
        ),
        ([{"id": 1, "at": "x"}, {"id": 1, "at": "y"}, {"id": 1, "at": "y"}], ()),
        ([{"id": "a"}, {}, {}], ()),
        ([{"id": "a"}, {"id": "b"}], ()),
    ],
)
def test_the_id_of_events_that_were_sent_twice_is_found(
    fields: list[dict[str, object]], path: tuple[str, ...]
) -> None:
    events = [purchase(**each) for each in fields]
    assert event_id([*events, {"event_type": "view", "id": "a"}, "x"], Feed()) == path


@pytest.mark.parametrize(
    ("ids", "path"),
    [
        ({"id": "o"}, ("id",)),
        ({"order_id": "o"}, ("order_id",)),
        ({"id": "o", "items": [{"id": "p"}, {"sku": "p"}]}, ()),
        ({"id": "o", "order_id": "o", "items": [{"id": "p"}]}, ("order_id",)),
    ],
)
def test_an_id_of_orders_is_none_that_their_items_have_too(
    ids: dict[str, object], path: tuple[str, ...]
) -> None:
    """A field is looked for in the item first."""
    orders = [{"event_type": "purchase", "items": [{"sku": "p"}], **ids}, {"event_type": "view"}]
    assert event_id([*orders, *orders], Feed(items="items[]")) == path
