"""SALES_PRICE_HISTORY=keep: every plan sees what changed, and the past keeps its prices."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.dimensions.files import read_folder, read_products
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import make_snapshot
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.load.tables import write_csv
from pipeline_core.messages import DriftLimits
from pipeline_core.price_history.continued import continued
from pipeline_core.price_history.keeper import PriceKeeper
from pipeline_core.price_history.price_lists import load_prices, newest_prices
from pipeline_core.price_history.price_table import PriceTable, table_of
from pipeline_core.price_history.restored import loaded, restored
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.running.gc import collect_garbage
from pipeline_core.schemas import NO_PRICE
from pipeline_core.storage import Storage, open_storage
from pipeline_core.transform.valid_rows import ValidRows
from pipeline_core.valid_ranges import bounds, distinct_numbers
from pipeline_core.verify.verification import verify
from pipeline_core.vouching.key import StateKey
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.successive import Runs
from tests.support.whole_runs import whole_runs

DAY = date(2024, 3, 1)
List = Mapping[str, tuple[str, str]]  # category and price by product


def at(day: int, hour: int = 3, minute: int = 0) -> datetime:
    return datetime(2024, 3, 1, hour, minute, tzinfo=UTC) + timedelta(days=day)


def products(listed: List) -> Snapshot:
    ids = list(listed)
    return make_snapshot(
        customers=pa.table({"customer_id": ["c1"], "segment": ["VIP"]}),
        products=pa.table(
            {
                "product_id": pa.array(ids, pa.string()),
                "category": pa.array([listed[one][0] for one in ids], pa.string()),
                "price": pa.array([listed[one][1] for one in ids], pa.string()),
            }
        ),
        place="shop",
    )


def prices(listed: List) -> PriceTable:
    found = products(listed)
    return PriceTable(found.products, found.scale)


def rows(found: PriceTable) -> list[tuple[str, str, str, str, str]]:
    """Product, category, price, and the days."""
    return [
        (
            *(row["product_id"], row["category"], f"{row['price']:f}"),
            *(str(row["valid_from"] or ""), str(row["valid_to"] or "")),
        )
        for row in table_of(found).to_pylist()
    ]


@pytest.fixture
def state(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "state"))


def plan(state: Storage, listed: List, day: int, run_id: str = "run", hour: int = 3) -> Snapshot:
    """What a plan of that day would freeze."""
    return PriceKeeper(state, "UTC", run_id).continued(products(listed), at(day, hour))[0]


def kept(state: Storage) -> list[tuple[str, str, str, str]]:
    newest = newest_prices(state)
    assert newest is not None
    return [
        (
            *(row["product_id"], "" if row["price"] is None else f"{row['price']:f}"),
            *(str(row["valid_from"] or ""), str(row["valid_to"] or "")),
        )
        for row in load_prices(state, newest).to_pylist()
    ]


# --- what becomes of a list ----------------------------------------------------------------------

KEYS = {"one": b"0123456789abcdef0123456789abcdef", "other": b"fedcba9876543210fedcba9876543210"}
PEN, DEAR, FREE = ("Toys", "1.00"), ("Toys", "9.00"), ("Toys", "0.00")
OPEN = ("Toys", "")  # no price yet
_VALUES = st.sampled_from(
    [None, OPEN, ("Food", ""), PEN, DEAR, ("Food", "1.00"), ("", "1.00"), ("Toys", "1.005")]
)
Seen = tuple[date, tuple[str, str] | None]
_LISTS = st.dictionaries(st.sampled_from("abc"), _VALUES, min_size=3, max_size=3)
_STEPS = st.lists(st.tuples(st.integers(0, 2), _LISTS), min_size=1, max_size=9)


def told_price(value: tuple[str, str] | None) -> tuple[str, Decimal | None] | None:
    return None if value is None else (value[0], Decimal(value[1]) if value[1] else None)


def on(found: PriceTable, one: str, day: date) -> tuple[str, Decimal | None] | None:
    lookup = ValidRows.of(found.rows)
    ids = pa.array([one.encode()], pa.large_binary())
    [row] = lookup.rows_of(ids, pa.array([day], pa.date32())).tolist()
    if row < 0 or lookup.is_gap[row]:
        return None
    [values] = found.rows.slice(row, 1).to_pylist()
    minor = values["price_minor"]
    price = None if minor == NO_PRICE else Decimal(minor).scaleb(-found.scale)
    return values["category"] or "", price


def with_later_prices(seen: list[Seen]) -> list[Seen]:
    """Where a price was missing, what the next plan saw that found one, or that it was gone."""
    found: list[Seen] = []
    for when, value in reversed(seen):
        is_missing = value is not None and not value[1]
        found.append((when, found[-1][1] if found and is_missing else value))
    return found[::-1]


def expected(seen: list[Seen], day: date) -> tuple[str, str] | None:
    """What a product costs on a day: what the last plan up to it saw; before all of them, what the
    first one saw; where it was gone, what it was, if it came back as that."""
    seen = with_later_prices(seen)
    there = [(when, value) for when, value in seen if value is not None]
    if not there:
        return None
    if day < there[0][0]:
        return there[0][1]
    by_day = dict(seen)  # of two plans on one day the later one
    order = sorted(by_day)
    last = max(when for when in order if when <= day)
    if by_day[last] is not None:
        return by_day[last]
    before = [by_day[when] for when in order if when < last and by_day[when] is not None]
    was = before[-1] if before else there[0][1]
    for when in order[order.index(last) + 1 :]:
        if (when, was) in seen:  # for a part of that day, at least
            return was
        if by_day[when] is not None:
            return None
    return None


@given(_STEPS)
@whole_runs(80)
def test_a_day_has_the_price_that_the_last_plan_up_to_it_saw(
    steps: list[tuple[int, dict[str, tuple[str, str] | None]]],
) -> None:
    found, day = None, DAY
    seen: dict[str, list[Seen]] = {one: [] for one in "abc"}
    for days, listed in steps:
        day += timedelta(days=days)
        known = {one: value for one, value in listed.items() if value is not None} | {"z": PEN}
        found = prices(known) if found is None else continued(found, prices(known), day)
        for one, value in listed.items():
            seen[one].append((day, value))
        begins, ends = bounds(found.rows)
        assert (begins < ends).all()
    assert found is not None
    for one in "abc":
        for number in range(-1, (day - DAY).days + 2):
            asked = DAY + timedelta(days=number)
            told = told_price(expected(seen[one], asked))
            assert on(found, one, asked) == told, (one, asked, rows(found))


@given(st.lists(st.tuples(st.integers(-2, 2), _LISTS), min_size=1, max_size=9))
@whole_runs(40)
def test_rows_of_a_product_never_overlap_whatever_the_clock_says(
    steps: list[tuple[int, dict[str, tuple[str, str] | None]]],
) -> None:
    found, day = None, DAY
    for days, listed in steps:
        day += timedelta(days=days)
        known = {one: value for one, value in listed.items() if value is not None} | {"z": PEN}
        found = prices(known) if found is None else continued(found, prices(known), day)
        begins, ends = bounds(found.rows)
        number = distinct_numbers(found.rows)
        assert (begins < ends).all()
        assert ((ends[:-1] <= begins[1:]) | (number[:-1] != number[1:])).all()
        for one, value in known.items():  # what it says of now is what there is now
            assert on(found, one, date.max) == told_price(value)


def test_what_is_as_it_was_changes_nothing() -> None:
    known = prices({"a": PEN, "b": DEAR})
    assert continued(known, prices({"b": DEAR, "a": PEN}), DAY) is known
    assert continued(known, prices({"a": ("Toys", "1"), "b": ("Toys", "9.0")}), DAY) is known


def test_prices_of_more_decimals_leave_the_old_ones_as_they_are() -> None:
    found = continued(prices({"a": PEN}), prices({"a": ("Toys", "1.005")}), DAY)
    assert rows(found) == [
        ("a", "Toys", "1.000", "", "2024-03-01"),
        ("a", "Toys", "1.005", "2024-03-01", ""),
    ]
    with pytest.raises(InputError, match="have 3 decimals, and one of them is over"):
        continued(found, prices({"a": ("Toys", f"{2**53 - 1}")}), DAY)


# --- what is kept --------------------------------------------------------------------------------


def test_the_first_plan_freezes_what_it_would_have_anyway(state: Storage) -> None:
    assert plan(state, {"a": PEN}, 0).digest == products({"a": PEN}).digest
    assert kept(state) == [("a", "1.00", "", "")]


def test_the_day_is_that_of_the_schedules_zone(state: Storage) -> None:
    plan(state, {"a": PEN}, 0)
    keeper = PriceKeeper(state, "Europe/Berlin", "run")
    keeper.continued(products({"a": DEAR}), at(1, 23, 30))
    assert kept(state) == [("a", "1.00", "", "2024-03-03"), ("a", "9.00", "2024-03-03", "")]


def test_a_restored_older_database_begins_a_new_row_today(state: Storage) -> None:
    for day, value in enumerate((PEN, DEAR, PEN)):
        plan(state, {"a": value}, day)
    assert kept(state) == [
        ("a", "1.00", "", "2024-03-02"),
        ("a", "9.00", "2024-03-02", "2024-03-03"),
        ("a", "1.00", "2024-03-03", ""),
    ]


@pytest.mark.parametrize(
    ("shown", "decimals"),
    [
        (("1", "1.75", "9"), (0, 2, 2)),
        (("1.00", "1.000", "1.5"), (2, 3, 3)),
        (("1.00", "1.0050", "1.00"), (2, 4, 4)),
        (("1", "1.00500005", "1"), (0, 8, 2)),  # of so many, zeros at the end say nothing
        (("1", "2"), (0, 0)),
    ],
)
def test_decimals_grow_and_are_those_of_the_products_file_too(
    state: Storage, tmp_path: Path, shown: tuple[str, ...], decimals: tuple[int, ...]
) -> None:
    """Of a price that is corrected on its day, nothing else is left in the history."""
    (tmp_path / "customers.csv").write_text("customer_id,segment\nc1,VIP\n")
    for n, (price, scale) in enumerate(zip(shown, decimals, strict=True)):
        found = plan(state, {"a": ("Toys", price)}, min(n, 1))
        assert found.scale == scale
        newest = newest_prices(state)
        assert newest is not None
        write_csv(load_prices(state, newest), tmp_path / "products.csv")
        assert read_folder(tmp_path).digest == found.digest


def test_a_missing_price_is_what_the_next_plan_finds(state: Storage, tmp_path: Path) -> None:
    """No figure was published by it."""
    plan(state, {"a": PEN, "b": OPEN}, 0)
    assert plan(state, {"a": OPEN, "b": OPEN}, 2).unpriced == ["a", "b"]
    assert kept(state) == [
        ("a", "1.00", "", "2024-03-03"),
        ("a", "", "2024-03-03", ""),
        ("b", "", "", ""),
    ]
    path = tmp_path / "products.csv"
    newest = newest_prices(state)
    assert newest is not None
    write_csv(load_prices(state, newest), path)
    loaded(state, read_products(path), at(3))
    plan(state, {"a": DEAR, "b": PEN}, 5)
    assert kept(state) == [
        ("a", "1.00", "", "2024-03-03"),
        ("a", "9.00", "2024-03-03", ""),
        ("b", "1.00", "", ""),
    ]


def test_a_price_that_is_missing_for_a_while_ends_none(state: Storage) -> None:
    for day, value in enumerate((PEN, OPEN, PEN)):
        plan(state, {"a": value}, day)
    assert kept(state) == [("a", "1.00", "", "")]
    plan(state, {"a": OPEN}, 3)
    plan(state, {"b": PEN}, 4)
    assert kept(state) == [("a", "1.00", "", "2024-03-04"), ("b", "1.00", "", "")]


def test_a_file_of_the_history_has_prices_where_a_row_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("product_id,category,price,valid_from,valid_to\na,Toys,,,2024-03-03\n")
    with pytest.raises(InputError, match="no price for 'a', in a row that has ended"):
        read_products(path)


def test_decimals_are_those_of_prices_that_are_there(state: Storage) -> None:
    plan(state, {"a": ("Toys", "1.00500005"), "b": OPEN}, 0)
    assert plan(state, {"a": ("Toys", "1"), "b": OPEN}, 1).scale == 8
    assert plan(state, {"a": ("Toys", "1.005"), "b": OPEN}, 1).unpriced == ["b"]


def test_an_empty_table_ends_no_price(state: Storage) -> None:
    plan(state, {"a": PEN}, 0)
    with pytest.raises(ConfigError, match="There is no product any more"):
        plan(state, {}, 1)
    assert kept(state) == [("a", "1.00", "", "")]


def test_products_that_have_a_history_of_their_own_are_refused(state: Storage) -> None:
    found = products({"a": PEN})
    dated = found.products.set_column(3, "valid_from", pa.array([DAY], pa.date32())).cast(
        found.products.schema
    )
    with pytest.raises(ConfigError, match="there would be two histories"):
        PriceKeeper(state, "UTC", "run").continued(Snapshot(found.customers, dated, 2), at(0))
    assert newest_prices(state) is None


def test_of_two_plans_at_once_the_one_that_read_later_is_believed(state: Storage) -> None:
    plan(state, {"a": PEN}, 0)
    early, late = (PriceKeeper(state, "UTC", name) for name in ("early", "late"))
    late.continued(products({"a": DEAR}), at(1, 3, 1))
    snapshot, number = early.continued(products({"a": PEN}), at(1, 3, 0))
    assert number == 2
    assert kept(state) == [("a", "1.00", "", "2024-03-02"), ("a", "9.00", "2024-03-02", "")]
    assert snapshot.products.num_rows == 2
    early, late = (PriceKeeper(state, "UTC", name) for name in ("early", "late"))
    early.continued(products({"a": FREE}), at(2, 3, 0))
    late.continued(products({"a": PEN}), at(2, 3, 1))
    assert kept(state)[-1] == ("a", "1.00", "2024-03-03", "")


def test_what_a_clock_ahead_has_made_is_not_the_end(state: Storage) -> None:
    """A version that was there before the plan began is older, whatever its clock said."""
    plan(state, {"a": PEN}, 400)
    plan(state, {"a": DEAR}, 0)
    assert kept(state)[-1][1] == "9.00"


@pytest.mark.parametrize("is_bucket", [False, True])
def test_many_plans_at_once_make_one_history(
    tmp_path: Path, request: pytest.FixtureRequest, is_bucket: bool
) -> None:
    place = request.getfixturevalue("s3") if is_bucket else tmp_path
    state = open_storage(f"{place}/state")
    plan(state, {f"p{n}": PEN for n in range(8)}, 0)
    barrier = Barrier(8)

    def change(number: int) -> int:
        keeper = PriceKeeper(state, "UTC", f"run{number}")
        barrier.wait()
        listed = {f"p{n}": DEAR if n == number else PEN for n in range(8)}
        return keeper.continued(products(listed), at(1, 3, number))[1]

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(change, range(8)))
    newest = newest_prices(state)
    assert newest is not None
    assert newest.number == max(numbers)
    now = {row[0]: row[1] for row in kept(state) if not row[3]}
    assert now == {f"p{n}": "9.00" if n == 7 else "1.00" for n in range(8)}


def test_old_versions_go_and_the_history_stays(state: Storage, tmp_path: Path) -> None:
    for day in range(25):
        plan(state, {"a": ("Toys", f"{day + 1}.00")}, day)
    assert len(kept(state)) == 25
    assert len(list((tmp_path / "state" / "prices").glob("*.json"))) == 10
    assert len(list((tmp_path / "state" / "prices").glob("*.parquet"))) == 10
    collect_garbage(state, 1)
    assert len(kept(state)) == 25


def test_what_is_kept_is_read_back_as_a_products_file(state: Storage, tmp_path: Path) -> None:
    odd = {'"a", b': ("=1+1", "0.10"), " ": ("Li\nne", "1.00"), "ü": ("", "2.00")}
    plan(state, odd, 0)
    snapshot = plan(state, {**odd, " ": ("Li\r\nne", "3.00")}, 1)
    newest = newest_prices(state)
    assert newest is not None
    (tmp_path / "customers.csv").write_text("customer_id,segment\nc1,VIP\n")
    write_csv(load_prices(state, newest), tmp_path / "products.csv")
    assert read_folder(tmp_path).digest == snapshot.digest
    (tmp_path / "products.csv").unlink()
    (tmp_path / "products.parquet").write_bytes(state.read(newest.file.key))
    assert read_folder(tmp_path).digest == snapshot.digest


# --- what is lost --------------------------------------------------------------------------------


def _no_files(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _no_list(folder: Path) -> None:
    newest = max(folder.glob("*.json"))
    for path in folder.glob("*.parquet"):
        if path.stem in newest.read_text():
            path.unlink()


def _torn_list(folder: Path) -> None:
    newest = max(folder.glob("*.json"))
    for path in folder.glob("*.parquet"):
        if path.stem in newest.read_text():
            path.write_bytes(path.read_bytes()[:-7])


def _torn_record(folder: Path) -> None:
    max(folder.glob("*.json")).write_bytes(b"")


def _no_newest_record(folder: Path) -> None:
    max(folder.glob("*.json")).unlink()


def _no_files_and_no_mark(folder: Path) -> None:
    shutil.rmtree(folder)
    (folder.parent / "price_history.json").unlink()


_HARMS = [_no_files, _no_list, _torn_list, _torn_record, _no_newest_record, _no_files_and_no_mark]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A pen a day, from the 1st to the 4th of March."""
    days = {
        f"2024-03-0{n}.zip": day_zip({"a.json": part([purchase("c1", "pen", n)])})
        for n in (1, 2, 3, 4)
    }
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    return Runs(shop, tmp_path / "runs")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(at(0), tick=False) as clock:
        yield clock


