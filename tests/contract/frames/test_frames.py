"""The notebook's face: what frames hold, what is taken, and how it says no."""

from __future__ import annotations

import json
import pickle
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline_core import frames
from pipeline_core.dimensions.files import read_folder
from pipeline_core.errors import ConfigError, InputError, PublishRefused
from pipeline_core.frames import DataTransformer, DimensionLoader, EventExtractor, extractor
from pipeline_core.frames.dimensions import snapshot_of
from tests.support import archives as build
from tests.support.run import latest, run_local, sales, shop_of, week

CUSTOMERS = pd.DataFrame({"customer_id": ["c1", "c2"], "segment": ["Retail", None]})
PRODUCTS = pd.DataFrame(
    {"product_id": ["p1", "p2"], "category": ["Office", "Toys"], "price": ["0.10", "12"]}
)


def with_ids(*ids: Any) -> pd.DataFrame:
    return CUSTOMERS.assign(customer_id=list(ids))


def events(*rows: tuple[object, object, object], **columns: list[Any]) -> pd.DataFrame:
    """Purchases by customer, product and quantity."""
    frame = pd.DataFrame(rows, columns=["customer_id", "product_id", "quantity"])
    return frame.assign(event_type="purchase", **columns)


def extracted(folder: Path, *texts: str, **how: Any) -> pd.DataFrame:
    shop = shop_of(folder, *(text.encode() for text in texts))
    return EventExtractor(shop.data, **how).to_frame()


# --- events --------------------------------------------------------------------------------------


def test_a_frame_has_every_event_with_its_place_and_its_own_values(tmp_path: Path) -> None:
    frame = extracted(
        tmp_path,
        '[{"event_type": "view", "at": {"page": [1, 2.5]}}, 7, {"quantity": 99999999999999999999}]',
        '[{"event_type": "purchase", "customer_id": "c1", "product_id": "p1", "quantity": 1.0}]',
    )
    assert list(frame.columns) == [
        *("archive", "day", "part", "position"),
        *("event_type", "customer_id", "product_id", "quantity", "at", "not_an_object"),
    ]
    assert str(frame["position"].dtype) == "int64"
    assert {str(dtype) for dtype in frame.drop(columns="position").dtypes} == {"object"}
    assert frame.to_numpy().tolist() == [
        ["week.zip", "2024-03-01.zip", "0.json", 0, "view", *[None] * 3, {"page": [1, 2.5]}, None],
        ["week.zip", "2024-03-01.zip", "0.json", 1, *[None] * 5, "7"],
        ["week.zip", "2024-03-01.zip", "0.json", 2, *[None] * 3, 10**20 - 1, None, None],
        ["week.zip", "2024-03-01.zip", "1.json", 0, "purchase", "c1", "p1", 1.0, None, None],
    ]
    assert isinstance(frame["quantity"][3], float)


def test_fields_that_are_called_as_ours_get_a_prefix(tmp_path: Path) -> None:
    frame = extracted(tmp_path, '[{"day": 1, "reason": 2, "event.day": 3, "\\ud800": 4}]')
    found = frame.drop(columns=["archive", "part", "position", "not_an_object"]).iloc[0].to_dict()
    assert found["day"] == "2024-03-01.zip"
    assert found["event.day"] == 1
    assert found["event.reason"] == 2
    assert found["event.event.day"] == 3
    assert found["event.\\ud800"] == 4


def test_fields_can_be_named_so_that_batches_are_alike(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, b'[{"a": 1, "b": 2}, {"b": 3}]')
    batches = list(EventExtractor(shop.data, fields=["b", "c"]).batches(1))
    assert [list(batch.columns[8:]) for batch in batches] == [["b", "c", "not_an_object"]] * 2
    assert [batch["b"].tolist() for batch in batches] == [[2], [3]]


def test_more_fields_than_a_frame_bears_are_told_with_their_place(tmp_path: Path) -> None:
    many = ",".join(f'{{"f{number}": 1}}' for number in range(300))
    with pytest.raises(InputError, match=r"by event 196 of part 0.json of 2024-03-01.zip in week"):
        extracted(tmp_path, f"[{many}]")
    assert len(extracted(tmp_path / "again", f"[{many}]", fields=["f7"])) == 300


