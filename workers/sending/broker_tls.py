"""Whether there is TLS with a Redis as its URL says: where there is not, clients try in vain."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline_core.errors import ConfigError
from pipeline_core.settings import Settings
from workers.tls import tls_options

if TYPE_CHECKING:
    from pydantic import SecretStr
    from redis import Redis

_SECONDS = 2.0
_PORT = 6379
_ANSWER_SECONDS = 5.0
_OWNERS = {"SALES_BROKER_URL": "The broker's", "SALES_RESULT_BACKEND": "The result store's"}


def redis_client(settings: Settings, url: SecretStr) -> Redis:
    """A client of the Redis there, which waits for no answer longer than seconds."""
    from redis import Redis

    address = url.get_secret_value()
    encrypted = tls_options(settings) if address.startswith("rediss:") else {}
    return Redis.from_url(
        address, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS, **encrypted
    )


def tls_error(settings: Settings, setting: str) -> ConfigError | None:
    """Why there is no TLS with the Redis that SALES_BROKER_URL or SALES_RESULT_BACKEND names, or
    one side expects none. None if all is well, or it is something else, as where nobody answers."""
    from redis.exceptions import RedisError

    from workers.sending.broker import is_of_tls, refused_tls

    url = settings.broker_url if setting == "SALES_BROKER_URL" else settings.result_backend
    if url is None:
        return None
    try:
        with redis_client(settings, url) as client:
            client.ping()
    except (RedisError, OSError) as error:
        if is_of_tls(error):
            return refused_tls(error, setting)
        return tls_mismatch(url.get_secret_value(), setting)
    return None


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
        f"{_OWNERS[setting]} port {place[1]} {said}.",
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