def sell(runs: Runs, price: str) -> None:
    text = f"product_id,category,price\npen,Toys,{price}\n"
    (runs.shop.dimensions / "products.csv").write_text(text)


def revenue(runs: Runs) -> list[str]:
    """Of each day."""
    lines = (runs.last() / "daily_sales.csv").read_text().splitlines()[1:]
    return [line.split(",")[3] for line in lines]


def test_a_new_price_counts_from_the_day_of_the_plan(
    runs: Runs, clock: time_machine.Traveller
) -> None:
    for day, price in ((0, "1.00"), (2, "2.00"), (2, "3.00"), (3, "5.00"), (3, "5.00")):
        clock.move_to(at(day, 4 + runs.number))
        sell(runs, price)
        runs.run(price_history="UTC")
    assert revenue(runs) == ["1.00", "2.00", "9.00", "20.00"]
    assert runs.number == 5
    state = str(runs.folder / "state")
    for run_id in ("run-001", "run-003", "run-005"):
        assert verify(state, run_id).agrees
        assert rebuild(state, run_id).state == "as_published"
    versions = [
        RunLedger(open_storage(state), f"run-{number:03}").manifest().price_history
        for number in range(1, 6)
    ]
    assert versions == [1, 2, 3, 4, 4]


def test_products_whose_prices_ended_are_gone_for_the_drift_limits(
    runs: Runs, clock: time_machine.Traveller
) -> None:
    sell(runs, "1.00\nbook,Toys,2.00")
    runs.run(price_history="UTC", drift=DriftLimits(products_gone=Decimal("0.4")))
    clock.move_to(at(1))
    sell(runs, "1.00")
    with pytest.raises(AssertionError):  # it is not published
        runs.run(price_history="UTC", drift=DriftLimits(products_gone=Decimal("0.4")))
    outcome = RunLedger(open_storage(str(runs.folder / "state")), "run-002").outcome()
    assert outcome is not None
    assert "Products gone: 1 of 2 in run run-001, 50.0 %" in outcome.reason


