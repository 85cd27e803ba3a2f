"""A change of customers and products counts only those archives again whose events it touches."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import make_snapshot
from pipeline_core.ledger import RunLedger, open_state, result_files
from pipeline_core.messages import Manifest, ReportPlugin
from pipeline_core.reuse.taken_over import is_all_touched
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.successive import Runs, check

PRODUCTS = {"p1": ["Toys,1.50"], "p2": ["Food,2.50"], "p3": ["Art,3.50"]}
CUSTOMERS = {"c1": ["Retail"], "c2": ["VIP"], "c3": ["Retail"], "c4": ["VIP"]}


class Shop:
    """A week of one day for each of the first days of January, and one without a date."""

    def __init__(self, folder: Path) -> None:
        bought = [("c1", "p1"), ("c2", "p2"), ("c3", "p3"), ("stranger", "p2"), ("c4", "p9")]
        archives = {
            f"week_{n}.zip": _archive(f"events_2024-01-{n:02}.zip", *pair)
            for n, pair in enumerate(bought, 1)
        }
        archives["week_0.zip"] = _archive("events.zip", "c1", "p2")
        self.runs = Runs(write_shop(folder / "shop", archives), folder / "runs")
        self.products = {one: list(rows) for one, rows in PRODUCTS.items()}
        self.customers = {one: list(rows) for one, rows in CUSTOMERS.items()}
        self.write()
        self.runs.run()

    def write(self) -> None:
        """The tables as they are now; a row may have ``,valid_from,valid_to`` behind it."""
        for name, header, rows in (
            ("customers", "customer_id,segment", self.customers),
            ("products", "product_id,category,price", self.products),
        ):
            lines = [f"{one},{row}" for one, each in rows.items() for row in each]
            width = header.count(",") + 3
            lines = [line + "," * (width - 1 - line.count(",")) for line in lines]
            text = "\n".join([f"{header},valid_from,valid_to", *lines, ""])
            (self.runs.shop.dimensions / f"{name}.csv").write_text(text)

    def again(self, **options: object) -> set[int]:
        """Numbers of the weeks that the next run counts again; its files are those of a run from
        scratch."""
        self.write()
        check(self.runs, **options)
        manifest, reused = self.manifest(), self.ledger().reused()
        return {
            int(archive.name.removeprefix("week_").removesuffix(".zip"))
            for archive in manifest.archives
            if archive.id not in reused
        }

    def ledger(self) -> RunLedger:
        """Of the last run."""
        state = open_state(str(self.runs.folder / "state"))
        return RunLedger(state, f"run-{self.runs.number:03}")

    def manifest(self) -> Manifest:
        """Of the last run."""
        return self.ledger().manifest()


def _archive(day: str, customer: str, product: str) -> bytes:
    return archive_zip({day: day_zip({"part.json": part([purchase(customer, product, 2)])})})


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_another_customer_or_product_whom_nobody_names_touches_nothing(shop: Shop) -> None:
    shop.customers["a new one"] = ["VIP"]
    shop.products["p4"] = ["Books,1.00"]
    assert shop.again() == set()


def test_who_was_not_there_before_touches_the_archives_that_named_him(shop: Shop) -> None:
    shop.customers["stranger"] = ["VIP"]
    assert shop.again() == {4}
    shop.products["p9"] = ["Books,1.00"]
    assert shop.again() == {5}


def test_one_who_is_gone_touches_the_archives_that_name_him(shop: Shop) -> None:
    del shop.customers["c1"]
    assert shop.again() == {0, 1}
    del shop.products["p3"]
    assert shop.again() == {3}


def test_a_corrected_price_category_or_segment_touches_where_it_counts(shop: Shop) -> None:
    shop.products["p1"] = ["Toys,9.99"]
    assert shop.again() == {1}
    shop.products["p3"] = ["Books,3.50"]
    assert shop.again() == {3}
    shop.customers["c4"] = [""]
    assert shop.again() == {5}


def test_a_row_that_begins_behind_all_events_touches_none_but_undated_ones(shop: Shop) -> None:
    shop.products["p2"] = ["Food,2.50,,2024-02-01", "Food,99.99,2024-02-01"]
    assert shop.again() == {0}
    shop.products["p2"] = ["Food,2.50,,2024-02-01", "Food,88.88,2024-02-01"]
    assert shop.again() == {0}
    shop.customers["c3"] = ["Retail,,2024-02-01", "VIP,2024-02-01"]
    assert shop.again() == set()


def test_a_corrected_row_touches_its_own_days(shop: Shop) -> None:
    shop.products["p2"] = ["Food,2.50,,2024-01-03", "Food,2.75,2024-01-03,"]
    assert shop.again() == {0, 4}
    shop.products["p2"] = ["Food,2.25,,2024-01-03", "Food,2.75,2024-01-03,"]
    assert shop.again() == {2}


def test_a_border_touches_the_days_over_which_it_moves(shop: Shop) -> None:
    shop.products["p2"] = ["Food,2.50,,2024-01-03", "Food,2.75,2024-01-03,"]
    shop.again()
    shop.products["p2"] = ["Food,2.50,,2024-01-04", "Food,2.75,2024-01-04,"]
    assert shop.again() == set()
    shop.products["p2"] = ["Food,2.50,,2024-01-05", "Food,2.75,2024-01-05,"]
    assert shop.again() == {4}


def test_what_is_written_otherwise_and_says_the_same_touches_nothing(shop: Shop) -> None:
    shop.products["p1"] = ["Toys,1.50,,2024-01-20", "Toys,1.50,2024-01-20,"]
    assert shop.again() == set()


def test_a_gap_is_another_thing_than_to_be_unknown(shop: Shop) -> None:
    """The reject has another reason."""
    shop.products["p9"] = ["Books,1.00,2024-02-01"]
    assert shop.again() == {5}


def test_money_with_other_decimals_touches_everything(shop: Shop) -> None:
    shop.products["p4"] = ["Books,1.005"]
    assert shop.again() == {0, 1, 2, 3, 4, 5}


def test_who_comes_gets_the_number_of_who_is_gone(shop: Shop) -> None:
    """And is not taken for him: whoever counted him was counted again."""
    del shop.customers["c1"]
    shop.customers["stranger"] = ["Retail"]
    assert shop.again() == {0, 1, 4}
    shop.customers["a"] = ["VIP"]
    assert shop.again() == set()
    assert shop.manifest().customer_numbers is not None
    assert shop.again() == set()
    shop.customers["c1"] = ["VIP"]
    assert shop.again() == {0, 1}


def test_a_full_run_numbers_customers_as_they_stand(shop: Shop) -> None:
    shop.customers["a"] = ["VIP"]
    shop.again()
    assert shop.manifest().customer_numbers is not None
    shop.runs.run(full=True)
    assert shop.manifest().customer_numbers is None


@pytest.mark.parametrize("lost", ["dimensions", "numbers"])
def test_without_the_snapshot_or_the_numbers_of_then_all_is_counted_again(
    shop: Shop, lost: str
) -> None:
    shop.customers["a"] = ["VIP"]
    shop.again()
    manifest, state = shop.manifest(), shop.runs.folder / "state"
    place = state / "dimensions" / manifest.dimensions_digest
    if lost == "dimensions":
        shutil.rmtree(place)
    else:
        next(place.glob("numbers.*")).unlink()
    shop.customers["b"] = ["VIP"]
    assert shop.again() == {0, 1, 2, 3, 4, 5}


def test_runs_planned_at_once_go_on_each_by_itself(shop: Shop) -> None:
    """Each gave one number to another customer, and the next run goes on with one of them."""
    shop.customers["a"] = ["VIP"]
    shop.write()
    state = shop.runs.folder / "state"
    memory = (state / "kept" / "archives.json").read_bytes()
    (shop.runs.shop.data / "week_6.zip").write_bytes(_archive("events_2024-01-06.zip", "a", "p1"))
    shop.runs.run()
    del shop.customers["a"]
    shop.customers["b"] = ["VIP"]
    (state / "kept" / "archives.json").write_bytes(memory)
    (shop.runs.shop.data / "week_6.zip").write_bytes(_archive("events_2024-01-06.zip", "b", "p1"))
    assert shop.again() == {6}
    shop.customers["a"] = ["VIP"]
    assert shop.again() == set()


@pytest.mark.parametrize("folder", ["named_ids", "receipts"])
@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_what_an_archive_names_is_asked_of_its_file_where_that_is_much(
    shop: Shop, damage: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if folder == "named_ids":
        monkeypatch.setattr(result_files, "MOST_BEHIND", 0)
    many = {f"m{n}": ["VIP"] for n in range(99)}
    shop.customers |= many
    day = day_zip({"part.json": part([purchase(one, "p1", 1) for one in many])})
    archive = archive_zip({"events_2024-01-07.zip": day})
    (shop.runs.shop.data / "week_7.zip").write_bytes(archive)
    assert shop.again() == {7}
    collect_garbage(open_storage(str(shop.runs.folder / "state")), keep_runs=1)
    shop.customers["m5"] = ["Retail"]
    assert shop.again() == {7}
    shop.customers["c1"] = ["VIP"]
    assert shop.again() == {0, 1}
    (named,) = (shop.runs.folder / "state").glob(f"runs/run-003/{folder}/*")
    named.write_bytes(b"") if damage == "torn" else named.unlink()
    shop.customers["c1"] = ["Retail"]
    assert shop.again() == {0, 1, 7}


def test_a_report_of_a_plug_in_may_have_kept_the_numbers_of_labels() -> None:
    plugins = (ReportPlugin("basket", "their.code:REPORT", "1"),)
    toys, books = _snapshot("Toys"), _snapshot("Books")
    assert not is_all_touched(toys, books, ())
    assert is_all_touched(toys, books, plugins)
    assert not is_all_touched(toys, _snapshot("Toys"), plugins)


def _snapshot(category: str) -> Snapshot:
    customers = pa.table({"customer_id": ["c1"], "segment": ["VIP"]})
    products = pa.table({"product_id": ["p1"], "category": [category], "price": ["1.00"]})
    return make_snapshot(customers=customers, products=products, place="a test")
