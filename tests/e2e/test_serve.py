"""``serve``: what is published and nothing else, to whoever asks in whatever way."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest
from jsonschema import Draft202012Validator

from console.stack import Stack
from tests.support import PROJECT
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.compose import compose_command, compose_environment
from tests.support.processes import environment, sales_pipeline
from tests.support.serving import SERVED_LINKS, Site, site

CATEGORY = "../<script>alert(1)</script>"
HOSTILE = "<img src=x onerror=alert(1)>.zip"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    day = day_zip({"p.json": part([purchase(product="p1"), purchase("ghost")])})
    products = [("p1", "Product", CATEGORY, "1.50")]
    archives = {HOSTILE: archive_zip({"events_2024-03-01.zip": day})}
    return write_shop(folder, archives, products=products)


@pytest.fixture(scope="module")
def env(stack: Stack, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shop with one published run, and files around it that are nobody's business."""
    folder = tmp_path_factory.mktemp("served")
    found = environment(stack, shop, folder, SALES_ENGINE="local", SALES_JOBS="1")
    assert sales_pipeline("run", "--quiet", env=found).returncode == 0
    (folder / "secret.txt").write_text("canary")
    reports = folder / "reports"
    (reports / "secret.txt").write_text("canary")
    run = (reports / "latest").resolve()
    (run / ".secret").write_text("canary")
    (run / "out.txt").symlink_to(folder / "secret.txt")
    (run / "out").symlink_to(folder)
    (reports / "runs" / ".half.tmp").mkdir()
    (reports / "runs" / ".half.tmp" / "index.html").write_text("canary")
    (reports / "runs" / "linked").symlink_to(folder)
    return found


@pytest.fixture(scope="module")
def served(env: dict[str, str]) -> Iterator[Site]:
    with site(env, "--flower-url", "http://flower.example:5555/?a=1&b=2") as running:
        yield running


def _latest(env: dict[str, str]) -> Path:
    return (Path(env["SALES_REPORTS"]) / "latest").resolve()


def test_the_newest_report_is_one_step_away(served: Site, env: dict[str, str]) -> None:
    for path in ("/", "/index.html", "/latest"):
        start = served.ask(path)
        assert (start.status, start.headers["location"]) == (302, "latest/")
    page = served.ask("/latest/")
    assert served.without_links(page.body) == (_latest(env) / "index.html").read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_pages_lead_to_the_live_page_and_to_flower(served: Site, env: dict[str, str]) -> None:
    run = _latest(env)
    category = next(run.glob("by_category/*.html")).name
    inside = ["latest/", "latest/index.html", f"latest/by_category/{quote(category)}"]
    for path in [*inside, *(each.replace("latest", f"runs/{run.name}") for each in inside)]:
        page = served.ask(f"/{path}")
        (links,) = SERVED_LINKS.findall(page.body.decode())
        assert links.index("The run under way") < links.index(">Flower<")
        live, flower = re.findall('href="([^"]+)"', links)
        assert urljoin(f"http://x/{path}", live) == "http://x/live"
        assert unescape(flower) == "http://flower.example:5555/?a=1&b=2"
        before = page.body.decode().partition(links)[0]
        assert "<header" not in before
        assert ('class="skip"' in before) == ("by_category" not in path)


def test_who_knows_no_flower_links_to_none(env: dict[str, str]) -> None:
    with site(env) as plain:
        (links,) = SERVED_LINKS.findall(plain.ask("/latest/").body.decode())
        etag = plain.ask("/latest/").headers["etag"]
        assert plain.ask("/latest/", **{"If-None-Match": etag}).status == 304
    assert "The run under way" in links
    assert "Flower" not in links
    with site(env, "--flower-url", "http://flower.example:5555/") as other:
        assert other.ask("/latest/", **{"If-None-Match": etag}).status == 200, "it is another page"