def test_a_run_of_a_time_past_has_the_prices_of_its_days(
    runs: Runs, clock: time_machine.Traveller
) -> None:
    for day, price in ((0, "1.00"), (1, "2.00"), (3, "5.00")):
        clock.move_to(at(day, 4))
        sell(runs, price)
        runs.run(price_history="UTC")
    runs.run(price_history="UTC", as_of=date(2024, 3, 3))
    assert revenue(runs) == ["1.00", "4.00", "6.00"]


def test_a_missing_price_stops_runs_of_its_days_until_it_is_there(
    runs: Runs, clock: time_machine.Traveller
) -> None:
    """What was sold before has that of then."""
    sell(runs, "1.00")
    runs.run(price_history="UTC")
    clock.move_to(at(2))
    sell(runs, "")
    runs.run(price_history="UTC", as_of=date(2024, 3, 2))
    assert revenue(runs) == ["1.00", "2.00"]
    with pytest.raises(InputError, match=r"pen \(2 purchases\)"):
        runs.run(price_history="UTC")
    clock.move_to(at(4))
    sell(runs, "5.00")
    runs.run(price_history="UTC")
    assert revenue(runs) == ["1.00", "2.00", "15.00", "20.00"]
    assert verify(str(runs.folder / "state"), "run-004").agrees


