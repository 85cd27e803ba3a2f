"""OpenLineage events: a real HTTP server, the real client, and runs of this machine."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from openlineage.client.transport.http import HttpTransport

from console.doctor.lineage import check_lineage
from console.drive import go_on, new_run
from pipeline_core import pipeline
from pipeline_core.configuration.lineage_target import LineageTarget
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.ledger import RunLedger, open_state, slots
from pipeline_core.lineage import emit, send
from pipeline_core.lineage.datasets import MOST_ARCHIVES, inputs_of
from pipeline_core.lineage.facts import SendOrder, lineage_id
from pipeline_core.messages import ArchiveRef, Manifest, Options
from pipeline_core.running.drive import tell_of_plan
from pipeline_core.running.notifications import notify_of_outcome
from pipeline_core.settings import Settings, load_settings
from tests.support.archives import part, purchase
from tests.support.lineage import check_event
from tests.support.run import plan_local, sales, shop_of

KEY = "very-secret"
CAUSES = {
    "status": "it answered 403",
    "silence": "it takes over 4 s",
    "nobody": "Connection refused",
}
PARENT = "airflow/daily.sales/0190e3a4-73b1-7c2e-9d5f-0a1b2c3d4e5f"


class Server(HTTPServer):
    """Keeps what it is told; answers with ``status``, after ``pause`` seconds."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.pause = 201, 0.0
        self.told: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://{KEY}@127.0.0.1:{self.server_port}/"

    def events(self) -> list[str]:
        return [each["eventType"] for each in self.told]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        time.sleep(self.server.pause)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.server.told.append(json.loads(body))
        time.sleep(self.server.pause)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def _serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with _serving() as running:
        yield running


def _settings(folder: Path, target: str, *parts: bytes, **more: Any) -> Settings:
    shop = shop_of(folder, *(parts or (sales(1),)))
    places = {name: str(folder / name) for name in ("reports", "state")}
    places |= {"data": str(shop.data), "dimensions": str(shop.dimensions)}
    return load_settings({**places, "engine": "local", "jobs": 1, "openlineage": target, **more})


def test_a_run_is_told_from_its_plan_to_its_publication(tmp_path: Path, server: Server) -> None:
    refused = part([purchase(quantity=3), purchase("nobody"), purchase("no\nbody")])
    settings = _settings(
        tmp_path, server.url, refused, openlineage_parent=PARENT, openlineage_namespace="shop"
    )
    run_id = new_run(settings, None, quiet=True).run_id
    start, complete = server.told
    for event in server.told:
        check_event(event)
        assert event["run"]["runId"] == lineage_id(run_id)
        assert event["job"]["namespace"] == "shop"
        assert event["job"]["name"] == "sales_report"
        parent = event["run"]["facets"]["parent"]
        assert f"{parent['job']['namespace']}/{parent['job']['name']}" == "airflow/daily.sales"
        assert parent["run"]["runId"] == PARENT.rpartition("/")[2]
        assert event["producer"].startswith("urn:sales-pipeline:")
    assert server.events() == ["START", "COMPLETE"]
    assert server.asked == [("/api/v1/lineage", f"Bearer {KEY}")] * 2
    assert start["eventTime"] < complete["eventTime"]
    assert start["outputs"] == []
    archive, customers, products = complete["inputs"]
    [path] = tmp_path.rglob("week.zip")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (archive["namespace"], archive["name"]) == ("file", str(path))
    assert archive["facets"]["version"]["datasetVersion"] == f"sha256:{digest}"
    assert archive["inputFacets"]["inputStatistics"]["size"] == path.stat().st_size
    for table, name in ((customers, "customers"), (products, "products")):
        assert table["name"] == str(Path(settings.dimensions or "") / name)
        assert table["facets"]["version"]["datasetVersion"].startswith("sha256:")
    written = {Path(each["name"]).name: each for each in complete["outputs"]}
    assert written.keys() == {"sales_report.csv", "daily_sales.csv", "rejects.csv"}
    rows = {n: e["outputFacets"]["outputStatistics"]["rowCount"] for n, e in written.items()}
    assert rows == {"sales_report.csv": 1, "daily_sales.csv": 1, "rejects.csv": 2}
    columns = {
        name: {each["name"]: each["type"] for each in of["facets"]["schema"]["fields"]}
        for name, of in written.items()
    }
    assert columns["sales_report.csv"]["total_revenue"].startswith("decimal")
    assert columns["sales_report.csv"]["units_sold"] == "int64"
    assert columns["daily_sales.csv"]["date"] == "date32[day]"
    assert columns["rejects.csv"]["reason"] == "string"
    for each in written.values():
        assert each["facets"]["version"]["datasetVersion"] == run_id
        assert Path(each["name"]).is_file(), "where the newest stands"


