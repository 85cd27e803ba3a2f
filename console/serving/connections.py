"""As many connections as there are file descriptors for, and no more.

tornado accepts until the system refuses, and then at once again: a loop that never rests and writes
a traceback each time. Here the rest waits in the system's own queue until a connection ends.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream

from console.serving.connection_limit import ConnectionLimit
from console.serving.log_limit import LogLimit
from console.serving.oversized_requests import TellingStream
from pipeline_core.logs import get_logger

log = get_logger()

# Of memory: each may hold a request's headers and a piece of a file.
_MOST = 512
# For what the storages open: a socket a thread and place, kept ones, those of the libraries.
_SPARE = 32
# A connection, and the file that it is sent.
_EACH = 2
_AT_ONCE = 64
# Whatever else took the descriptors may give them back without telling.
_PAUSE_SECONDS = 1.0
_LAST_SECONDS = 30.0


def most_connections() -> int:
    """How many this process may have at a time, by its limit of open files."""
    limit = _limit_of_files()
    return _MOST if limit is None else max(1, min(_MOST, (limit - _open_files() - _SPARE) // _EACH))


class BoundedServer(HTTPServer):
    """An HTTP server with as many connections as there are ``seats``; while all are taken, an
    answer ends its connection, so that whoever waits has a turn. What is told of it is told once,
    not for each."""

    # What the constructor is called with.
    def initialize(self, *arguments: Any, seats: ConnectionLimit, **options: Any) -> None:  # type: ignore[override]
        super().initialize(*arguments, **options)
        self._seats = seats
        seats.when_free = self._go_on_and_tell
        self._listening: tuple[socket.socket, ...] = ()
        self._is_paused = self._do_some_wait = self._was_told = False
        self._seldom = LogLimit()

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Starts to accept on all of them; to be called once."""
        self._listening = tuple(sockets)
        self._is_paused = True
        self._go_on()

    def stop(self) -> None:
        """Accepts no more; what is connected stays so."""
        self._pause()
        for each in self._listening:
            each.close()
        self._listening = ()

    async def end(self) -> None:
        """Stops, and waits for answers under way: they find their connection closed, and close
        their file. Nothing else may run in this loop."""
        self.stop()
        await self.close_all_connections()
        answers = asyncio.all_tasks() - {asyncio.current_task()}
        if answers:
            await asyncio.wait(answers, timeout=_LAST_SECONDS)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """A connection begins."""
        self._seats.take(stream)
        super().handle_stream(stream, address)

    def on_close(self, server_conn: Any) -> None:
        """A connection has ended."""
        super().on_close(server_conn)
        self._seats.give_back(server_conn.stream)

    def _accept(self, listening: socket.socket, _events: int) -> None:
        if self._is_paused:  # since this was called for
            return
        for _ in range(_AT_ONCE):
            if self._seats.are_taken:
                self._pause()
                self._tell("as many connections are open as may be")
                return
            try:
                connection, address = listening.accept()
            except BlockingIOError:
                self._do_some_wait = False
                self._tell_end()
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no descriptor or no memory is left
                self._pause()
                self._tell(error.strerror or str(error))
                IOLoop.current().call_later(_PAUSE_SECONDS, self._go_on)
                return
            self.handle_stream(TellingStream(connection), address)

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = self.conn_params.no_keep_alive = True
            for each in self._listening:
                IOLoop.current().remove_handler(each)

    def _go_on_and_tell(self) -> None:
        self._tell_end()
        self._go_on()

    def _go_on(self) -> None:
        if self._is_paused and self._listening and not self._seats.are_taken:
            self._is_paused = self.conn_params.no_keep_alive = False
            for each in self._listening:
                IOLoop.current().add_handler(each, self._accept, IOLoop.READ)
                IOLoop.current().add_callback(self._accept, each, 0)  # tells if nobody waits

    def _tell(self, cause: str) -> None:
        self._do_some_wait = True
        if self._was_told:
            return
        unsaid = self._seldom.admit("full")
        if unsaid is not None:
            self._was_told = True
            log.warning(
                "accepts_no_more_for_now",
                cause=cause,
                most=self._seats.most,
                unsaid=unsaid,
                remedy="Others wait. A higher limit of open files (ulimit -n, LimitNOFILE=) allows "
                f"up to {_MOST}; a proxy in front keeps slow clients away.",
            )

    def _tell_end(self) -> None:
        # Not at the first free place: it may be taken in the next moment.
        if (
            self._was_told
            and not self._do_some_wait
            and self._seats.taken <= (self._seats.most + 1) // 2
        ):
            self._was_told = False
            log.info("accepts_again", connections=self._seats.taken)


def _limit_of_files() -> int | None:
    """None where there is none, or none that can be known."""
    with suppress(ImportError):  # Windows
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return None if soft == resource.RLIM_INFINITY else soft
    return None


def _open_files() -> int:
    with suppress(OSError):  # a system without /dev/fd
        return len(os.listdir("/dev/fd"))
    return 0
