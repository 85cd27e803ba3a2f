"""Files of ``serve``, whole and in parts, and addresses that no file can have; from a folder and
from an object store."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from pipeline_core.storage import Storage, open_storage
from tests.support.gateway import gateway
from tests.support.published import RUN, publish, summary
from tests.support.s3 import put, s3_environment, use_endpoint
from tests.support.serving import Answer, Site, site

LARGE = 24 << 20
CONTENT = b"".join(b"%07d" % number for number in range(100_000)) + b"."
FILES = {
    "index.html": b"<html></html>",
    "daily_sales.csv": CONTENT,
    "rejects.csv": b"",
    "summary.json": summary(RUN, "segments"),
    "segments.csv": b"by a plug-in\n",
    "by_category/large.csv": bytes(LARGE),
    "by_category/Toys.csv": b"a\n",
    "by_category/" + "é" * 125 + ".csv": b"long\n",
}
# In the folder of a published run, which no run put there.
FOREIGN = ("index.html.bak", "foo.csv", "rejects", "notes/index.html", "by_category/Toys.csv~")
NO_RUNS = {
    "notpub": b"",  # has no summary
    "20240305T000000Z-00000000": summary(RUN),  # has that of another run
    "20240306T000000Z-00000000": b"{",
    "20240307T000000Z-00000000": b"[]",
    "20240308T000000Z-00000000": b"\xff",
}


def _environment(places: dict[str, str]) -> dict[str, str]:
    return {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "AWS_"))} | places


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def _put_strangers(reports: Storage) -> None:
    for name in FOREIGN:
        reports.write(f"runs/{RUN}/{name}", b"canary")
    for run_id, said in NO_RUNS.items():
        reports.write(f"runs/{run_id}/daily_sales.csv", b"canary")
        reports.write(f"runs/{run_id}/index.html", b"canary")
        if said:
            reports.write(f"runs/{run_id}/summary.json", said)


@pytest.fixture(scope="module")
def local(folder: Path) -> Iterator[Site]:
    reports = folder / "reports"
    publish(str(reports), FILES)
    run = reports / "runs" / RUN
    _put_strangers(open_storage(str(reports)))
    (run / "sales_report.csv").symlink_to("sales_report.csv")
    (run / "by_category" / "nowhere.csv").symlink_to("gone.csv")
    places = {"SALES_REPORTS": str(reports), "SALES_STATE": str(folder / "state")}
    with site(_environment(places)) as running:
        yield running


@pytest.fixture(scope="module")
def stored(s3_endpoint: str) -> Iterator[Site]:
    put(s3_endpoint, "/bucket")
    places = {"SALES_REPORTS": "s3://bucket/some/prefix", "SALES_STATE": "s3://bucket/state"}
    with gateway(s3_endpoint, "refuses long keys") as store:
        places |= s3_environment(store.endpoint)
        with pytest.MonkeyPatch.context() as patch:
            use_endpoint(patch, store.endpoint)
            _put_strangers(publish(places["SALES_REPORTS"], FILES))
        with site(_environment(places)) as running:
            yield running


@pytest.fixture(params=["local", "stored"])
def served(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def _part(
    served: Site, asked: str, path: str = "/latest/daily_sales.csv", **headers: str
) -> Answer:
    return served.ask(path, Range=asked, **headers)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=300000-600000", 300_000, 600_001),
        ("bytes=700000-", 700_000, 700_001),
        ("bytes=699990-99999999", 699_990, 700_001),
        ("bytes=-5", 699_996, 700_001),
        ("bytes=-99999999", 0, 700_001),
        ("Bytes=10-19", 10, 20),
    ],
)
def test_a_part_is_sent(served: Site, asked: str, begin: int, end: int) -> None:
    answer = _part(served, asked)
    assert answer.status == 206
    assert answer.body == CONTENT[begin:end]
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(end - begin)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("asked", ["bytes=700001-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_part_that_is_not_there_is_told(served: Site, asked: str) -> None:
    answer = _part(served, asked)
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert str(len(CONTENT)).encode() in answer.body
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=9-5",
        "bytes=-",
        "bytes=x-9",
        "bytes=1-2-3",
        "bytes=٣-٤".encode().decode("latin-1"),
        "bytes=" + "9" * 5000 + "-",
        "lines=0-5",
        "",
    ],
)
def test_what_is_no_part_is_answered_with_the_whole(served: Site, asked: str) -> None:
    answer = _part(served, asked)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-range" not in answer.headers


def test_an_empty_file_is_whole(served: Site) -> None:
    for asked in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        answer = _part(served, asked, "/latest/rejects.csv")
        assert (answer.status, answer.body) == (200, b"")


def test_what_a_client_has_is_not_sent_again(served: Site) -> None:
    etag = served.ask("/latest/daily_sales.csv", "HEAD").headers["etag"]
    for method in ("GET", "HEAD"):
        for known in (etag, f"W/{etag}", f'"a", {etag}', f'W/"a",W/{etag} , "b"', "*"):
            answer = served.ask("/latest/daily_sales.csv", method, **{"If-None-Match": known})
            assert (answer.status, answer.body) == (304, b""), known
            assert answer.headers["etag"] == etag
        for other in ('"other"', f'W/"{etag[1:3]}"', etag[1:-1], ""):
            answer = served.ask("/latest/daily_sales.csv", method, **{"If-None-Match": other})
            assert answer.status == 200, other
    assert served.ask("/latest/by_category/none.csv", **{"If-None-Match": "*"}).status == 404


@pytest.mark.parametrize("scheme", ["http", "HTTP", "https"])
def test_a_target_may_be_a_whole_url(served: Site, scheme: str) -> None:
    """As who asks by way of a proxy sends it; its host counts, and not that of the header."""
    start = f"{scheme}://127.0.0.1:{served.port}"
    assert served.ask(f"{start}/healthz").body == b"ok\n"
    assert served.ask(f"{start}/latest/daily_sales.csv?a=1").body == CONTENT
    for bare in (start, f"{start}/", f"{start}?a=1"):
        assert served.ask(bare).headers["location"] == "latest/"
    assert served.ask(f"{start}/../x").status == 404
    assert served.ask(f"{scheme}://localhost/healthz", Host="evil.example").status == 200
    for foreign in ("evil.example", "127.0.0.1.evil.example", "", "127.0.0.1%20"):
        refused = served.ask(f"{scheme}://{foreign}/healthz", Host="localhost")
        assert refused.status in {400, 403, 404}, foreign
    for user in ("localhost@evil.example", "evil.example@localhost"):
        assert served.ask(f"{scheme}://{user}/healthz", Host="localhost").status == 404


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET /latest/{'a' * 20_000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /healthz?{'a' * 60_000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nCookie: {'a' * 60_000}\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 12_000 + "\r\n",
        "GET /" + "a" * 60_000,
    ],
)
def test_who_asks_with_too_much_is_told(served: Site, request_text: str) -> None:
    before = served.log()
    with served.connect() as client:
        client.sendall(request_text.encode())
        answer = b""
        while more := client.recv(65_536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.endswith(b"Address and headers may have 16,384 bytes.\n")
    assert served.log() == before


def test_a_part_of_another_version_is_not_sent(served: Site) -> None:
    etag = served.ask("/latest/daily_sales.csv", "HEAD").headers["etag"]
    assert _part(served, "bytes=0-9", **{"If-Range": etag}).status == 206
    for other in ('"other"', f"W/{etag}", "Mon, 04 Mar 2024 00:00:00 GMT"):
        answer = _part(served, "bytes=0-9", **{"If-Range": other})
        assert (answer.status, answer.body) == (200, CONTENT)
    assert _part(served, "bytes=0-9", **{"If-None-Match": etag}).status == 304


def test_head_is_of_the_whole(served: Site) -> None:
    """Parts are defined for GET alone (RFC 9110, 14.2)."""
    for asked in ("bytes=0-9", "bytes=700001-"):
        answer = served.ask("/latest/daily_sales.csv", "HEAD", Range=asked)
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-length"] == str(len(CONTENT))


def test_pages_have_no_parts(served: Site) -> None:
    answer = _part(served, "bytes=0-3", "/live")
    assert answer.status == 200
    assert "content-range" not in answer.headers


def test_a_large_part_is_streamed(served: Site) -> None:
    """By a server that holds little of it, also for many at a time."""
    served.ask("/latest/daily_sales.csv")
    process = psutil.Process(served.process.pid)
    before = process.memory_info().rss
    waiting = []
    for _ in range(6):
        client = served.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(
            b"GET /latest/by_category/large.csv HTTP/1.1\r\nHost: localhost\r\n"
            b"Range: bytes=9-\r\n\r\n"
        )
        assert client.recv(12) == b"HTTP/1.1 206"
        waiting.append(client)
    assert len(_part(served, "bytes=1000-", "/latest/by_category/large.csv").body) == LARGE - 1000
    assert process.memory_info().rss - before < LARGE
    for client in waiting:
        client.close()


def test_a_client_goes_on_where_it_stopped(served: Site) -> None:
    """On one connection, part by part."""
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=20)) as connection:
        taken = b""
        while len(taken) < len(CONTENT):
            connection.request(
                "GET", "/latest/daily_sales.csv", headers={"Range": f"bytes={len(taken)}-"}
            )
            answer = connection.getresponse()
            assert answer.status == 206
            taken += answer.read()[:250_000]
    assert taken == CONTENT


@pytest.mark.parametrize(
    "path",
    [
        f"/latest/{'a' * 300}.csv",
        f"/latest/by_category/{'a' * 300}.csv",
        f"/latest/by_category/{quote('é' * 200)}.csv",
        f"/latest/by_category/{'a/' * 520}x.csv",
        f"/runs/{'a' * 300}/x.csv",
        f"/latest/{quote('é' * 200)}.csv",
        f"/latest/{quote('é' * 600)}.csv",
        f"/latest/{'a/' * 520}x.csv",
        f"/runs/{RUN}/{'b' * 255}/{'c' * 255}/{'d' * 255}/{'e' * 255}",
        f"/runs/{RUN}/{'b' * 255}/{'c' * 255}/{'d' * 255}/{'e' * 217}",  # with the store's prefix
        f"/latest/{'%41' * 5000}",
        f"/latest/{'%2e%2f' * 2000}x.csv",
        "/latest/daily_sales.csv%00",
        "/latest/%00/x.csv",
        "/latest/by_category/x.csv%00.csv",
        "/latest/by_category/.csv",
        "/latest/by_category/..csv",
        f"/runs/{RUN}%00/x.csv",
        "/latest/by_category",
        "/latest/by_category/",
        "/latest/by_category/../index.html",
        "/latest/by_category//index.html",
        "/latest/daily_sales.csv/",
        "/latest/daily_sales.csv/y.csv",
        "/latest/daily_sales.csv%ef%bf%bf",
        "/latest/%zz",
        "/latest/daily_sales.csv%3Fa=1",
        "/latest/sales_report.csv",
        "/latest/sales_report.csv/x",
        "/latest/by_category/nowhere.csv",
    ],
)
def test_no_file_can_be_there(served: Site, path: str) -> None:
    before = served.log()
    answer = served.ask(path)
    assert (answer.status, answer.body) == (404, b"Not Found.\n")
    assert served.log() == before, "nothing is amiss"


@pytest.mark.parametrize(
    "path",
    [
        "/latest/%ff%fe",
        "/latest/daily_sales.csv%ed%a0%80",
        "/latest/%c0%ae",
        f"/latest/daily_sales.csv?{'a=1&' * 3_000}",
    ],
)
def test_what_is_no_text_or_no_end_of_fields_is_a_bad_request(served: Site, path: str) -> None:
    before = served.log()
    assert served.ask(path).status == 400
    assert served.log() == before


@pytest.mark.parametrize(
    "query", ["a" * 15_000, "a=1&" * 900, "%ff=%00&" * 900, "a=%zz;b", "%", "../x.csv%00"]
)
def test_a_query_counts_for_nothing(served: Site, query: str) -> None:
    before = served.log()
    answer = served.ask(f"/latest/daily_sales.csv?{query}")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert served.log() == before


def test_a_file_that_no_run_published_is_not_there(served: Site) -> None:
    for name in FOREIGN:
        for start in ("latest", f"runs/{RUN}"):
            assert served.ask(f"/{start}/{name}").status == 404, name
    for run_id in NO_RUNS:
        for name in ("", "index.html", "daily_sales.csv", "summary.json"):
            assert served.ask(f"/runs/{run_id}/{name}").status == 404, (run_id, name)
    listed = served.ask("/live").body.decode()
    assert RUN in listed
    assert not [run_id for run_id in NO_RUNS if run_id in listed]


def test_what_a_plug_in_added_to_the_run_is_served(served: Site) -> None:
    for start in ("latest", f"runs/{RUN}"):
        assert served.ask(f"/{start}/segments.csv").body == b"by a plug-in\n"


def test_a_name_as_long_as_a_file_system_takes_is_served(served: Site) -> None:
    path = f"/latest/by_category/{quote('é' * 125)}.csv"
    assert served.ask(path).body == b"long\n"


def test_what_is_no_request_leaves_no_line(served: Site) -> None:
    before = served.log()
    for opening in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /latest/" + b"a" * 40_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
        b"Content-Type: multipart/form-data\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n\xff%f",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://localhost/latest/daily_sales.csv HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nCookie: \xff\xfe=;;=\r\n\r\n",
    ):
        with served.connect() as client:
            client.sendall(opening)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65_536):
                pass
    assert served.ask("/latest/").status == 200
    assert served.log() == before
