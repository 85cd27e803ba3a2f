"""Tables of a folder as an inspection sees them, the archive it opens, and the lines it writes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS
from pipeline_core.configuration.env_line import env_line
from pipeline_core.errors import ConfigError, UnreadableArchive
from pipeline_core.inspection.catalog import SAMPLE_ROWS, folder_tables
from pipeline_core.inspection.chosen import chosen_archive
from pipeline_core.inspection.lines import feed_lines, table_lines
from pipeline_core.messages import Condition, Feed
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_archives


def test_tables_of_any_delimiter_and_format_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("id;name of it\n1;x, y\n2;z\n", encoding="utf-8-sig")
    pq.write_table(pa.table({"n": [1, None], "list": [[1], [2]]}), tmp_path / "a.parquet")
    (tmp_path / "c.parquet").mkdir()
    pq.write_table(pa.table({"n": [7]}), tmp_path / "c.parquet" / "part-0.parquet")
    (tmp_path / "notes.txt").write_text("id,name\n")
    a, b, c = folder_tables(tmp_path, frozenset())
    assert [(each.name, each.type, each.sample) for each in a.columns] == [
        ("n", "int64", ("1", None)),
        ("list", "list<element: int64>", (None, None)),
    ]
    assert [(each.name, each.sample) for each in b.columns] == [
        ("id", ("1", "2")),
        ("name of it", ("x, y", "z")),
    ]
    assert [each.name for each in (a, b, c)] == ["a", "b", "c"]


def test_what_is_no_table_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.csv").write_text("")
    assert [table.name for table in folder_tables(tmp_path, frozenset())] == ["c"]


def test_ids_are_found_behind_the_rows_that_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"{n}\n" for n in range(3 * SAMPLE_ROWS))
    (tmp_path / "t.csv").write_text(f"id\n{rows}")
    late = str(3 * SAMPLE_ROWS - 1)
    [table] = folder_tables(tmp_path, frozenset([late, "x"]))
    assert len(table["id"].sample) == SAMPLE_ROWS
    assert late in table["id"].ids
    assert "x" not in table["id"].ids


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
    lines = [*table_lines(customers), *table_lines(products)]
    text = "".join(f"{env_line(line.name, line.value)}\n" for line in lines)
    (tmp_path / ".env").write_text(text)
    places = load_settings().places()
    assert (places.customers, places.products) == (customers, products)
    assert list(table_lines(CUSTOMERS)) == []
