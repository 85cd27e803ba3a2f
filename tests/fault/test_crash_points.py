"""Killed at every single thing it writes: the earlier report stands, and a new try is exact."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.price_history.price_lists import load_prices, newest_prices
from pipeline_core.storage import open_storage
from tests.contract.test_pipeline_on_object_store import report_files
from tests.support import PROJECT
from tests.support.archives import Shop, write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive
from tests.support.links import refuse_links
from tests.support.run import run_local

# `make fault` tries every single one; `make test` every fifth, of a publication every third.
EVERY, EVERY_PUBLISHED = (1, 1) if os.environ.get("FAULT_ALL") else (5, 3)
FIRST, SECOND = "20260101T000000000000Z-aaaaaa", "20260102T000000000000Z-bbbbbb"


@dataclass
class Zygote:
    """See ``zygote``."""

    process: subprocess.Popen[str]

    def do(self, step: str, at: int = 0) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{step} {at}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def zygote(places: dict[str, str], run_id: str, root: str, *how: str) -> Iterator[Zygote]:
    command = [sys.executable, "-m", "tests.support.zygote", json.dumps(places), run_id, root, *how]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT,
    ) as process:
        yield Zygote(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


def _reports(uri: str) -> dict[str, bytes]:
    """The report that readers see: ``latest`` and the file beside it."""
    reports = open_storage(uri)
    found = report_files(reports, "latest")
    try:
        return found | {"top": reports.read("sales_report.csv")}
    except FileNotFoundError:
        return found


def _places(shop: Shop, where: str) -> dict[str, str]:
    return {
        "data": str(shop.data),
        "reports": f"{where}/reports",
        "state": f"{where}/state",
        "dimensions": str(shop.dimensions),
    }


@pytest.mark.parametrize("step", ["plan", "process", "publish"])
def test_killed_at_every_write(shop: Shop, tmp_path: Path, step: str) -> None:
    where, before = tmp_path / "where", tmp_path / "before"
    places = _places(shop, str(where))
    steps = ["plan", "process", "publish"]
    with zygote(places, FIRST, str(where)) as first:
        assert [first.do(each) for each in steps] == ["done"] * 3
    old = _reports(places["reports"])
    (shop.data / "events_week_03.zip").write_bytes(archive(3))
    with zygote(places, SECOND, str(where)) as second:
        for each in steps[: steps.index(step)]:
            assert second.do(each) == "done"
        shutil.copytree(where, before, symlinks=True)
        assert [second.do(each) for each in steps] == ["done"] * 3
        new = _reports(places["reports"])
        assert new != old
        at, every = 0, EVERY_PUBLISHED if step == "publish" else EVERY
        while True:
            at += every
            shutil.rmtree(where)
            shutil.copytree(before, where, symlinks=True)
            said = second.do(step, at)
            if said == "done":
                break
            assert said == "killed", f"{step} at write {at}: {said}"
            assert _reports(places["reports"]) in (old, new), f"{step} killed at write {at}"
            for each in steps[steps.index(step) :]:
                said = second.do(each)
                assert said == "done", f"{each}, after {step} was killed at write {at}: {said}"
            assert _reports(places["reports"]) == new, f"{step} killed at write {at}"
            assert open_storage(places["reports"]).folders("runs") == [FIRST, SECOND]
    assert at > {"plan": 8, "process": 20, "publish": 20}[step]


def test_a_history_of_prices_is_whole_wherever_its_plan_is_killed(
    shop: Shop, tmp_path: Path
) -> None:
    where, before = tmp_path / "where", tmp_path / "before"
    places = _places(shop, str(where))
    with zygote(places, FIRST, str(where)) as first:
        assert first.do("plan_with_prices") == "done"
    path = shop.dimensions / "products.csv"
    path.write_text(path.read_text().replace('"1.01"', '"7.77"'))
    shutil.copytree(where, before, symlinks=True)
    at, said, versions = 0, "killed", set[int]()
    with zygote(places, SECOND, str(where)) as second:
        while said == "killed":
            at += EVERY
            shutil.rmtree(where)
            shutil.copytree(before, where, symlinks=True)
            said = second.do("plan_with_prices", at)
            state = open_storage(places["state"])
            newest = newest_prices(state)
            assert newest is not None
            versions.add(newest.number)
            rows = load_prices(state, newest).num_rows
            assert rows == len(PRODUCTS) + newest.number - 1, f"killed at write {at}"
            assert second.do("plan_with_prices") == "done", f"killed at write {at}"
            newest = newest_prices(state)
            assert newest is not None
            assert newest.number == 2, f"killed at write {at}"
            assert load_prices(state, newest).num_rows == len(PRODUCTS) + 1
            assert RunLedger(state, SECOND).manifest().price_history == 2
    assert 2 in versions
    assert at > 8


@pytest.mark.parametrize("was_linked", [True, False])
def test_killed_at_every_write_of_a_copy_where_links_are_refused(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_linked: bool
) -> None:
    """What readers follow is the old or the new run; its copy too, or is gone for that moment."""
    where, before = tmp_path / "where", tmp_path / "before"
    with monkeypatch.context() as patch:
        if not was_linked:
            refuse_links(patch)
        assert run_local(shop, where, run_id=FIRST).state == "published"
    shutil.copytree(where / "reports", before, symlinks=True)
    (shop.data / "events_week_03.zip").write_bytes(archive(3))
    with monkeypatch.context() as patch:
        refuse_links(patch)
        assert run_local(shop, where, run_id=SECOND).state == "published"
    shutil.copytree(where / "reports" / "runs" / SECOND, before / "runs" / SECOND)
    reports = open_storage(str(where / "reports"))
    old, new = (report_files(reports, f"runs/{run_id}") for run_id in (FIRST, SECOND))
    assert old != new
    followed, copies = set[str | None](), set[int]()
    at, said = 0, "killed"
    with zygote(_places(shop, str(where)), SECOND, str(where), "without-links") as publisher:
        while said == "killed":
            at += min(EVERY, 2)
            shutil.rmtree(where / "reports")
            shutil.copytree(before, where / "reports", symlinks=True)
            said = publisher.do("show", at)
            followed.add(shown := reports.pointed("latest"))
            if (pointer := where / "reports" / "latest.json").exists():
                assert json.loads(pointer.read_bytes()) == {"target": shown}, "all follow the same"
            copy = report_files(reports, "latest")
            assert copy in (old, new, {}), f"killed at write {at}"
            copies.add(len(copy))
            if copy or not was_linked:  # a link from before reads through what is gone
                top = reports.read("sales_report.csv")
                assert top in (old["sales_report.csv"], new["sales_report.csv"])
            assert publisher.do("show") == "done", f"after it was killed at write {at}"
            assert report_files(reports, "latest") == new
            assert reports.read("sales_report.csv") == new["sales_report.csv"]
    assert said == "done"
    assert followed == {f"runs/{FIRST}", f"runs/{SECOND}"}
    assert copies == {0, len(old), len(new)}
    assert at > 15


@pytest.mark.long
def test_killed_at_every_request_of_a_publication_on_an_object_store(
    shop: Shop, tmp_path: Path, s3: str
) -> None:
    """A bucket cannot be put back, so each kill is of a run of its own."""
    more = write_shop(
        tmp_path / "more",
        {f"events_week_0{week}.zip": archive(week) for week in (1, 2, 3)},
        CUSTOMERS,
        PRODUCTS,
    )
    whole: dict[str, dict[str, bytes]] = {}
    at, said = 0, "killed"
    while said == "killed":
        places = _places(shop, f"{s3}/{at}")
        with zygote(places, FIRST, "s3:") as first:
            for each in ("plan", "process", "publish"):
                assert first.do(each) == "done"
        with zygote(_places(more, f"{s3}/{at}"), SECOND, "s3:") as second:
            assert second.do("plan") == "done"
            assert second.do("process") == "done"
            said = second.do("publish", at) if at else "killed"
            reports = open_storage(places["reports"])
            shown = reports.pointed("latest") or ""  # what readers follow
            if at:
                assert report_files(reports, shown) == whole[shown], f"killed at request {at}"
            assert second.do("publish") == "done"
        assert reports.pointed("latest") == f"runs/{SECOND}"
        whole = whole or {key: report_files(reports, key) for key in (shown, f"runs/{SECOND}")}
        assert len(whole) == 2
        assert report_files(reports, f"runs/{SECOND}") == whole[f"runs/{SECOND}"]
        assert report_files(reports, "latest") == whole[f"runs/{SECOND}"]
        at += EVERY if at else 1
    assert at > 20
