"""Whether a port of Redis speaks TLS where its URL says otherwise: a client waits in vain."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from pipeline_core.errors import ConfigError

_SECONDS = 2.0
_PORT = 6379


def tls_mismatch(url: str, setting: str = "SALES_BROKER_URL") -> ConfigError | None:
    """Why nobody answers at ``url``, the value of ``setting``: one side speaks TLS, and the other
    does not. None if it is not that, as far as can be told. No login is sent."""
    parts = urlsplit(url)
    place = parts.hostname or "localhost", parts.port or _PORT
    if parts.scheme == "rediss" and _speaks_plainly(place):
        said, scheme = "speaks no TLS, and rediss:// asks for it", "redis://"
    elif parts.scheme == "redis" and not _speaks_plainly(place) and _speaks_tls(place):
        said, scheme = "speaks TLS, and redis:// asks for none", "rediss://"
    else:
        return None
    return ConfigError(
        f"The broker's port {place[1]} {said}.",
        f"Begin {setting} with {scheme}, or name its other port.",
    )


def _speaks_plainly(place: tuple[str, int]) -> bool:
    """Whether a Redis answers a ping, if only to ask for a login."""
    try:
        with socket.create_connection(place, timeout=_SECONDS) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in {b"+", b"-"}
    except OSError:  # silent, cut off, or not there
        return False


def _speaks_tls(place: tuple[str, int]) -> bool:
    """Whoever it is: nothing is said to it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(place, timeout=_SECONDS) as connection,
            context.wrap_socket(connection),
        ):
            return True
    except OSError:  # silent, cut off, or not there
        return False