def test_every_file_of_a_run_is_served_as_what_it_is(served: Site, env: dict[str, str]) -> None:
    kinds = {
        ".csv": "text/csv; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".json": "application/json",
        ".parquet": "application/vnd.apache.parquet",
    }
    run = _latest(env)
    files = [p for p in run.rglob("*") if p.is_file() and not p.is_symlink() and p.name[0] != "."]
    assert {p.suffix for p in files} == set(kinds)
    for path in files:
        address = quote(str(path.relative_to(run)))
        for start in ("latest", f"runs/{run.name}"):
            answer = served.ask(f"/{start}/{address}")
            assert answer.status == 200
            assert served.without_links(answer.body) == path.read_bytes()
            assert answer.headers["content-type"] == kinds[path.suffix]
            assert answer.headers["content-length"] == str(len(answer.body))
            assert (len(answer.body) == path.stat().st_size) == (path.suffix != ".html")
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'")
            assert ("sandbox" in policy) == (path.suffix != ".html")
            assert "server" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/../secret.txt",
        "/runs/../secret.txt",
        "/runs/../../secret.txt",
        "/runs/%2e%2e/%2e%2e/secret.txt",
        "/latest/../secret.txt",
        "/latest/../../../secret.txt",
        "/latest/%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.txt",
        "/latest/..%5c..%5csecret.txt",
        "/latest/%252e%252e/secret.txt",
        "/latest//secret.txt",
        "/latest//etc/passwd",
        "//etc/passwd",
        "/latest/out.txt",
        "/latest/out/secret.txt",
        "/latest/.secret",
        "/runs/linked/secret.txt",
        "/runs/.half.tmp/index.html",
        "/runs/.half.tmp/",
        "/runs/",
        "/runs",
        "/latest/by_category",
        "/latest/by_category/",
        "/latest/index.html/",
        "/latest/index.html/x",
        "/latest/%00",
        "/latest/index.html%00.csv",
        "/latest/index.html%0d%0aX-Evil:1",
        "/runs/20240101T000000Z-000000/",
        "/runs/" + "a" * 3000,
        "/latest/" + "a/" * 2000,
        "/live/../secret.txt",
        "/live.html",
        "/page/live.html",
        "/api/",
        "/state/",
    ],
)
def test_nothing_else_can_be_reached(served: Site, path: str) -> None:
    answer = served.ask(path)
    assert answer.status == 404
    assert answer.body == b"Not Found.\n"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "x-evil" not in answer.headers
    assert served.ask("/latest/").status == 200, "it serves on"


def test_an_address_that_is_no_text_is_a_bad_request(served: Site) -> None:
    assert served.ask("/latest/%ff%fe").status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/live", "/api/progress", "/latest/index.html", "/nowhere"])