def test_batches_of_long_events_are_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractor, "_MOST_BATCH_BYTES", 1_000_000)
    notes = [{"note": "x" * 700_000, "number": number} for number in range(8)]
    shop = shop_of(tmp_path, build.part(notes), build.part([{"number": 8}] * 12))
    batches = list(EventExtractor(shop.data).batches(9))
    assert all(batch["number"].lt(8).sum() <= 4 for batch in batches)  # notes of 1 MB, and a window
    numbers = [number for batch in batches for number in batch["number"]]
    assert numbers == [*range(8), *[8] * 12]


def test_what_cannot_be_read_is_left_out_whole_and_told(tmp_path: Path) -> None:
    days = {
        "2024-03-01.zip": build.day_zip({"0.json": sales(1), "1.json": sales(2)[:-1]}),
        "2024-03-02.zip": build.truncated(build.day_zip({"0.json": sales(4)})),
        "2024-03-03.zip": build.day_zip({"0.json": sales(8), "notes.txt": b"hello"}),
    }
    archives = {"a.zip": week(days=days), "b.zip": b"no zip"}
    shop = build.write_shop(tmp_path / "shop", archives)
    found = EventExtractor(shop.data)
    assert [(each.archive, each.day, each.part) for each in found.unreadable] == [
        ("a.zip", "2024-03-01.zip", "1.json"),
        ("a.zip", "2024-03-02.zip", None),
        ("b.zip", None, None),
    ]
    assert found.ignored == {".txt": 1}
    assert found.to_frame()["quantity"].tolist() == [1, 8]


def test_identical_bytes_are_read_once_and_a_copy_stands_in_for_what_is_damaged(
    tmp_path: Path,
) -> None:
    day = build.day_zip({"0.json": sales(5)})
    good = week(days={"2024-03-01.zip": day, "2024-03-02.zip": build.day_zip({"0.json": sales(7)})})
    damaged = build.flipped(week(days={"2024-03-01.zip": day}))
    archives = {"a.zip": damaged, "b.zip": good, "c.zip": good}
    shop = build.write_shop(tmp_path / "shop", archives)
    frame = EventExtractor(shop.data).to_frame()
    assert frame["archive"].tolist() == ["b.zip", "b.zip"]
    assert frame["quantity"].tolist() == [5, 7]


def test_days_up_to_a_date_are_those_of_an_as_of_run(tmp_path: Path) -> None:
    days = {f"2024-03-0{n}.zip": build.day_zip({"0.json": sales(n)}) for n in (1, 2, 3)}
    shop = build.write_shop(tmp_path / "shop", {"a.zip": week(days=days)})
    frame = EventExtractor(shop.data, as_of=date(2024, 3, 2)).to_frame()
    assert frame["quantity"].tolist() == [1, 2]


def test_an_archive_that_changes_between_the_readings_stops_them(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(1))
    found = EventExtractor(shop.data)
    assert found.unreadable == []
    (shop.data / "week.zip").write_bytes(week(sales(1), sales(2)))
    with pytest.raises(InputError, match=r"week\.zip changed while its events were read"):
        found.to_frame()


def test_no_place_no_archive_and_no_batch_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        EventExtractor(tmp_path / "nowhere").to_frame()
    with pytest.raises(ConfigError, match="There is nothing in"):
        EventExtractor(tmp_path).unreadable  # noqa: B018
    with pytest.raises(ConfigError, match="A batch of 0 events is none"):
        next(EventExtractor(shop_of(tmp_path, b"[]").data).batches(0))