def test_a_plan_that_was_killed_is_planned_again_to_the_same(
    runs: Runs, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(runs, "1.00")
    runs.run(price_history="UTC")
    clock.move_to(at(2))
    sell(runs, "5.00")
    with monkeypatch.context() as patch:
        patch.setattr(RunLedger, "create_manifest", _killed)
        with pytest.raises(KeyboardInterrupt):
            runs.run(price_history="UTC")
    clock.move_to(at(3))
    runs.run(price_history="UTC")
    assert revenue(runs) == ["1.00", "2.00", "15.00", "20.00"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_under_a_key_only_what_it_vouches_for_counts(
    state: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(state, {"a": PEN}, 0)
    for name in ("one", "other"):
        monkeypatch.setattr("pipeline_core.ledger.state.state_key", partial(StateKey, KEYS[name]))
        with pytest.raises(ConfigError, match="was kept under another SALES_STATE_KEY"):
            plan(open_state(state.uri), {"a": DEAR}, 1)
        shutil.rmtree(tmp_path / "state" / "prices", ignore_errors=True)
        (tmp_path / "state" / "price_history.json").unlink(missing_ok=True)
        if name == "one":
            plan(open_state(state.uri), {"a": PEN}, 0)
            plan(open_state(state.uri), {"a": DEAR}, 1)
            assert len(kept(open_state(state.uri))) == 2
            folder = tmp_path / "state" / "keyed" / StateKey(KEYS["one"]).mark / "prices"
            planted = max(folder.glob("*.json"))
            planted.write_bytes(planted.read_bytes()[:-1])
            with pytest.raises(ConfigError, match="is damaged"):
                plan(open_state(state.uri), {"a": PEN}, 2)


@pytest.mark.parametrize("harm", _HARMS)
def test_a_lost_or_torn_history_stops_the_plan_and_comes_back_by_a_run(
    runs: Runs, clock: time_machine.Traveller, harm: object
) -> None:
    for day, price in ((0, "1.00"), (2, "5.00")):
        clock.move_to(at(day))
        sell(runs, price)
        runs.run(price_history="UTC")
    before = revenue(runs)
    state = open_storage(str(runs.folder / "state"))
    with pytest.raises(ConfigError, match="neither lost nor damaged"):
        restored(state, "run-002", at(2))
    harm(runs.folder / "state" / "prices")  # type: ignore[operator]
    clock.move_to(at(3))
    sell(runs, "7.00")
    with pytest.raises(ConfigError, match=r"The price history of .* is (gone|damaged)") as caught:
        runs.run(price_history="UTC")
    assert "`sales-pipeline prices --restore run-002`" in caught.value.remedy
    runs.run()  # without a history, prices of now count everywhere
    assert revenue(runs)[0] == "7.00"
    with pytest.raises(ConfigError, match="made without a price history"):
        restored(state, f"run-{runs.number:03}", at(3))
    restored(state, "run-002", at(3))
    runs.run(price_history="UTC")
    assert revenue(runs) == [*before[:3], "28.00"]
