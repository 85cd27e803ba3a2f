"""A sound publication agrees with its archives; whatever is altered is found, and just there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.errors import ConfigError, RetryableError, UnreadableArchive
from pipeline_core.ledger import RunLedger, result_files
from pipeline_core.load.partials import read_partial
from pipeline_core.messages import Attempt, Feed, Options, UnknownMode, Work
from pipeline_core.running.local import process_outstanding
from pipeline_core.storage import open_storage
from pipeline_core.verify import verify
from tests.contract.test_input_rules import INVALID_PARTS, NOT_JSON, NOT_UTF8, ORDERED, SOUND
from tests.support import archives as build
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import (
    latest,
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    summary,
    text,
    week,
)
from tests.support.successive import Runs
from tests.support.verified import assert_agrees, difference

CUSTOMERS = (
    ("c1", "2020-01-01", "Retail"),
    ("c2", "2020-01-01", "=B2B"),
    ("c0", "2020-01-01", None),
)
PRODUCTS = (
    ("p1", "Pen", "Office", "0.10"),
    ("p2", "Chair", 'Home, "Garden"', "19.99"),
    ("p0", "Pen", None, "99999999.99"),
)
DAY = day_zip({"a.json": part([purchase(), purchase("c2", "p2", 7), purchase("x", "p1", 5)])})
DIRT = part(
    [
        *(event for _, event in ORDERED),
        purchase(None, "p1", 4),
        purchase("", "p0", 2**31 - 1),
        {"event_type": "view"},
    ]
)
ARCHIVES = {
    "week 1.zip": archive_zip(
        {
            "2024-03-01.zip": DAY,
            "2024-03-02.zip": day_zip({"a.json": DIRT, "b.json": b"[oops", "c.json": sales(3)}),
            "x/2024-03-01.zip": DAY,
        }
    ),
    "week 2.zip": archive_zip(
        {
            "2024-03-01.zip": day_zip({"a.json": sales(9)}),
            "2024-03-05.zip": DAY,
            "2024-03-06.zip": b"no zip",
            "2024-03-07.zip": b"no zip",
            "undated.zip": day_zip({"a.json": part([purchase("c2", "p1", 2)])}),
        }
    ),
}


def _shop(folder: Path, archives: dict[str, bytes] | None = None) -> Shop:
    return write_shop(folder / "shop", archives or ARCHIVES, CUSTOMERS, PRODUCTS)


# --- agreement -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spreadsheet_safe", [False, True])
@pytest.mark.parametrize("unknown", ["reject", "bucket"])
def test_a_dirty_shop_agrees(tmp_path: Path, unknown: UnknownMode, spreadsheet_safe: bool) -> None:
    outcome = run_local(
        _shop(tmp_path), tmp_path, unknown=unknown, spreadsheet_safe=spreadsheet_safe
    )
    found = assert_agrees(tmp_path, outcome)
    assert (found.archives, found.left_out, found.not_in_run) == (2, (), ())
    assert summary(outcome).days.duplicate == 3
    assert summary(outcome).conflicting_days == ("2024-03-01.zip",)
    lines = sum(
        text(tmp_path, path.relative_to(latest(tmp_path)).as_posix()).count("\n")
        for path in latest(tmp_path).rglob("*.csv")
    )
    assert found.cells > 5 * lines


@pytest.mark.parametrize("content", [*NOT_JSON, *NOT_UTF8, *(text.encode() for text in SOUND)])
def test_every_odd_part_agrees(tmp_path: Path, content: bytes) -> None:
    shop = _shop(tmp_path, {"week.zip": week(sales(2), content, sales(3))})
    assert_agrees(tmp_path, run_local(shop, tmp_path))


@pytest.mark.parametrize("kind", INVALID_PARTS)
def test_every_damaged_part_agrees(tmp_path: Path, kind: str) -> None:
    days = {"2024-03-01.zip": INVALID_PARTS[kind][0], "2024-03-02.zip": DAY}
    assert_agrees(tmp_path, run_local(_shop(tmp_path, {"w.zip": week(days=days)}), tmp_path))


@pytest.mark.parametrize(
    "archive",
    [
        b"no zip",
        build.encrypted_zip("1.zip", DAY),
        build.flipped(archive_zip({"1.zip": DAY}, compression=0)),
        build.lying_zip("1.zip", DAY, declared=30),
        build.lying_zip("1.zip", DAY, declared=99_999),
        week(sales(5))[8:],
    ],
)
def test_every_damaged_archive_agrees_and_so_does_its_copy(tmp_path: Path, archive: bytes) -> None:
    shop = _shop(tmp_path, {"a.zip": archive, "b.zip": archive, "c.zip": week(sales(3))})
    assert_agrees(tmp_path, run_local(shop, tmp_path))


def test_an_entry_that_goes_on_behind_its_declared_end_agrees(tmp_path: Path) -> None:
    """Its first bytes alone are a part, and have the CRC that it declares."""
    shorter, longer = part([purchase()]), part([purchase()]) + b" " * 99
    day = build.raw_zip([build.RawEntry("a.json", longer, len(shorter), zlib.crc32(shorter))])
    outcome = run_local(_shop(tmp_path, {"w.zip": week(days={"1.zip": day})}), tmp_path)
    assert summary(outcome).parts.unreadable == 1
    assert_agrees(tmp_path, outcome)


BIG = part([purchase(quantity=n, note="é" * 40, nested=[[]]) for n in range(50)])


@pytest.mark.parametrize(
    "limits",
    [
        {"part_bytes": 2000},
        {"event_bytes": 200},
        {"event_bytes": 450},  # of all parts, c.json alone is over it: by what comes last
        {"event_bytes": len(BIG)},
        {"json_depth": 3},
        {"json_depth": 4},
        {"day_bytes": 2 * len(BIG)},
        {"archive_bytes": 2 * len(BIG)},
        {"zip_entries": 2},
        {"reject_share": 0.01},
    ],
)
def test_every_limit_agrees(tmp_path: Path, limits: dict[str, Any]) -> None:
    days = {
        "1.zip": day_zip({"a.json": BIG, "b.json": sales(3), "c.json": BIG + b" " * 300}),
        "2.zip": day_zip({"a.json": sales(4)}),
        "3.zip": day_zip({"a.json": DIRT}),
    }
    shop = _shop(tmp_path, {"a.zip": week(days=days), "b.zip": week(sales(5))})
    assert_agrees(tmp_path, run_local(shop, tmp_path, limits=limits))


@pytest.mark.parametrize("spare", [0, -1])
def test_daily_zips_count_against_their_archive(tmp_path: Path, spare: int) -> None:
    day = day_zip({"a.json": BIG})
    shop = _shop(tmp_path, {"w.zip": archive_zip([("1.zip", day), ("2.zip", day)])})
    limits = {"archive_bytes": len(day) + len(BIG) + spare}  # the duplicate takes nothing
    outcome = run_local(shop, tmp_path, limits=limits)
    assert summary(outcome).archives.unreadable == -spare
    assert_agrees(tmp_path, outcome)


def test_days_that_count_from_their_second_archive_agree(tmp_path: Path) -> None:
    big = day_zip({"b.json": b" " * 9000 + sales(9)})
    shop = _shop(
        tmp_path,
        {
            "a.zip": archive_zip({"2024-03-01.zip": DAY, "2024-03-02.zip": big}),
            "b.zip": archive_zip({"2024-03-01.zip": DAY}),
            "c.zip": archive_zip({"2024-03-01.zip": DAY, "2024-03-03.zip": day_zip({})}),
        },
    )
    outcome = run_local(shop, tmp_path, limits={"archive_bytes": 5000})
    assert summary(outcome).archives.unreadable == 1
    assert summary(outcome).days.duplicate == 1
    assert_agrees(tmp_path, outcome)


def test_shares_agree(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path, processes=20)
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("cap", [0, 1, 5, 1000])
def test_capped_rejects_agree(tmp_path: Path, cap: int) -> None:
    assert_agrees(tmp_path, run_local(_shop(tmp_path), tmp_path, reject_rows=cap))


def test_reused_work_counts_as_read(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path)
    path = latest(tmp_path) / "summary.json"
    found = json.loads(path.read_bytes())
    for name in ("archives", "days"):
        found[name] |= {"read": 1, "reused": found[name]["read"] - 1}
    path.write_text(json.dumps(found))
    assert_agrees(tmp_path, outcome)


def test_what_was_sent_twice_of_a_product_that_nobody_knows_agrees(tmp_path: Path) -> None:
    """Under Unknown it would count without money; left out, its money is not known."""
    sent = [purchase("c1", "nothing", 2, id="m1")] * 2
    shop = _shop(tmp_path, {"week.zip": archive_zip({"d.zip": day_zip({"a.json": part(sent)})})})
    feed = Feed(event_id=("id",))
    assert_agrees(tmp_path, run_local(shop, tmp_path, unknown="bucket", feed=feed))


def test_an_empty_report_agrees(tmp_path: Path) -> None:
    assert_agrees(tmp_path, run_local(_shop(tmp_path, {"w.zip": week(b"[]")}), tmp_path))


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(week(sales(77777)))])
def test_what_the_run_could_not_read_is_left_out_and_a_copy_counts(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    copy, only = week(sales(3)), week(sales(4444))
    shop = _shop(tmp_path, {"a.zip": copy, "b.zip": copy, "c.zip": copy, "d.zip": only})
    outcome = run_local(
        shop, tmp_path, after_plan=lambda: [change(shop.data / name) for name in ("a.zip", "d.zip")]
    )
    found = assert_agrees(tmp_path, outcome)
    assert found.left_out == ("a.zip", "d.zip")
    assert summary(outcome).archives.duplicate == 1


def test_an_archive_that_was_touched_while_it_was_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = sys.modules["pipeline_core.processing.extraction"]
    real = vars(process)["archive_days"]
    shop = _shop(tmp_path, {"a.zip": week(sales(3))})

    def touched(*given: object) -> object:
        (shop.data / "a.zip").touch()
        return real(*given)

    manifest = plan_local(shop, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(process, "archive_days", touched)
        process_local(tmp_path, manifest)
    outcome = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert "changed while it was read" in summary(outcome).unreadable[0].cause
    assert assert_agrees(tmp_path, outcome).left_out == ("a.zip",)


def test_a_quarantined_archive_is_left_out(tmp_path: Path) -> None:
    manifest = plan_local(_shop(tmp_path), tmp_path)
    ledger, now = (
        RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id),
        datetime.now(UTC),
    )
    for number in range(1, manifest.policy.max_attempts + 1):
        died = Attempt(
            number=number,
            owner="another",
            task_id=None,
            retries=0,
            started_at=now,
            expires_at=now - timedelta(seconds=1),
        )
        ledger.create_attempt(Work("00000").id, died)
    process_local(tmp_path, manifest)
    outcome = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert "quarantined" in summary(outcome).unreadable[0].cause
    assert assert_agrees(tmp_path, outcome).left_out == ("week 1.zip",)


def test_a_bucket_agrees(tmp_path: Path, s3: str) -> None:
    shop = _shop(tmp_path)
    for path in shop.data.iterdir():
        open_storage(f"{s3}/in put").store_file(path.name, path)
    places = Places(f"{s3}/in put", f"{s3}/reports", f"{s3}/state", str(shop.dimensions), "")
    options = Options(allow_incomplete=True)
    manifest = pipeline.plan(pipeline.Order(run_id="1", places=places, options=options))
    process_outstanding(places.state, manifest, 1)
    pipeline.publish(places.state, "1")
    assert verify(places.state, "1").agrees
    open_storage(f"{s3}/in put").remove("week 2.zip")
    found = verify(places.state, "1")
    assert found.difference is not None
    assert found.difference.place == "week 2.zip"


# --- differences in what was published -----------------------------------------------------------

# Old and new text of a published file, and the place that must be named.
TAMPERED = [
    ("sales_report.csv", "Retail,1.30,13,1", "Retail,1.31,13,1", "row 3, total_revenue"),
    ("sales_report.csv", "Retail,1.30,13,1", "Retail,1.30,14,1", "row 3, units_sold"),
    ("sales_report.csv", "Retail,1.30,13,1", "Retail,1.30,13,2", "row 3, unique_customers"),
    ("sales_report.csv", "Office,Retail", "office,Retail", "row 3, category"),
    ("sales_report.csv", "Office,Retail,1.30,13,1\n", "", "row 3, customer_segment"),
    ("sales_report.csv", "units_sold", "units", "row 1, units_sold"),
    ("sales_report.csv", "Retail,1.30,13,1", "Retail,1.30,13", "row 3"),
    ("daily_sales.csv", ",Office,=B2B,0.20,2\n", ",Office,=B2B,0.20,20\n", "row 2, units_sold"),
    ("daily_sales.csv", "2024-03-02,", "2024-03-03,", "row 5, date"),
    ("by_category/Office.csv", "1.30,13,1", "1.30,13,7", "row 2, unique_customers"),
    (
        "by_category/Office.csv",
        "Retail,1.30,13,1\n",
        "Retail,1.30,13,1\nx,y,1,1,1\n",
        "row 3, category",
    ),
    ("rejects.csv", "not_an_object,", "unknown_product,", "row 3, reason"),
    ("rejects.csv", "2024-03-02.zip,a.json,4,", "2024-03-02.zip,a.json,14,", "row 7, position"),
    ("summary.json", '"seen": 20', '"seen": 21', "events.seen"),
    ("summary.json", '"not_purchase": 1', '"not_purchase": 2', "events.not_purchase"),
    ("summary.json", '"total_revenue": "141', '"total_revenue": "142', "totals.total_revenue"),
    ("summary.json", '"unique_customers": 2', '"unique_customers": 3', "totals.unique_customers"),
    ("summary.json", '"duplicate": 3', '"duplicate": 1', "days.duplicate"),
    ("summary.json", '"status": "incomplete"', '"status": "complete"', "status"),
    ("summary.json", '"part": "b.json"', '"part": "c.json"', "unreadable.0"),
    ("summary.json", '"missing_days": [', '"missing_days": ["2024-03-02",', "missing_days.0"),
]


def _replace(path: Path, old: str, new: str) -> None:
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


@pytest.mark.parametrize(("name", "old", "new", "place"), TAMPERED)
def test_what_is_altered_is_found_just_there(
    tmp_path: Path, name: str, old: str, new: str, place: str
) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path)
    assert_agrees(tmp_path, outcome)
    _replace(latest(tmp_path) / name, old, new)
    found = difference(tmp_path, outcome)
    assert found.place == f"{name}, {place}"
    assert found.published != found.recomputed
    assert found.remedy


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("sales_report.csv", "sales_report.csv"),
        ("sales_report.parquet", "sales_report.parquet"),
        ("daily_sales.csv", "daily_sales.csv"),
        ("rejects.csv", "rejects.csv"),
        ("summary.json", "summary.json"),
        ("by_category/Office.csv", "by_category"),
    ],
)
def test_a_file_that_is_gone_or_is_none_is_found(tmp_path: Path, name: str, place: str) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path)
    path = latest(tmp_path) / name
    content = path.read_bytes()
    path.unlink()
    assert difference(tmp_path, outcome).place == place
    path.write_bytes(b"\xff" + content)
    assert difference(tmp_path, outcome).place.startswith(name)


def test_a_row_too_many_is_found(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path, reject_rows=3)
    with (latest(tmp_path) / "rejects.csv").open("a") as file:
        file.write("not_an_object,week 2.zip,x,y,0,5\n")
    assert difference(tmp_path, outcome).place == "rejects.csv, row 5"


def test_an_altered_cell_of_the_parquet_file_is_found(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path)
    path = latest(tmp_path) / "sales_report.parquet"
    table = pq.read_table(path)
    units = [table["units_sold"][0].as_py() + 1, *table["units_sold"].to_pylist()[1:]]
    pq.write_table(table.set_column(3, "units_sold", pa.array(units)), path)
    assert difference(tmp_path, outcome).place == "sales_report.parquet, row 2, units_sold"


def test_a_category_file_too_many_is_found(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path)
    (latest(tmp_path) / "by_category" / "a.csv").write_text(text(tmp_path).splitlines()[0] + "\n")
    assert difference(tmp_path, outcome).place == "by_category/a.csv, row 1"


def test_a_partial_that_was_wrong_before_the_publication_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt fits the partial, as if the pipeline had added up wrongly."""
    monkeypatch.setattr(result_files, "MOST_BEHIND", 0)
    manifest = plan_local(_shop(tmp_path), tmp_path)
    process_local(tmp_path, manifest)
    ledger, work = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id), Work("00001")
    receipt = ledger.receipt(work)
    assert receipt is not None
    stored = receipt.partials["sales_report"]
    partial = read_partial(ledger.load(stored))
    units = [value + 1 for value in partial["units"].to_pylist()]
    place = partial.schema.get_field_index("units")
    field = partial.schema.field("units")
    target = pa.BufferOutputStream()
    pq.write_table(partial.set_column(place, field, pa.array(units)), target)
    altered = ledger.store("partials", work, ".sales_report.parquet", bytes(target.getvalue()), 1)
    partials = receipt.partials | {"sales_report": altered}
    ledger.discard_receipt(work)
    ledger.create_receipt(work, msgspec.structs.replace(receipt, partials=partials))
    outcome = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert outcome.state == "published"
    found = difference(tmp_path, outcome)
    assert found.place.startswith("sales_report.csv, row ")
    assert found.place.endswith(", units_sold")
    assert int(found.published) == int(found.recomputed) + 1


