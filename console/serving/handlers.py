"""Answers to requests. GET and HEAD only; nothing that comes in is kept or written."""

from __future__ import annotations

import asyncio
from asyncio import Future
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError, RequestHandler

from console.serving.connection_limit import ConnectionLimit
from console.serving.log_limit import LogLimit
from console.serving.metrics import CONTENT_TYPE, MetricsCache
from console.serving.progress_cache import ProgressCache, Seen
from console.serving.runs import PublishedRuns
from console.serving.served_hosts import ServedHosts
from console.serving.targets import asked_host
from pipeline_core.configuration.places import LATEST
from pipeline_core.errors import PipelineError
from pipeline_core.logs import get_logger
from pipeline_core.page import common_style
from pipeline_core.storage import Storage

log = get_logger()

_PAGE = Path(__file__).parent / "page"
_RUNS_SHOWN = 30
# Of what a client sent, in the log.
_SHOWN = 200
# Digits of an archive's number.
_LONGEST_NUMBER = 9
_NAMES = "SALES_SERVE_NAMES lists the names that it answers to besides localhost."
CLOSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_OURS = f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; {CLOSED}"
NOTHING_ALLOWED = f"default-src 'none'; sandbox; {CLOSED}"


@dataclass(frozen=True)
class Served:
    """What the handlers share."""

    reports: Storage
    runs: PublishedRuns
    progress_cache: ProgressCache
    metrics_cache: MetricsCache
    # Where calls of a storage wait.
    threads: Executor
    flower_url: str | None
    # The hosts that a browser may ask for.
    hosts: ServedHosts
    log_limit: LogLimit
    seats: ConnectionLimit


class Handler(RequestHandler):
    """What every answer has in common."""

    # A client that takes no chunk for so long is gone.
    PATIENCE_SECONDS = 60.0

    def initialize(self, served: Served) -> None:
        self.served = served

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", NOTHING_ALLOWED)
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        host = asked_host(self.request)
        if not self.served.hosts.answers_to(host):
            unsaid = self.served.log_limit.admit("name")
            if unsaid is not None:
                log.warning("name_refused", name=host[:_SHOWN], unsaid=unsaid, remedy=_NAMES)
            raise HTTPError(403, reason="This name is not served here")

    async def head(self, *arguments: str) -> None:
        await self.get(*arguments)

    async def get(self, *arguments: str) -> None:
        with self.served.seats.kept(self.stream):
            await self.answer(*arguments)

    async def answer(self, *_: str) -> None:
        """To GET and HEAD; here of an address that nothing is at."""
        raise HTTPError(404)

    @property
    def stream(self) -> IOStream:
        """The connection that was asked on."""
        found: IOStream = self.request.connection.stream  # type: ignore[union-attr]
        return found

    def compute_etag(self) -> None:
        """Files have one by their version; the rest is small."""

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Sends what is left. Who does not take it in time is gone."""
        sent = super().finish(chunk)
        if not sent.done():
            late = asyncio.get_running_loop().call_later(self.PATIENCE_SECONDS, self.hang_up)
            sent.add_done_callback(lambda _: late.cancel())
        return sent

    def hang_up(self) -> None:
        """Ends the connection: what was promised cannot be sent, or nobody takes it."""
        self.stream.close()

    def write_error(self, status_code: int, **options: Any) -> None:  # noqa: ARG002
        error = options.get("exc_info", (None, None))[1]
        told = self._reason
        if isinstance(error, PipelineError):
            self.set_status(503)
            self.set_header("Retry-After", "5")
            told = "The storage does not answer; the server's log says more"
            self.log_failure(error)
        if self.get_status() == HTTPStatus.FORBIDDEN:
            told = f"{told}. {_NAMES}".removesuffix(".")
        if self.get_status() == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", "GET, HEAD")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{told}.\n")

    def log_failure(self, error: PipelineError) -> None:
        """Says what the storage said, unless somebody was just told."""
        unsaid = self.served.log_limit.admit("failure")
        if unsaid is not None:
            path = self.request.path[:_SHOWN]
            log.warning("cannot_serve", path=path, cause=error.message, unsaid=unsaid)

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        if not isinstance(error, HTTPError | PipelineError | StreamClosedError | TimeoutError):
            super().log_exception(kind, error, trace)

    async def aside(self, call: Any, *arguments: Any) -> Any:
        """The result of a call that may wait for a storage; other requests go on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.served.threads, partial(call, *arguments))


class Start(Handler):
    """The newest report; the live page as long as there is none."""

    async def answer(self, *_: str) -> None:
        latest = await self.aside(self.served.reports.pointed, LATEST)
        self.redirect("latest/" if latest else "live")


class Live(Handler):
    """The page of the run under way."""

    async def answer(self, *_: str) -> None:
        reports = self.served.reports
        latest = await self.aside(reports.pointed, LATEST)
        runs = await self.aside(self.served.runs.newest, _RUNS_SHOWN)
        self.set_header("Content-Security-Policy", _OURS)
        page = _template().render(
            latest=latest is not None, runs=runs, flower_url=self.served.flower_url
        )
        self.finish(page)


class Asset(Handler):
    """Style and script of the live page."""

    async def answer(self, *names: str) -> None:
        is_style = names[0] == "live.css"
        self.set_header("Content-Type", f"text/{'css' if is_style else 'javascript'}")
        text = _text(names[0])
        self.finish(common_style() + text if is_style else text)


class ProgressJson(Handler):
    """The newest run, as in docs/reference/progress.schema.json."""

    async def answer(self, *_: str) -> None:
        self.finish_seen(await self.served.progress_cache.newest())

    def finish_seen(self, seen: Seen) -> None:
        """Sends JSON, packed for who takes that."""
        self.set_header("Content-Type", "application/json")
        self.set_header("Vary", "Accept-Encoding")
        if not seen.is_run:
            self.set_status(404)
        is_packed = "gzip" in self.request.headers.get("Accept-Encoding", "")
        if is_packed:
            self.set_header("Content-Encoding", "gzip")
        self.finish(seen.packed if is_packed else seen.json)


class ArchivesJson(ProgressJson):
    """Archives of the newest run from a number on, as in docs/reference/archives.schema.json."""

    async def answer(self, *_: str) -> None:
        first = self.get_query_argument("first", "0")
        if not (first.isdecimal() and len(first) <= _LONGEST_NUMBER):
            raise HTTPError(400, reason="first is the number of an archive, from 0")
        self.finish_seen(await self.served.progress_cache.archives(int(first)))


class MetricsText(Handler):
    """The newest run, workers and the last publication, for Prometheus."""

    async def answer(self, *_: str) -> None:
        text = await self.served.metrics_cache.text()
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(text)


class Health(Handler):
    """Whether the server is there."""

    async def answer(self, *_: str) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish("ok\n")


@cache
def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("live.html")
