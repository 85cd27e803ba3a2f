"""Answers to requests. GET and HEAD only; nothing that comes in is kept or written."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from console.serving.looks import Looks
from console.serving.reports import content_type, find, published_runs
from pipeline_core.errors import PipelineError
from pipeline_core.load.page import common_style
from pipeline_core.logs import structlog
from pipeline_core.places import LATEST
from pipeline_core.storage import Storage

log = structlog.get_logger()

_PAGE = Path(__file__).parent / "page"
_CHUNK = 1 << 18
# A client that takes no chunk for so long is gone.
_PATIENCE_SECONDS = 60.0
_RUNS_SHOWN = 30
_CLOSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_OURS = f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; {_CLOSED}"
# A report's page holds its own style and script, and allows these alone by their digests.
_REPORT = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    f"img-src data: blob:; {_CLOSED}"
)
_NOTHING = f"default-src 'none'; sandbox; {_CLOSED}"


@dataclass(frozen=True)
class Served:
    """What the handlers share. ``names`` are the hosts a browser may ask for; None means any."""

    reports: Storage
    looks: Looks
    threads: Executor
    flower_url: str | None
    names: frozenset[str] | None


class Handler(RequestHandler):
    """What every answer has in common."""

    def initialize(self, served: Served) -> None:
        self.served = served

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Security-Policy", _NOTHING)
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        # A page of elsewhere could give its own name this machine's address.
        if self.served.names is not None and self.request.host_name not in self.served.names:
            raise HTTPError(403, reason="This name is not served here")

    async def head(self, *arguments: str) -> None:
        await self.get(*arguments)

    async def get(self, *_: str) -> None:
        """Of an address that nothing is at."""
        raise HTTPError(404)

    def compute_etag(self) -> None:
        """Files have one by their version; the rest is small."""

    def write_error(self, status_code: int, **options: Any) -> None:  # noqa: ARG002
        error = options.get("exc_info", (None, None))[1]
        told = self._reason
        if isinstance(error, PipelineError):
            self.set_status(503)
            self.set_header("Retry-After", "5")
            told = "The storage does not answer; the server's log says more"
            log.warning("cannot_serve", path=self.request.path, cause=error.message)
        if self.get_status() == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", "GET, HEAD")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{told}.\n")

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        if not isinstance(error, HTTPError | PipelineError | StreamClosedError | TimeoutError):
            super().log_exception(kind, error, trace)

    async def aside(self, call: Any, *arguments: Any) -> Any:
        """The result of a call that may wait for a storage; other requests go on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.served.threads, partial(call, *arguments))


class Start(Handler):
    """The newest report; the live page as long as there is none."""

    async def get(self, *_: str) -> None:
        latest = await self.aside(self.served.reports.pointed, LATEST)
        self.redirect("latest/" if latest else "live")


class Live(Handler):
    """The page of the run under way."""

    async def get(self, *_: str) -> None:
        reports = self.served.reports
        latest = await self.aside(reports.pointed, LATEST)
        runs = await self.aside(published_runs, reports, _RUNS_SHOWN)
        self.set_header("Content-Security-Policy", _OURS)
        page = _template().render(
            latest=latest is not None, runs=runs, flower_url=self.served.flower_url
        )
        self.finish(page)


class Asset(Handler):
    """Style and script of the live page."""

    async def get(self, *names: str) -> None:
        text = (_PAGE / names[0]).read_text(encoding="utf-8")
        is_style = names[0] == "live.css"
        self.set_header("Content-Type", f"text/{'css' if is_style else 'javascript'}")
        self.finish(common_style() + text if is_style else text)


class ProgressJson(Handler):
    """The newest run, as in docs/reference/progress.schema.json."""

    async def get(self, *_: str) -> None:
        self.set_header("Content-Type", "application/json")
        seen = await self.served.looks.newest()
        if seen is None:
            self.set_status(404)
            self.finish(msgspec.json.encode({"error": "There is no run yet."}))
        else:
            self.finish(seen)


class Health(Handler):
    """Whether the server is there."""

    async def get(self, *_: str) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish("ok\n")


class Report(Handler):
    """A file of a published run, in pieces: it may be larger than memory."""

    async def get(self, *path: str) -> None:
        try:
            found = await self.aside(find, self.served.reports, path[0])
        except FileNotFoundError:
            raise HTTPError(404) from None
        kind = content_type(found.key)
        self.set_header("Content-Type", kind)
        if kind.startswith("text/html"):
            self.set_header("Content-Security-Policy", _REPORT)
        etag = f'"{found.version}"'
        self.set_header("Etag", etag)
        if self.request.headers.get("If-None-Match") == etag:
            self.set_status(304)
            return
        self.set_header("Content-Length", str(found.size))
        if self.request.method != "HEAD":
            await self._send(found.key, found.size)

    async def _send(self, key: str, size: int) -> None:
        opened = self.served.reports.open(key)
        file: IO[bytes] = await self.aside(opened.__enter__)
        try:
            while size > 0 and (chunk := await self.aside(file.read, min(_CHUNK, size))):
                size -= len(chunk)
                self.write(chunk)
                await asyncio.wait_for(self.flush(), _PATIENCE_SECONDS)
        except (StreamClosedError, TimeoutError):  # nobody listens any more
            self.request.connection.stream.close()  # type: ignore[union-attr]
        finally:
            await self.aside(opened.__exit__, None, None, None)


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