def test_the_end_is_told_once_however_often_anybody_looks(tmp_path: Path, server: Server) -> None:
    settings = _settings(tmp_path, server.url)
    outcome = new_run(settings, None, quiet=True)
    ledger = RunLedger(open_state(settings.state), outcome.run_id)
    notify_of_outcome(ledger, settings.hooks())
    go_on(settings, ledger, quiet=True)
    assert server.events() == ["START", "COMPLETE"]


def test_a_run_that_is_refused_failed_and_completes_when_it_is_published(
    tmp_path: Path, server: Server
) -> None:
    settings = _settings(tmp_path, server.url, sales(1), b"[oops")
    refused = new_run(settings, None, quiet=True)
    ledger = RunLedger(open_state(settings.state), refused.run_id)
    pipeline.publish(settings.state, refused.run_id, allow_incomplete=True)
    notify_of_outcome(ledger, settings.hooks())
    assert server.events() == ["START", "FAIL", "COMPLETE"]
    said = server.told[1]["run"]["facets"]["errorMessage"]["message"]
    assert "could not be read" in said
    assert server.told[1]["outputs"] == []
    for each in server.told:
        check_event(each)


def test_a_run_taken_up_again_may_fail_again(tmp_path: Path, server: Server) -> None:
    settings = _settings(tmp_path, server.url)
    manifest = plan_local(shop_of(tmp_path / "other"), tmp_path)
    ledger = RunLedger(open_state(settings.state), manifest.run_id)
    for _ in range(2):
        pipeline.fail(settings.state, manifest.run_id, ConfigError("No room.", "Make some."))
        notify_of_outcome(ledger, settings.hooks())
        notify_of_outcome(ledger, settings.hooks())
        ledger.reopen()
    assert server.events() == ["FAIL", "FAIL"]


def test_the_time_on_the_schedule_is_the_nominal_time(tmp_path: Path, server: Server) -> None:
    settings = _settings(tmp_path, server.url, timezone="Europe/Berlin")
    manifest = plan_local(shop_of(tmp_path / "other"), tmp_path)
    ledger = RunLedger(open_state(settings.state), manifest.run_id)
    slots.note_run(ledger.state, "20240301T0300", manifest.run_id)
    tell_of_plan(settings, ledger, manifest)
    [told] = server.told
    check_event(told)
    due = told["run"]["facets"]["nominalTime"]["nominalStartTime"]
    assert datetime.fromisoformat(due) == datetime(2024, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("trouble", CAUSES)
def test_a_server_in_trouble_costs_no_run(
    tmp_path: Path,
    server: Server,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
    logged: pytest.LogCaptureFixture,
) -> None:
    target = server.url
    if trouble == "status":
        server.status = 403
    elif trouble == "silence":
        server.pause = 8.0
        monkeypatch.setattr(emit, "MOST_SECONDS", 4)
    else:
        target = f"http://{KEY}@127.0.0.1:1/"
    outcome = new_run(_settings(tmp_path, target), None, quiet=True)
    assert outcome.state == "published"
    assert logged.text.count("lineage_not_sent") == 2
    assert logged.text.count(f"'cause': '{CAUSES[trouble]}'") == 2
    assert KEY not in logged.text
    children = [each.cmdline() for each in psutil.Process().children(recursive=True)]
    assert not any("pipeline_core.lineage.send" in each for each in children)


def test_what_was_not_heard_is_tried_three_times(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emit, "_PAUSE", timedelta(0))
    server.status = 403
    settings = _settings(tmp_path, server.url)
    outcome = new_run(settings, None, quiet=True)
    ledger = RunLedger(open_state(settings.state), outcome.run_id)
    for _ in range(4):
        notify_of_outcome(ledger, settings.hooks())
    assert server.events().count("COMPLETE") == 3


def test_a_server_that_does_not_answer_in_time_is_said_in_words(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "_SECONDS", 0.2)
    server.pause = 0.5
    order = SendOrder(url=server.url, endpoint="", key="", path="", facts=None)
    with pytest.raises(requests.ConnectionError, match="Max retries exceeded") as raised:
        HttpTransport(send._http(order)).session.post(server.url, "{}", timeout=0.2)
    assert send._cause(raised.value) == "it does not answer within 0.2 s"


def test_doctor_asks_the_server_and_sends_nothing(tmp_path: Path, server: Server) -> None:
    server.status = 405
    found = check_lineage(_settings(tmp_path, server.url))
    assert (found.state, server.told) == ("ok", [])
    assert server.asked == [("/api/v1/lineage", f"Bearer {KEY}")]
    assert KEY not in found.found


@pytest.mark.parametrize("trouble", ["nobody", "late", "key"])
def test_doctor_names_a_server_in_trouble(tmp_path: Path, server: Server, trouble: str) -> None:
    target, said = server.url, "it answered 401"
    server.status = 401
    if trouble == "late":
        server.pause, said = 6.0, "it does not answer within 5 s"
    elif trouble == "nobody":
        target, said = f"http://{KEY}@127.0.0.1:1/", CAUSES["nobody"]
    with pytest.raises(RetryableError, match=f": {said}; OpenLineage events do not") as raised:
        check_lineage(_settings(tmp_path, target))
    assert KEY not in str(raised.value)
    assert server.told == []


def test_doctor_names_the_folder_of_events_that_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "lineage"
    settings = _settings(tmp_path, f"file://{folder}/events.jsonl")
    with pytest.raises(ConfigError, match=f"there is no folder {folder}"):
        check_lineage(settings)
    folder.mkdir()
    assert check_lineage(settings).state == "ok"
    assert list(folder.iterdir()) == []
    with pytest.raises(ConfigError, match="it is a folder"):
        check_lineage(_settings(tmp_path / "b", f"file://{folder}"))
    assert check_lineage(load_settings({})).state == "ok"


def test_a_file_gets_a_line_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    new_run(_settings(tmp_path, f"file://{path}"), None, quiet=True)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each["eventType"] for each in told] == ["START", "COMPLETE"]
    for each in told:
        check_event(each)


