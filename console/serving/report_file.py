"""Answers with the files of published runs."""

from __future__ import annotations

import asyncio
import zlib
from typing import IO, NoReturn

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from console.serving.handlers import CLOSED, NOTHING_ALLOWED, Handler
from console.serving.page_links import add_links, links_of
from console.serving.ranges import OutsideError, Stretch, parse_range
from console.serving.reports import (
    FoundFile,
    ReportRemovedError,
    content_type,
    find_report_file,
)
from pipeline_core.configuration.places import LATEST
from pipeline_core.errors import PipelineError
from pipeline_core.publication.file_names import INDEX

_CHUNK = 1 << 18
# A report's page holds its own style and script, and allows these alone by their digests.
_REPORT = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    f"img-src data: blob:; {CLOSED}"
)


class ReportFile(Handler):
    """A file of a published run, in pieces: it may be larger than memory."""

    async def answer(self, *path: str) -> None:
        try:
            found = await self.aside(
                find_report_file, self.served.reports, self.served.runs, path[0]
            )
        except ReportRemovedError as gone:
            self.set_status(404)
            self.set_header("Content-Type", content_type(INDEX))
            self.set_header("Content-Security-Policy", _REPORT)
            self.finish(add_links(gone.page, self._links(path[0])))
            return
        except FileNotFoundError:
            await self._tell_of_none(path[0])
        kind = content_type(found.key)
        self.set_header("Content-Type", kind)
        if kind.startswith("text/html"):
            await self._answer_page(found, self._links(path[0]))
            return
        etag = f'"{found.version}"'
        if self._is_known(etag):
            return
        self.set_header("Accept-Ranges", "bytes")
        try:
            part = self._part(etag, found.size)
        except OutsideError:
            self._refuse_range(found.size)
            return
        if part is not None:
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {part.begin}-{part.end - 1}/{found.size}")
        begin, end = part or (0, found.size)
        self.set_header("Content-Length", str(end - begin))
        await self._send_unless_head(found.key, begin, end)

    async def _answer_page(self, found: FoundFile, links: bytes) -> None:
        """A page, with links that its file does not have; it has no parts."""
        self.set_header("Content-Security-Policy", _REPORT)
        if self._is_known(f'"{found.version}-{zlib.crc32(links):x}"'):
            return
        self.set_header("Content-Length", str(found.size + len(links)))
        await self._send_unless_head(found.key, 0, found.size, links)

    def _links(self, path: str) -> bytes:
        return links_of(path, self.served.flower_url)

    def _is_known(self, etag: str) -> bool:
        """Whether the client has it already, and was told so."""
        self.set_header("Etag", etag)
        if self.check_etag_header():
            self.set_status(304)
            return True
        return False

    async def _tell_of_none(self, path: str) -> NoReturn:
        """Nothing is there. Before the first report, whoever looks for it hears where to look."""
        is_newest = path.partition("/")[0] == LATEST
        if not is_newest or await self.aside(self.served.reports.pointed, LATEST):
            raise HTTPError(404)
        raise HTTPError(404, reason="No report is published yet; /live says what is under way")

    def _part(self, etag: str, size: int) -> Stretch | None:
        if self.request.method != "GET":  # ranges are defined for nothing else
            return None
        headers = self.request.headers
        return parse_range(headers.get("Range"), headers.get("If-Range"), etag, size)

    def _refuse_range(self, size: int) -> None:
        self.set_status(416)
        self.set_header("Content-Range", f"bytes */{size}")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Security-Policy", NOTHING_ALLOWED)
        self.finish(f"The file has {size} bytes; none of them was asked for.\n")

    async def _send_unless_head(self, key: str, begin: int, end: int, links: bytes = b"") -> None:
        if self.request.method == "HEAD" or self.stream.closed():
            return
        opened = self.served.reports.open(key)
        try:
            file: IO[bytes] = await self.aside(opened.__enter__)
        except FileNotFoundError:  # a moment ago it was there
            raise HTTPError(404) from None
        try:
            await self._send_pieces(file, begin, end, links)
        except (StreamClosedError, TimeoutError):  # nobody listens any more
            self.hang_up()
        except PipelineError as error:
            self.log_failure(error)
            self.hang_up()
        finally:
            await self.aside(opened.__exit__, None, None, None)

    async def _send_pieces(self, file: IO[bytes], begin: int, end: int, links: bytes) -> None:
        if begin:
            await self.aside(file.seek, begin)
        while begin < end:
            length = await self._take_piece(file, min(_CHUNK, end - begin), links)
            links = b""
            if not length:  # the file is shorter now
                self.hang_up()
                return
            begin += length
            await asyncio.wait_for(self.flush(), self.PATIENCE_SECONDS)
        if links:  # of a file without a byte
            self.write(links)

    async def _take_piece(self, file: IO[bytes], most: int, links: bytes) -> int:
        """Its length in the file. The frame of who flushes stays in that error's traceback: no
        piece may."""
        piece = await self.aside(file.read, most)
        self.write(add_links(piece, links))
        return len(piece)
