"""A connection that says why, when it is asked with more than it takes."""

from __future__ import annotations

import socket
from contextlib import suppress
from types import TracebackType

from tornado.iostream import IOStream, UnsatisfiableReadError

# A request of ours is one short line and what browsers add.
MOST_HEADER_BYTES = 16_384
_TOLD = f"Address and headers may have {MOST_HEADER_BYTES:,} bytes.\n"
_TOO_LARGE = (
    "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    "Connection: close\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(_TOLD)}\r\n"
    f"\r\n{_TOLD}"
).encode()
_MOST_DRAINED_BYTES = 1 << 20
_AT_ONCE_BYTES = 1 << 16
_Error = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class TellingStream(IOStream):
    """tornado closes without a word where no end of the headers is in sight."""

    def close(self, exc_info: bool | BaseException | _Error | None = False) -> None:
        """As ``IOStream.close``; a request that was too large is answered first."""
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            self._refuse()
        super().close(exc_info)

    def _refuse(self) -> None:
        """The system would take the answer back if what came in were left unread."""
        with suppress(OSError):  # nobody listens, or nothing more has come yet
            self.socket.send(_TOO_LARGE)
            self.socket.shutdown(socket.SHUT_WR)
            for _ in range(0, _MOST_DRAINED_BYTES, _AT_ONCE_BYTES):
                if not self.socket.recv(_AT_ONCE_BYTES):
                    return