def test_a_feed_says_what_a_shops_own_names_mean(tmp_path: Path) -> None:
    feed = {
        "fields": "event_type=kind,customer_id=user.id,product_id=sku,quantity=n",
        "purchase_types": "Order",
        "ids": "any",
        "quantity": "number:1",
        "items": "lines[]",
        "event_id": "message",
        "only": "test!=true",
    }
    line = [{"sku": 7, "n": 2.0, "item": "red"}, {"sku": "p2"}, [1.50]]
    orders = [
        {"kind": "Order", "user": {"id": "c1"}, "lines": line, "message": 1, "quantity": 9},
        {"kind": "Order", "user": {"id": "c2"}, "lines": line[:1], "message": 1},
        {"kind": "Order", "user": {"id": "c2"}, "lines": line[:1], "test": True},
        {"kind": 5, "lines": line[:1]},
        {"kind": "Order", "lines": []},
        7,
    ]
    frame = extracted(tmp_path, json.dumps(orders), feed=feed)
    assert list(frame.columns) == [
        *("archive", "day", "part", "position", "item"),
        *("event_type", "customer_id", "product_id", "quantity"),
        *("kind", "user", "lines", "message", "event.quantity", "sku", "n", "event.item", "test"),
        *("not_an_object", "taken_as"),
    ]
    assert frame[["position", "item", *frame.columns[5:9], "taken_as"]].to_numpy().tolist() == [
        [0, 0, "Order", "c1", "7", 2, "purchase"],
        [0, 1, "Order", "c1", "p2", 1, "purchase"],
        [0, 2, "Order", "c1", None, None, "not_an_object"],
        [1, 0, "Order", "c2", "7", 2, "duplicate_event"],
        [2, 0, "Order", "c2", 7, 2.0, "not_purchase"],
        [3, 0, 5, None, "7", 2, "invalid_event_type"],
        [4, None, "Order", None, None, None, "not_purchase"],
        [5, None, None, None, None, None, "not_an_object"],
    ]
    assert frame["not_an_object"].tolist() == [None, None, "[1.5]", *[None] * 4, "7"]
    assert frame["event.item"].tolist() == ["red", None, None, "red", "red", "red", None, None]
    assert frame["event.quantity"].tolist() == [9, 9, *[None] * 6]
    transformer = DataTransformer(CUSTOMERS, PRODUCTS.replace("p1", "7"), unknown="bucket")
    assert transformer.transform(frame)["sales_report"]["units_sold"].tolist() == [1, 2]
    assert transformer.rejected[["reason", "position", "item"]].to_numpy().tolist() == [
        ["not_an_object", 0, 2],
        ["duplicate_event", 1, 0],
        ["invalid_event_type", 3, 0],
        ["not_an_object", 5, None],
    ]