def test_nothing_can_be_sent(served: Site, method: str, path: str) -> None:
    answer = served.ask(path, method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/live", "/live.js", "/api/progress", "/latest/index.html", "/x"])
def test_head_is_get_without_the_body(served: Site, path: str) -> None:
    head, full = served.ask(path, "HEAD"), served.ask(path)
    assert (head.status, head.body) == (full.status, b"")
    own = {"date"} | ({"content-length"} if path == "/api/progress" else set())
    assert head.headers.items() - full.headers.items() <= {(n, head.headers[n]) for n in own}
    assert "content-length" in head.headers


def test_what_a_browser_has_is_not_sent_again(served: Site) -> None:
    first = served.ask("/latest/sales_report.csv")
    again = served.ask("/latest/sales_report.csv", **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    other = served.ask("/latest/sales_report.csv", **{"If-None-Match": '"other"'})
    assert other.body == first.body


def test_a_foreign_name_for_this_machine_is_refused(served: Site) -> None:
    """A web page of elsewhere may point its own name here, and would read everything."""
    for path in ("/live", "/latest/", "/api/progress"):
        assert served.ask(path, Host="evil.example").status == 403
        assert served.ask(path, Host=f"localhost:{served.port}").status == 200


def test_the_live_page_holds_names_as_text(served: Site) -> None:
    page = served.ask("/live")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 's")
    text = page.body.decode()
    assert 'href="http://flower.example:5555/?a=1&amp;b=2"' in text
    assert "style=" not in text
    assert "<script>" not in text
    script = served.ask("/live.js").body.decode()
    assert "innerHTML" not in script
    assert "textContent" in script


def test_progress_is_as_documented(served: Site, env: dict[str, str]) -> None:
    seen = served.progress()
    described = json.loads((PROJECT / "docs/reference/progress.schema.json").read_text())
    Draft202012Validator(described).validate(seen)
    assert (seen["phase"], seen["status"], seen["run_id"]) == (
        "published",
        "complete",
        _latest(env).name,
    )
    assert served.states() == {HOSTILE: "done"}


def test_archives_come_by_the_page_as_documented(served: Site, env: dict[str, str]) -> None:
    described = json.loads((PROJECT / "docs/reference/archives.schema.json").read_text())
    page = json.loads(served.ask("/api/archives").body)
    Draft202012Validator(described).validate(page)
    assert (page["run_id"], page["first"], page["total"]) == (_latest(env).name, 0, 1)
    assert [each["name"] for each in page["archives"]] == [HOSTILE]
    assert json.loads(served.ask("/api/archives?first=1").body)["archives"] == []
    assert served.ask("/api/archives?first=-1").status == 400
    assert served.ask(f"/api/archives?first={'9' * 10}").status == 400


def test_progress_is_packed_for_who_takes_that(served: Site) -> None:
    packed = served.ask("/api/progress", **{"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body))["phase"] == "published"
    plain = served.ask("/api/progress")
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"


def test_slow_and_rude_clients_hold_up_nobody(served: Site) -> None:
    rude: list[socket.socket] = []
    for opening in (b"", b"GET /live HTTP/1.1\r\nHost: loc", b"\x16\x03\x01\x02\x00", b"G" * 9000):
        for _ in range(50):
            client = socket.create_connection(("127.0.0.1", served.port))
            client.sendall(opening)
            rude.append(client)
    assert served.ask("/latest/").status == 200
    for client in rude:
        client.close()
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n")
        assert not client.recv(65_536).startswith(b"HTTP/1.1 2")
    assert served.ask("/live").status == 200


def test_a_large_file_is_streamed(served: Site, env: dict[str, str]) -> None:
    """300 MB to a client that takes its time, by a server that never holds them."""
    import psutil

    size = 300_000_000
    with (_latest(env) / "by_category" / "large.csv").open("wb") as file:
        file.truncate(size)
    process = psutil.Process(served.process.pid)
    before = process.memory_info().rss
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as client:
        client.sendall(b"GET /latest/by_category/large.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        assert served.ask("/live").status == 200, "others are served meanwhile"
        taken = 0
        while taken < size * 0.9:
            block = client.recv(1 << 20)
            assert block
            taken += len(block)
        assert process.memory_info().rss - before < 60_000_000
    assert served.ask("/latest/").status == 200


def test_nothing_is_written(env: dict[str, str]) -> None:
    folders = [Path(env[name]) for name in ("SALES_REPORTS", "SALES_STATE")]
    damaged = folders[1] / "runs" / _latest(env).name / "outcome.json"
    kept = damaged.read_bytes()
    damaged.write_bytes(kept[:10])  # those who work on runs would remove both
    torn = folders[1] / "leases" / "99999999.json"
    torn.write_bytes(b"{")
    before = {p: p.lstat().st_mtime_ns for folder in folders for p in folder.rglob("*")}
    with site(env) as running:
        for path in ("/", "/live", "/api/progress", "/latest/", "/runs/nope/"):
            running.ask(path)
    assert {p: p.lstat().st_mtime_ns for folder in folders for p in folder.rglob("*")} == before
    damaged.write_bytes(kept)
    torn.unlink()


def test_before_the_first_run(env: dict[str, str], tmp_path: Path) -> None:
    places = {"SALES_REPORTS": str(tmp_path / "none"), "SALES_STATE": str(tmp_path / "no-state")}
    with site(env | places) as running:
        assert running.ask("/").headers["location"] == "live"
        assert b"Nothing is published yet." in running.ask("/live").body
        for path in ("/latest/", "/latest/sales_report.csv"):
            none = running.ask(path)
            assert none.status == 404
            assert none.body == b"No report is published yet; /live says what is under way.\n"
        missing = running.ask("/api/progress")
        nothing = {"error": "There is no run yet.", "next_run_at": None, "missed_run_at": None}
        assert (missing.status, json.loads(missing.body)) == (404, nothing)
        assert running.ask("/healthz").body == b"ok\n"
    assert list(tmp_path.iterdir()) == []


def test_a_latest_of_somebody_elses_leads_nowhere(env: dict[str, str], tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    for folder in (reports / "private", tmp_path / "outside"):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("canary")
    with site(env | {"SALES_REPORTS": str(reports)}) as running:
        for target in ("private", "../outside", str(tmp_path / "outside"), "runs", "."):
            (reports / "latest").unlink(missing_ok=True)
            (reports / "latest").symlink_to(target)
            for path in ("/latest/", "/latest/index.html"):
                refused = running.ask(path)
                assert (refused.status, b"canary" in refused.body) == (404, False), target


def test_from_an_object_store(shop: Shop, env: dict[str, str], s3: str) -> None:
    """Reports are found by the pointer, not in the copy that may be mixed for a moment."""
    places = {n: v for n, v in os.environ.items() if n.startswith("AWS_")}
    places |= {"SALES_REPORTS": f"{s3}/reports", "SALES_STATE": f"{s3}/state"}
    remote = env | places
    assert sales_pipeline("run", "--quiet", env=remote).returncode == 0
    with site(remote) as running:
        start = running.ask("/")
        assert (start.status, start.headers["location"]) == (302, "latest/")
        page = running.ask("/latest/")
        assert b"<html" in page.body
        csv = running.ask("/latest/sales_report.csv")
        assert csv.body == (_latest(env) / "sales_report.csv").read_bytes()
        [run_id] = [line["run_id"] for line in _runs(remote)]
        assert running.ask(f"/runs/{run_id}/summary.json").status == 200
        for path in ("/runs/../state/", "/latest/../../state/x", "/latest.json", "/runs/x/", "/x"):
            assert running.ask(path).status == 404
        assert running.progress()["phase"] == "published"
        assert running.states() == {HOSTILE: "done"}


def _runs(env: dict[str, str]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(sales_pipeline("runs", "--json", env=env).stdout)
    return found


def test_as_the_compose_service_does(env: dict[str, str]) -> None:
    """By its own variables, but for the places: it needs neither database nor broker."""
    assert compose_command("web") == ["sales-pipeline", "serve"]
    composed = compose_environment("web")
    places = {name: env[name] for name in ("SALES_REPORTS", "SALES_STATE")}
    bare = {n: v for n, v in env.items() if not n.startswith("SALES_")}
    with site(bare | composed | places) as running:
        for host in ("localhost:8080", "127.0.0.1:8080", "192.0.2.7"):
            assert running.ask("/latest/", Host=host).status == 200
        assert running.ask("/latest/", Host="reports.example").status == 403
        assert b'href="http://localhost:5555"' in running.ask("/live").body
        assert running.ask("/healthz").status == 200
        assert running.progress()["phase"] == "published"


def test_a_storage_that_is_away_is_a_503(env: dict[str, str], tmp_path: Path) -> None:
    away = {
        "SALES_REPORTS": "s3://bucket/reports",
        "SALES_STATE": "s3://bucket/state",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "canary-id",
        "AWS_SECRET_ACCESS_KEY": "canary",
        "AWS_REGION": "us-east-1",
    }
    with site(env | away) as running:
        answer = running.ask("/api/progress")
        assert answer.status == 503
        assert b"canary" not in answer.body
        assert running.ask("/healthz").status == 200


@pytest.mark.parametrize("arguments", [["--port", "99999"], ["--host", "256.1.1.1"]])
def test_an_address_that_cannot_be_had_exits_2(env: dict[str, str], arguments: list[str]) -> None:
    done = sales_pipeline("serve", *arguments, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_port_that_is_taken_is_told(served: Site, env: dict[str, str]) -> None:
    done = sales_pipeline("serve", "--port", str(served.port), env=env)
    assert done.returncode == 2
    assert f"Cannot listen on port {served.port} of 127.0.0.1" in done.stderr
    assert "--port" in done.stderr
