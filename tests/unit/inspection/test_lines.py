"""The archive that an inspection opens, and the lines that it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.catalog.env_line import env_line
from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS
from pipeline_core.errors import ConfigError, UnreadableArchive
from pipeline_core.inspection.chosen import chosen_archive
from pipeline_core.inspection.lines import feed_lines, table_lines
from pipeline_core.messages import Condition, Feed
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_archives


@pytest.mark.parametrize(
    ("names", "newest"),
    [
        (["events_week_9.zip", "events_week_43.zip"], "events_week_43.zip"),
        (["b_2024-03-01.zip", "a_2024-03-02.zip"], "a_2024-03-02.zip"),
        (["z.zip", "2023-12-31.zip"], "2023-12-31.zip"),
        (["only.ZIP"], "only.ZIP"),
    ],
)
def test_the_newest_archive_is_opened(tmp_path: Path, names: list[str], newest: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    data = open_archives(str(tmp_path), follow_links=False)
    assert chosen_archive(data, None)[0] == newest
    assert chosen_archive(data, names[0])[0] == names[0]


def test_an_archive_that_is_none_is_refused_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    data = open_archives(str(tmp_path), follow_links=False)
    with pytest.raises(ConfigError, match=r"no archive b\.zip in .* names another one: a\.zip\."):
        chosen_archive(data, "b.zip")
    (tmp_path / "b.zip").mkdir()
    with pytest.raises(UnreadableArchive, match=r"b\.zip cannot be read"):
        chosen_archive(data, "b.zip")


@pytest.mark.parametrize(
    "feed",
    [
        Feed(),
        Feed(event_type="type", customer_id="user.id", product_id="$sku", quantity="a b"),
        Feed(purchase_types=("Order Completed", "it's"), ids="any", numbers="number"),
        Feed(numbers="number", missing_quantity=1, items="a.b[].c[]", records="data.rows"),
        Feed(only=(Condition("test", is_equal=False, values=("true",)),), parts=(".log", "a*")),
        Feed(ignore=("*_intraday_*",), event_id=("messageId", "a.b")),
    ],
)
def test_lines_say_the_feed_that_they_were_made_of(
    feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = feed_lines(feed)
    assert all(line.why for line in lines)
    text = "".join(f"{env_line(line.name, line.value)}\n" for line in lines)
    (tmp_path / ".env").write_text(text)
    assert load_settings().options().feed == feed


def test_lines_say_the_tables_that_they_were_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    customers = CUSTOMERS.called('crm."a.b"', {"customer_id": "client no", "segment": "tier, new"})
    products = PRODUCTS.called("goods", {"price": "list price"})
    lines = [*table_lines(customers, CUSTOMERS), *table_lines(products, PRODUCTS)]
    text = "".join(f"{env_line(line.name, line.value)}\n" for line in lines)
    (tmp_path / ".env").write_text(text)
    places = load_settings().places()
    assert (places.customers, places.products) == (customers, products)
    assert list(table_lines(CUSTOMERS, CUSTOMERS)) == []