# --- differences in the data ---------------------------------------------------------------------


def test_an_archive_that_changed_since_the_run_is_the_first_difference(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    outcome = run_local(shop, tmp_path)
    _replace(latest(tmp_path) / "sales_report.csv", "Office", "office")
    before = (shop.data / "week 2.zip").read_bytes()
    (shop.data / "week 2.zip").write_bytes(before + b"\0")
    found = difference(tmp_path, outcome)
    assert found.place == "week 2.zip"
    assert found.published == f"SHA-256 {summary(outcome).inputs['week 2.zip']}"
    assert "Put the archive back" in found.remedy
    (shop.data / "week 2.zip").write_bytes(before)  # the bytes decide, not the time
    assert difference(tmp_path, outcome).place == "sales_report.csv, row 3, category"


def test_what_is_advised_of_an_archive_that_looks_unchanged_helps(tmp_path: Path) -> None:
    shop = _shop(tmp_path, {"week.zip": archive_zip({"2024-03-01.zip": DAY}, compression=0)})
    runs, week_zip = Runs(shop, tmp_path), shop.data / "week.zip"
    runs.run()
    before = week_zip.stat()
    week_zip.write_bytes(week_zip.read_bytes().replace(b"2024-03-01.zip", b"2024-03-02.zip"))
    os.utime(week_zip, ns=(before.st_atime_ns, before.st_mtime_ns))
    runs.run()
    found = verify(str(tmp_path / "state"), "run-002").difference
    assert found is not None
    assert (found.place, "`sales-pipeline run --full`" in found.remedy) == ("week.zip", True)
    runs.run(full=True)
    assert verify(str(tmp_path / "state"), "run-003").agrees


def test_an_archive_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path)

    def fail(file: Any, _: str) -> Any:
        if file.name.endswith("week 2.zip"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return digest(file, "sha256")

    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", fail)
    with pytest.raises(
        RetryableError, match=r"Cannot read the archive week 2\.zip, or write .*Input"
    ):
        verify(str(tmp_path / "state"), outcome.run_id)


def test_an_archive_that_is_gone_is_the_first_difference(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    outcome = run_local(shop, tmp_path)
    elsewhere = tmp_path / "backup"
    shop.data.rename(elsewhere)
    found = difference(tmp_path, outcome)
    assert (found.place, found.recomputed) == ("week 1.zip", "it is gone")
    assert verify(str(tmp_path / "state"), outcome.run_id, data_uri=str(elsewhere)).agrees


def test_an_archive_that_came_later_is_told_and_no_difference(tmp_path: Path) -> None:
    shop = _shop(tmp_path)
    outcome = run_local(shop, tmp_path)
    for name in ("week 3.zip", ".week 4.zip", "notes.txt"):
        (shop.data / name).write_bytes(week(sales(1)))
    assert assert_agrees(tmp_path, outcome).not_in_run == ("week 3.zip",)


def test_a_sound_archive_that_the_run_called_unreadable_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UnreadableArchive("the archive is not a zip")

    manifest = plan_local(_shop(tmp_path), tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["pipeline_core.processing.extraction"], "open_archive", refuse)
        process_local(tmp_path, manifest)
    outcome = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert summary(outcome).archives.unreadable == 2
    assert difference(tmp_path, outcome).place == "sales_report.csv, row 2"


def test_damaged_loose_days_are_never_taken_for_each_other(tmp_path: Path) -> None:
    damaged = {
        f"week {n}.zip": build.flipped(archive_zip({"2024-03-01/a.json": sales(n)}))
        for n in range(1, 40)
    }
    sound = {"week.zip": week(sales(3))}
    outcome = run_local(write_shop(tmp_path / "shop", damaged | sound), tmp_path)
    assert summary(outcome).parts.unreadable == len(damaged)
    assert_agrees(tmp_path, outcome)


# --- runs that cannot be verified ----------------------------------------------------------------


def test_a_run_that_was_not_published_cannot_be_verified(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path), tmp_path, publish_incomplete=False)
    assert outcome.state == "refused"
    for run_id in (outcome.run_id, "nonsense"):
        with pytest.raises(ConfigError):
            verify(str(tmp_path / "state"), run_id)