def _manifest(names: list[str], digest: str = "a") -> Manifest:
    archives = tuple(
        ArchiveRef(id=f"{n:05}", name=name, size=10, version="v", digest=digest if n == 0 else "b")
        for n, name in enumerate(names)
    )
    return Manifest(
        run_id="run-1",
        created_at=datetime.now(UTC),
        engine="local",
        data="s3://shop/feed",
        reports="s3://shop/reports",
        options=Options(),
        dimensions_digest="d",
        archives=archives,
    )


@pytest.mark.parametrize(
    ("names", "datasets"),
    [
        ([f"{n}.zip" for n in range(MOST_ARCHIVES)], MOST_ARCHIVES),
        ([f"{n}.zip" for n in range(10_000)], 1),
        ([f"{n % 3}/{n}.zip" for n in range(10_000)], 3),
        ([f"{n}/week.zip" for n in range(10_000)], 1),
    ],
    ids=["few", "in one folder", "in three", "in too many"],
)
def test_the_inputs_are_bounded(names: list[str], datasets: int) -> None:
    target = LineageTarget("x")
    *read, _, _ = inputs_of(_manifest(names), target, {})
    assert len(read) == datasets
    assert {each.namespace for each in read} == {"s3://shop"}
    assert all(each.name.startswith("feed") for each in read)
    assert sum(each.files or 1 for each in read) == len(names)
    *other, _, _ = inputs_of(_manifest(names, digest="other"), target, {})
    changed = [a for a, b in zip(read, other, strict=True) if a.version != b.version]
    assert len(changed) == 1, "where one archive changed"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ftp://very-secret@host/", "not an http:// or https:// URL"),
        (
            "https://very-secret@/",
            "there is no host in it; write https://key@host/, or file:[^;]*$",
        ),
        ("https://very-secret@a/#b", "what follows # is not sent; write # as %23[^;]*$"),
        ("file://host/very-secret", "it names no file"),
    ],
)
def test_what_is_no_target_is_a_wrong_setting(given: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"SALES_OPENLINEAGE: {said}") as raised:
        load_settings({"openlineage": given})
    assert KEY not in str(raised.value)


def test_without_the_client_the_setting_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pipeline_core.configuration import lineage_target

    monkeypatch.setattr(lineage_target, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="SALES_OPENLINEAGE: the OpenLineage client is not inst"):
        load_settings({"openlineage": "http://127.0.0.1:1/"})
    load_settings({})


def test_the_key_is_nowhere_to_be_seen(tmp_path: Path) -> None:
    settings = _settings(tmp_path, f"https://{KEY}@host:1/a/b?c=d")
    target = settings.lineage()
    assert target is not None
    assert KEY not in repr(settings) + repr(target) + repr(settings.hooks())
    assert (target.url, target.endpoint) == ("https://host:1", "a/b?c=d")
    assert (target.key, target.shown) == (KEY, "https://***@host:1/a/b?c=d")
