"""smtplib's client, whose steps have one deadline.

smtplib knows time-outs of one reading or writing alone: a server that sends a byte now and then
would be heard for ever.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time

from pipeline_core.addresses.mail import MailServer
from pipeline_core.errors import ConfigError

# Of a connection to one address, of one reply, and of the whole. RFC 5321 grants a server minutes
# to take a mail, so that its last reply has all that is left.
_CONNECT_SECONDS, _REPLY_SECONDS, _WHOLE_SECONDS = 10.0, 60.0, 300.0
_MOST_REPLY_BYTES = 1 << 18
_CHUNK = 1 << 14  # a record of TLS: no more is written within one time-out


class _Broken(OSError):
    """The server says more than any does."""


class _Deadline:
    """When the conversation has to be over."""

    def __init__(self) -> None:
        self._end = time.monotonic() + _WHOLE_SECONDS

    def left(self, most: float = _WHOLE_SECONDS) -> float:
        """Seconds for the next step, at most so many. Raises TimeoutError if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, most)


class _Replies:
    """What a server says, in lines; stands where smtplib would have a file."""

    def __init__(self, connection: socket.socket, deadline: _Deadline) -> None:
        self.seconds = _REPLY_SECONDS
        self._connection, self._deadline = connection, deadline
        self._held, self._count = b"", 0

    def readline(self, most: int) -> bytes:
        """The next line, or what there is of it."""
        until = time.monotonic() + self.seconds
        while b"\n" not in self._held and len(self._held) < most:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._connection.settimeout(self._deadline.left(left))
            if not (got := self._connection.recv(_CHUNK)):
                break
            self._count += len(got)
            if self._count > _MOST_REPLY_BYTES:
                raise _Broken("its replies have no end")
            self._held += got
        end = self._held.find(b"\n") + 1 or len(self._held)
        line, self._held = self._held[: min(end, most)], self._held[min(end, most) :]
        return line

    def close(self) -> None:
        """As a file has it; the connection is smtplib's."""


class Client(smtplib.SMTP):
    """smtplib's, whose steps have one deadline."""

    def __init__(self, server: MailServer, context: ssl.SSLContext | None) -> None:
        self._deadline, self._tls_from_start = _Deadline(), server.encryption == "tls"
        self._context = context
        # Its own name would be asked for of name servers, which no deadline bounds.
        super().__init__(local_hostname="localhost")
        self._host = server.host
        try:
            self._said(self.connect(server.host, server.port), 220)
        except BaseException:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        connection = socket.create_connection(
            (host, port), timeout=self._deadline.left(_CONNECT_SECONDS)
        )
        try:
            address = connection.getsockname()[0]
            self.local_hostname = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
            if self._tls_from_start and self._context is not None:
                connection.settimeout(self._deadline.left(_REPLY_SECONDS))
                return self._context.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
        return connection

    def send(self, s: bytes | str) -> None:  # type: ignore[override]
        """Sends all of it before the deadline."""
        data = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        connection = self._connection()
        for start in range(0, len(data), _CHUNK):
            connection.settimeout(self._deadline.left(_REPLY_SECONDS))
            connection.sendall(data[start : start + _CHUNK])

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, before the deadline."""
        if self.file is None:
            self.file = _Replies(self._connection(), self._deadline)
        return super().getreply()

    def begin_tls(self, context: ssl.SSLContext) -> None:
        """Raises ConfigError if the server offers none."""
        if not self.has_extn("starttls"):
            raise ConfigError(
                "The mail server offers no STARTTLS, so that anybody could read along.",
                "Write smtps:// in SALES_SMTP_URL if TLS begins at once there; ?tls=none sends "
                "mails in the open.",
            )
        self._said(self.docmd("STARTTLS"), 220)
        connection = self._connection()
        connection.settimeout(self._deadline.left(_REPLY_SECONDS))
        self.sock = context.wrap_socket(connection, server_hostname=self._host)
        # What it said before may be of somebody in between.
        self.file, self.does_esmtp, self.esmtp_features = None, False, {}
        self.ehlo_resp = self.helo_resp = None

    def patience(self) -> None:
        """The next reply may take all that is left."""
        if self.file is not None:
            self.file.seconds = _WHOLE_SECONDS

    def _connection(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("it has closed the connection")
        return self.sock

    @staticmethod
    def _said(reply: tuple[int, bytes], wanted: int) -> None:
        if reply[0] != wanted:
            raise smtplib.SMTPResponseException(*reply)
