"""``serve`` with more connections than it may have, and with clients that never go."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tornado.netutil import bind_sockets

from console.serving import handlers
from console.serving.connection_limit import ConnectionLimit
from console.serving.connections import BoundedServer
from console.serving.handlers import Served
from console.serving.log_limit import LogLimit
from console.serving.metrics import MetricsCache
from console.serving.outlook import Outlook
from console.serving.progress_cache import ProgressCache
from console.serving.runs import PublishedRuns
from console.serving.served_hosts import hosts_of
from console.serving.server import application
from pipeline_core.storage import open_storage
from tests.support.processes import eventually
from tests.support.published import RUN, publish
from tests.support.serving import Site, site

OPEN_FILES = 64
FULL, AGAIN = "accepts_no_more_for_now", "accepts_again"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
FILE_REQUEST = b"GET /latest/rejects.csv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    publish(
        str(tmp_path / "reports"), {"index.html": b"<html></html>", "rejects.csv": b"a\n" * 200_000}
    )
    places = {"SALES_REPORTS": str(tmp_path / "reports"), "SALES_STATE": str(tmp_path / "state")}
    return {n: v for n, v in os.environ.items() if not n.startswith("SALES_")} | places


@pytest.fixture
def few(env: dict[str, str]) -> Iterator[Site]:
    """A server that may have few files open."""
    with site(env, open_files=OPEN_FILES) as running:
        yield running


def _idles(running: Site) -> bool:
    """Whether it uses less than a tenth of a processor, in half a second."""
    process = psutil.Process(running.process.pid)
    before = process.cpu_times()
    time.sleep(0.5)
    after = process.cpu_times()
    return (after.user + after.system) - (before.user + before.system) < 0.05


def test_more_connections_than_descriptors(few: Site) -> None:
    with ExitStack() as crowd:
        for _ in range(2 * OPEN_FILES):
            crowd.enter_context(few.connect())
        eventually(lambda: FULL in few.log(), FULL)
        assert _idles(few)
        assert few.process.poll() is None
    assert few.ask("/latest/").status == 200
    eventually(lambda: AGAIN in few.log(), AGAIN)
    assert (few.log().count(FULL), few.log().count(AGAIN)) == (1, 1)
    assert "ulimit -n" in few.log()
    assert len(few.log()) < 2_000


def test_each_of_those_who_have_a_place_gets_its_file(env: dict[str, str]) -> None:
    """Though all of them take their time, and each file stays open as long."""
    large = Path(env["SALES_REPORTS"]) / "runs" / RUN / "daily_sales.csv"
    with large.open("wb") as file:
        file.truncate(64 << 20)
    with site(env, open_files=128) as running, ExitStack() as crowd:
        clients = [crowd.enter_context(running.connect()) for _ in range(128)]
        for client in clients:
            client.sendall(b"GET /latest/daily_sales.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: FULL in running.log(), FULL)
        for client in clients:  # in turn, as those before them go
            assert client.recv(12) == b"HTTP/1.1 200"
            client.close()
        assert "cannot_serve" not in running.log()


def test_who_waits_has_a_turn_though_others_keep_their_connections(few: Site) -> None:
    """As pages that ask every two seconds do."""
    with ExitStack() as crowd:
        pages = [crowd.enter_context(few.connect()) for _ in range(OPEN_FILES)]
        eventually(lambda: FULL in few.log(), FULL)
        for page in pages:
            page.sendall(REQUEST)
        for page in pages:
            assert page.recv(12) == b"HTTP/1.1 200"


def test_descriptors_that_run_out_are_told_once_and_waited_for(few: Site) -> None:
    """Whatever has taken them: here they are taken by the limit."""
    pid = few.process.pid
    assert few.ask("/latest/").status == 200
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, OPEN_FILES))
    with few.connect() as client:
        client.sendall(REQUEST)
        eventually(lambda: FULL in few.log(), FULL)
        assert _idles(few)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert client.recv(12) == b"HTTP/1.1 200"
    eventually(lambda: AGAIN in few.log(), AGAIN)
    assert (few.log().count(FULL), few.log().count(AGAIN)) == (1, 1)


@asynccontextmanager
async def _bounded(reports: str, most: int, idle_seconds: float) -> AsyncIterator[int]:
    """The port of a server in this process."""
    with ThreadPoolExecutor(2) as threads:
        storage = open_storage(reports)
        progress = ProgressCache(storage, threads, lambda _: Outlook(None, None))
        served = Served(
            reports=storage,
            runs=PublishedRuns(storage),
            progress_cache=progress,
            metrics_cache=MetricsCache(storage, progress, threads),
            threads=threads,
            flower_url=None,
            hosts=hosts_of("127.0.0.1", None),
            log_limit=LogLimit(),
            seats=ConnectionLimit(most),
        )
        server = BoundedServer(
            application(served), seats=served.seats, idle_connection_timeout=idle_seconds
        )
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        yield sockets[0].getsockname()[1]
        await server.end()


async def _answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    found = await reader.readexactly(12)
    writer.close()
    await writer.wait_closed()
    return found


async def _ask_without_end(client: socket.socket, path: str) -> None:
    asking = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 1_000
    while True:
        await asyncio.get_running_loop().sock_sendall(client, asking)


@pytest.mark.parametrize("opening", [b"", b"GET /live HTTP/1.1\r\nHost: loc", REQUEST])
def test_who_says_no_more_loses_the_place(env: dict[str, str], opening: bytes) -> None:
    async def look() -> None:
        async with _bounded(env["SALES_REPORTS"], most=2, idle_seconds=0.3) as port:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            for _, writer in silent:
                writer.write(opening)
            assert await asyncio.wait_for(_answer(port), 20) == b"HTTP/1.1 200"
            for _, writer in silent:
                writer.close()

    asyncio.run(look())


def test_who_takes_no_answer_loses_the_place(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file or of pages: it asks again and again and reads nothing."""
    monkeypatch.setattr(handlers.Handler, "PATIENCE_SECONDS", 0.3)

    async def look(path: str) -> None:
        async with _bounded(env["SALES_REPORTS"], most=2, idle_seconds=60) as port:
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            with deaf:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(deaf, ("127.0.0.1", port))
                with pytest.raises(ConnectionError):
                    await asyncio.wait_for(_ask_without_end(deaf, path), 20)
            assert await asyncio.wait_for(_answer(port), 20) == b"HTTP/1.1 200"

    for path in ("/latest/rejects.csv", "/live.js"):
        asyncio.run(look(path))


def test_downloads_that_are_broken_off_leave_nothing_behind(env: dict[str, str]) -> None:
    """Each held a piece of the file, of a quarter of a MiB, until a late collection."""
    with site(env) as running:
        assert running.ask("/latest/rejects.csv").status == 200
        process = psutil.Process(running.process.pid)
        before = peak = process.memory_info().rss
        for number in range(400):
            with running.connect() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sendall(FILE_REQUEST)
                client.recv(12)
            if number % 20 == 0:
                peak = max(peak, process.memory_info().rss)
        assert running.ask("/latest/rejects.csv").status == 200
    assert peak - before < 40 << 20


def test_files_of_clients_that_are_gone_count(few: Site) -> None:
    """Who says no more is gone, for the server; its file may still be about to be opened."""
    clients = []
    for _ in range(400):
        client = few.connect()
        client.sendall(FILE_REQUEST)
        client.shutdown(socket.SHUT_WR)
        clients.append(client)
    for client in clients:
        while client.recv(65_536):
            pass
        client.close()
    assert few.ask("/latest/rejects.csv").status == 200
    assert "Too many open files" not in few.log()
    assert "cannot_serve" not in few.log()
