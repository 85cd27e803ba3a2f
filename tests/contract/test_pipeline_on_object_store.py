"""The program with everything in a bucket publishes, byte for byte, what it does from folders."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.errors import ConfigError
from pipeline_core.messages import Options, Outcome
from pipeline_core.running.local import process_outstanding
from pipeline_core.storage import Storage, open_storage
from pipeline_core.storage.object_store import ObjectStorage
from tests.support import archives as build
from tests.support.gateway import gateway
from tests.support.s3 import use_endpoint


@pytest.fixture
def shop(tmp_path: Path) -> build.Shop:
    """Two segments, three categories, an archive twice, odd names, rejects and a broken day."""
    first = build.archive_zip(
        {
            "2024-03-01.zip": build.day_zip(
                {
                    "0.json": build.part([build.purchase("c1", "p1", n) for n in range(1, 40)]),
                    "deep/1.json": build.part([build.purchase("c2", "p2", 7), {"event_type": 1}]),
                }
            ),
            "2024-03-02.zip": build.day_zip({"0.json": build.part([build.purchase("c3", "p3")])}),
        }
    )
    second = build.archive_zip(
        {
            "2024-03-04.zip": build.day_zip({"0.json": build.part([build.purchase("x", "p1")])}),
            "2024-03-05.zip": b"no zip",
        }
    )
    return build.write_shop(
        tmp_path,
        {"week 1.zip": first, "week 1 (copy).ZIP": first, "wöche;#2%41.zip": second},
        customers=(("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "B2B"), ("c3", "", None)),
        products=(
            ("p1", "Pen", "Office", "0.10"),
            ("p2", "Chair", "Home/Ga\u0308rden", "19.99"),
            ("p3", "?", "a,b", "1.00"),
        ),
    )


def run(data: str, root: str, shop: build.Shop, run_id: str = "1") -> Outcome:
    state = f"{root}/state"
    places = Places(data, f"{root}/reports", state, str(shop.dimensions), "")
    options = Options(allow_incomplete=True)
    manifest = pipeline.plan(pipeline.Order(run_id=run_id, places=places, options=options))
    process_outstanding(state, manifest, 1)
    return pipeline.publish(state, manifest.run_id)


def report_files(storage: Storage, folder: str) -> dict[str, bytes]:
    found = {
        file.key.removeprefix(f"{folder}/"): storage.read(file.key)
        for file in storage.files(folder)
        if file.key.endswith((".csv", ".parquet"))
    }
    for name in storage.folders(folder):
        below = report_files(storage, f"{folder}/{name}")
        found |= {f"{name}/{key}": data for key, data in below.items()}
    return found


def test_a_bucket_holds_the_same_bytes_as_a_folder(
    shop: build.Shop, tmp_path: Path, s3: str
) -> None:
    for path in shop.data.iterdir():
        open_storage(f"{s3}/in put").store_file(path.name, path)

    here = run(str(shop.data), str(tmp_path), shop)
    there = run(f"{s3}/in put", f"{s3}/out", shop)

    assert (here.state, there.state) == ("published", "published")
    assert here.summary is not None
    assert there.summary is not None
    assert here.summary.totals == there.summary.totals
    assert here.summary.unreadable == there.summary.unreadable
    assert here.summary.archives == there.summary.archives
    folder, bucket = open_storage(str(tmp_path / "reports")), open_storage(f"{s3}/out/reports")
    files = report_files(folder, "latest")
    assert {"sales_report.csv", "daily_sales.csv", "rejects.csv"} < files.keys()
    assert any(name.startswith("by_category/") for name in files)
    assert report_files(bucket, "latest") == files
    assert bucket.read("sales_report.csv") == folder.read("sales_report.csv")
    assert bucket.read("index.html") == bucket.read("latest/index.html")
    assert bucket.pointed("latest") == "runs/1"
    assert [path.name for path in tmp_path.glob("sales-*")] == []


def test_a_later_run_takes_the_earlier_ones_place(
    shop: build.Shop, tmp_path: Path, s3: str
) -> None:
    run(str(shop.data), f"{s3}/out", shop)
    (shop.data / "week 1.zip").unlink()
    (shop.data / "week 1 (copy).ZIP").unlink()
    run(str(shop.data), f"{s3}/out", shop, "2")
    reports = open_storage(f"{s3}/out/reports")
    assert reports.folders("runs") == ["1", "2"]
    assert report_files(reports, "latest") == report_files(reports, "runs/2")
    assert reports.read("sales_report.csv") == reports.read("latest/sales_report.csv")
    assert reports.folders("latest") == []  # no category sold anything


def test_planning_fetches_directories_and_the_next_run_nothing(
    shop: build.Shop, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.data / "week 1 (copy).ZIP").unlink()  # it would be compared byte for byte
    for path in shop.data.iterdir():
        open_storage(f"{s3}/in").store_file(path.name, path)
    places = Places(f"{s3}/in", f"{s3}/out", f"{s3}/state", str(shop.dimensions), "")
    options = Options(allow_incomplete=True)

    whole_file = ObjectStorage.local_file

    def refused(storage: ObjectStorage, key: str) -> AbstractContextManager[Path]:
        assert not key.lower().endswith(".zip"), "an archive is fetched as a whole"
        return whole_file(storage, key)

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStorage, "local_file", refused)
        manifest = pipeline.plan(pipeline.Order(run_id="1", places=places, options=options))
    process_outstanding(places.state, manifest, 1)
    pipeline.publish(places.state, "1")
    open_storage(f"{s3}/in").remove("wöche;#2%41.zip")
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStorage, "open", refused)
        patch.setattr(ObjectStorage, "local_file", refused)
        manifest = pipeline.plan(pipeline.Order(run_id="2", places=places, options=options))
        process_outstanding(places.state, manifest, 1)
        outcome = pipeline.publish(places.state, "2")
    assert outcome.summary is not None
    assert outcome.summary.bytes_read == 0
    fresh = run(f"{s3}/in", str(tmp_path / "fresh"), shop)
    assert fresh.summary is not None
    assert outcome.summary.totals == fresh.summary.totals


def test_a_proxy_that_calls_tags_weak_changes_nothing(
    shop: build.Shop, tmp_path: Path, s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.data / "wöche;#2%41.zip").unlink()  # what cannot be read is tried again
    here = run(str(shop.data), str(tmp_path), shop)
    with gateway(s3_endpoint, "has weak tags") as through:
        use_endpoint(monkeypatch, through.endpoint)
        for path in shop.data.iterdir():
            open_storage(f"{s3}/in").store_file(path.name, path)
        there = run(f"{s3}/in", f"{s3}/out", shop)
        assert here.summary is not None
        assert there.summary is not None
        assert there.summary.unreadable == here.summary.unreadable
        assert there.summary.totals == here.summary.totals
        again = run(f"{s3}/in", f"{s3}/out", shop, "2")
        assert again.summary is not None
        assert again.summary.bytes_read == 0, "nothing is taken for changed"


def test_reports_that_may_only_be_read_are_told_before_the_work(
    shop: build.Shop, tmp_path: Path, s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(str(shop.data), f"{s3}/reports", f"{tmp_path}/state", str(shop.dimensions), "")
    order = pipeline.Order(run_id="1", places=places, options=Options())
    with gateway(s3_endpoint, "may be read") as through:
        use_endpoint(monkeypatch, through.endpoint)
        with pytest.raises(ConfigError, match=rf"{s3}/reports/.*access is denied"):
            pipeline.plan(order)
    use_endpoint(monkeypatch, s3_endpoint)
    assert pipeline.plan(order).run_id == "1"
    assert [each.key for each in open_storage(f"{s3}/reports").contents().files] == []