def test_a_return_of_less_than_nothing_is_no_purchase_that_came_back(tmp_path: Path) -> None:
    """Though its own quantity is that of one."""
    lines = [("purchase", 9), ("purchase", -3), ("refund", 2), ("refund", -2), ("refund", 0)]
    events = [{**build.purchase("c1", "p1", n), "event_type": kind} for kind, n in lines]
    events.append({**build.purchase(None, "p1", -1), "event_type": "refund"})
    frame = extracted(tmp_path, json.dumps(events), feed={"return_types": "refund"})
    assert frame["quantity"].tolist() == [9, -3, -2, -2, 0, -1]
    assert frame["taken_as"].tolist() == ["purchase"] * 3 + ["invalid_quantity"] * 3
    transformer = DataTransformer(CUSTOMERS, PRODUCTS, returns="net")
    assert transformer.transform(frame)["sales_report"]["units_sold"].tolist() == [4]
    reasons = transformer.rejected["reason"].tolist()
    assert reasons == ["invalid_quantity", "invalid_quantity", "guest"]


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        ({"feilds": "a=b"}, "no setting feilds. Did you mean fields?"),
        ({"items": "lines"}, r"SALES_ITEMS: 'lines' does not end with \[\]"),
    ],
)
def test_a_feed_that_is_none_is_refused(
    tmp_path: Path, feed: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        EventExtractor(tmp_path, feed=feed)


# --- customers and products ----------------------------------------------------------------------


def test_customers_and_products_are_frames_with_exact_prices(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, b"[]", products=[("p1", "Pen", None, "9.5"), ("p2", "Ink", "Ü", "12")])
    tables = DimensionLoader(shop.dimensions)
    assert tables.customers().to_numpy().tolist() == [["c1", "Retail"]]
    assert tables.products().to_numpy().tolist() == [
        ["p1", "", Decimal("9.5")],
        ["p2", "Ü", Decimal("12.0")],
    ]
    assert str(tables.products()["price"][1]) == "12.0"


def test_anybodys_frames_will_do(tmp_path: Path) -> None:
    customers = pd.DataFrame(
        {"segment": pd.Categorical(["A", "B"]), "customer_id": [1, 2], "more": [0, 0]}
    )
    products = pd.DataFrame(
        {
            "product_id": pd.array(["p1", "p2"], "string"),
            "category": ["X", "Y"],
            "price": [Decimal("0.10"), Decimal("12.00")],
        }
    )
    frame = events(("1", "p1", 3), ("2", "p2", 1))
    report = DataTransformer(customers, products).transform(frame)["sales_report"]
    assert report.to_numpy().tolist() == [
        ["Y", "B", Decimal("12.00"), 1, 1],
        ["X", "A", Decimal("0.30"), 3, 1],
    ]


@pytest.mark.parametrize(
    ("customers", "products", "error", "words"),
    [
        (
            CUSTOMERS.drop(columns="segment"),
            PRODUCTS,
            ConfigError,
            "customers has no column segment",
        ),
        (
            CUSTOMERS,
            PRODUCTS.assign(price=["1", "x"]),
            InputError,
            r"'p2' in row 1 \(x is no number",
        ),
        (with_ids("c1", "c1"), PRODUCTS, InputError, r"stands twice \(row 0"),
        (
            with_ids("c1", None),
            PRODUCTS,
            InputError,
            "no customer_id in row 1",
        ),
        (
            with_ids("c1", 2),
            PRODUCTS,
            ConfigError,
            "the column customer_id has",
        ),
        (with_ids(1.5, 2.5), PRODUCTS, ConfigError, "is no id"),
    ],
)
def test_frames_that_cannot_be_used_are_refused_with_column_and_row(
    customers: pd.DataFrame, products: pd.DataFrame, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        DataTransformer(customers, products)


# --- reports -------------------------------------------------------------------------------------


def test_a_float_is_no_whole_number_as_in_json() -> None:
    transformer = DataTransformer(CUSTOMERS, PRODUCTS)
    transformer.transform(events(("c1", "p1", 2), ("c1", "p1", 2.5)))  # pandas makes it 2.0
    assert transformer.rejected["reason"].tolist() == ["invalid_quantity"] * 2


def test_quantities_and_ids_count_as_a_run_counts_them() -> None:
    transformer = DataTransformer(CUSTOMERS, PRODUCTS)
    frame = events(
        ("c1", "p1", 2), ("c1", "p1", True), (None, "p1", 1), ("c1", "?", 1), (5, "p1", 1)
    ).astype({"quantity": object})
    frame.loc[4, "quantity"] = "1"
    report = transformer.transform(frame)["sales_report"]
    assert report["units_sold"].tolist() == [2]
    assert transformer.rejected[["reason", "product_id"]].to_numpy().tolist() == [
        ["invalid_quantity", "p1"],
        ["guest", "p1"],
        ["unknown_product", "?"],
        ["invalid_customer_id", "p1"],
    ]
    counts = transformer.counts
    assert (counts.seen, counts.counted, counts.not_purchase, counts.rejected) == (5, 1, 0, 4)


def test_days_date_the_sales_and_frames_without_them_have_no_date() -> None:
    transformer = DataTransformer(CUSTOMERS, PRODUCTS)
    dated = events(("c1", "p1", 1), ("c1", "p2", 1), day=["events_2024-02-29.zip", None])
    daily = transformer.transform(dated)["daily_sales"]
    assert daily["date"].tolist() == [None, date(2024, 2, 29)]
    assert daily.to_csv(index=False) == (
        "date,category,customer_segment,total_revenue,units_sold\n"
        ",Toys,Retail,12.00,1\n2024-02-29,Office,Retail,0.10,1\n"
    )
    undated = transformer.transform(events(("c1", "p1", 1)))["daily_sales"]
    assert undated["date"].tolist() == [None]


def test_a_transformer_can_be_asked_again_and_without_events() -> None:
    transformer = DataTransformer(CUSTOMERS, PRODUCTS, unknown="bucket", reject_rows=1)
    bad = events(("c1", "p1", 0), ("c1", "p1", -1))
    assert len(transformer.transform([bad, bad])["sales_report"]) == 0
    assert (len(transformer.rejected), transformer.counts.rejected) == (1, 4)
    nothing = transformer.transform([])
    assert nothing["sales_report"].to_csv(index=False) == (
        "category,customer_segment,total_revenue,units_sold,unique_customers\n"
    )
    assert (len(transformer.rejected), transformer.counts.seen) == (0, 0)


def test_small_money_is_written_without_an_exponent(tmp_path: Path) -> None:
    products = PRODUCTS.assign(price=["0.00000001", "0"])
    frame = events(("c1", "p1", 3), ("c1", "p2", 1))
    report = DataTransformer(CUSTOMERS, products).transform(frame)["sales_report"]
    lines = ["Office,Retail,0.00000003,3,1", "Toys,Retail,0.00000000,1,1"]
    said = report.to_csv(index=False)
    assert said is not None
    assert said.splitlines()[1:] == lines
    report.to_csv(tmp_path / "report.csv.gz", index=False)
    assert pd.read_csv(tmp_path / "report.csv.gz", dtype=str)["units_sold"].tolist() == ["3", "1"]
    again = pickle.loads(pickle.dumps(report))  # noqa: S301  (ours)
    assert again.to_csv(index=False) == said
    plain = report.to_csv(index=False, sep=";")
    assert plain is not None
    assert plain.startswith("category;")
    assert type(report.head(1)) is pd.DataFrame


def test_events_without_a_column_that_counts_are_refused() -> None:
    with pytest.raises(ConfigError, match="The events have no column quantity"):
        DataTransformer(CUSTOMERS, PRODUCTS).transform(
            pd.DataFrame({"event_type": []}).assign(customer_id=[], product_id=[])
        )
    with pytest.raises(ConfigError, match="neither reject nor bucket"):
        DataTransformer(CUSTOMERS, PRODUCTS, unknown="keep")  # type: ignore[arg-type]


# --- runs ----------------------------------------------------------------------------------------


def places(folder: Path) -> dict[str, Path]:
    shop = folder / "shop"
    return {
        "data": shop / "data",
        "dimensions": shop / "dimensions",
        "reports": folder / "reports",
        "state": folder / "state",
    }


def test_a_run_gives_its_published_tables(tmp_path: Path) -> None:
    shop_of(tmp_path, sales(3), sales(1, product="?"))
    made = frames.run(**places(tmp_path), jobs=1)  # type: ignore[arg-type]
    assert (made.state, made.status) == ("published", "complete")
    assert made.folder == str(tmp_path / "reports" / "runs" / made.run_id)
    for name, frame in (("sales_report", made.sales_report()), ("daily_sales", made.daily_sales())):
        said = frame.to_csv(index=False)
        assert said is not None
        assert said.encode() == (latest(tmp_path) / f"{name}.csv").read_bytes()
    assert made.sales_report()["total_revenue"].tolist() == [Decimal("0.30")]
    assert made.daily_sales()["date"].tolist() == [date(2024, 3, 1)]
    assert made.rejects()[["reason", "position"]].to_numpy().tolist() == [["unknown_product", 0]]
    assert frames.runs(state=tmp_path / "state") == [made]


def test_the_command_s_runs_are_there_too(tmp_path: Path) -> None:
    outcome = run_local(shop_of(tmp_path, sales(3)), tmp_path)
    (found,) = frames.runs(state=tmp_path / "state")
    assert (found.run_id, found.summary) == (outcome.run_id, outcome.summary)
    assert found.rejects().columns.tolist() == [
        *("reason", "archive", "day", "part", "position", "event", "item")
    ]


def test_rejects_name_the_item_of_an_order(tmp_path: Path) -> None:
    order = {"event_type": "purchase", "customer_id": "c1"}
    items = [{"product_id": "p1", "quantity": 1}, {"product_id": "?", "quantity": 1}]
    shop_of(tmp_path, json.dumps([order | {"lines": items}]).encode())
    made = frames.run(**places(tmp_path), jobs=1, items="lines[]")  # type: ignore[arg-type]
    rejected = made.rejects()
    assert rejected[["reason", "position", "item"]].to_numpy().tolist() == [
        ["unknown_product", 0, 1]
    ]
    assert (str(rejected["position"].dtype), str(rejected["item"].dtype)) == ("int64", "Int64")


def test_a_refused_run_raises_why_and_is_listed(tmp_path: Path) -> None:
    shop_of(tmp_path, sales(3), b"no json")
    with pytest.raises(PublishRefused, match=r"Run \S+ was refused: .*1\.json") as refused:
        frames.run(**places(tmp_path), jobs=1)  # type: ignore[arg-type]
    assert "--allow-incomplete" in refused.value.remedy
    (found,) = frames.runs(state=tmp_path / "state")
    assert found.state == "refused"
    with pytest.raises(ConfigError, match="is not published, so it has no report"):
        found.sales_report()
    made = frames.run(**places(tmp_path), jobs=1, allow_incomplete=True)  # type: ignore[arg-type]
    assert (made.state, made.status) == ("published", "incomplete")
    assert [each.state for each in frames.runs(state=tmp_path / "state")] == [
        "published",
        "refused",
    ]


def test_errors_are_ours_and_name_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no setting unknwon\. Did you mean unknown\?"):
        frames.run(unknwon="bucket")
    with pytest.raises(ConfigError, match="SALES_UNKNOWN"):
        frames.run(unknown="keep")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="does not exist"):
        frames.run(**places(tmp_path), jobs=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Wrong settings"):
        frames.run(max_part_bytes=0)


def test_options_that_change_figures_are_keywords(tmp_path: Path) -> None:
    shop_of(tmp_path, sales(3), sales(4, product="?"))
    made = frames.run(**places(tmp_path), jobs=1, unknown="bucket", batch_size=1)  # type: ignore[arg-type]
    assert made.summary is not None
    assert made.summary.totals.units_sold == 7
    limited = frames.run(
        **places(tmp_path),  # type: ignore[arg-type]
        jobs=1,
        max_event_bytes=20,
        allow_incomplete=True,
    )
    assert limited.status == "incomplete"


# --- prices of the day ---------------------------------------------------------------------------


def test_rows_may_be_valid_for_a_time() -> None:
    products = pd.DataFrame(
        {
            "product_id": ["p1", "p1"],
            "category": ["Toys", "Toys"],
            "price": ["1.00", "3.00"],
            "valid_from": [None, "2024-03-02"],
            "valid_to": [pd.Timestamp("2024-03-02"), pd.NaT],
        }
    )
    transformer = DataTransformer(CUSTOMERS, products)
    days = [f"2024-03-0{n}.zip" for n in (1, 2, 3)]
    events = pd.DataFrame(
        {
            "event_type": "purchase",
            "customer_id": "c1",
            "product_id": "p1",
            "quantity": 1,
            "day": [*days, "some day"],
        }
    )
    daily = transformer.transform(events)["daily_sales"]
    assert [str(each) for each in daily["total_revenue"]] == ["3.00", "1.00", "3.00", "3.00"]
    closed = products.assign(valid_to=[date(2024, 3, 2), date(2024, 3, 3)])
    transformer = DataTransformer(CUSTOMERS, closed)
    transformer.transform(events)
    assert transformer.rejected[["reason", "day"]].to_numpy().tolist() == [
        ["no_price_on_date", "2024-03-03.zip"]
    ]
    with pytest.raises(InputError, match=r"p1 is valid twice on 2024-03-01 \(row 0, row 1\)"):
        DataTransformer(CUSTOMERS, products.assign(valid_from=["", "2024-03-01"]))


def test_a_loader_gives_the_days_of_its_rows(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id,segment,valid_to\nc1,VIP,\n")
    (tmp_path / "products.csv").write_text(
        "product_id,category,price,valid_from\np1,Toys,1,\np2,Toys,2,2024-03-01\n"
    )
    loader = DimensionLoader(tmp_path)
    assert list(loader.customers().columns) == ["customer_id", "segment"]
    products = loader.products()
    assert products["valid_from"].tolist() == [None, date(2024, 3, 1)]
    assert products["valid_to"].tolist() == [None, None]
    again = snapshot_of(loader.customers(), products)
    assert again == read_folder(tmp_path)
