"""A Redis with TLS: a real one where there is one, else TLS in front of a real one."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

from console.stack import RedisServer
from console.stack.processes import free_port
from console.stack.redis import find_redis
from tests.support.processes import eventually


@dataclass(frozen=True)
class TlsRedis:
    """Where it is, and the file of the authority that signed its certificate."""

    url: str
    port: int
    ca: Path


def speaks_tls() -> bool:
    """Whether the machine's own Redis was built with TLS."""
    tried = subprocess.run(
        [find_redis(), "--port", "0", "--tls-port", "1", "--tls-cert-file", "/nowhere"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return "Failed to configure TLS" in tried.stdout + tried.stderr  # for want of that file


@contextmanager
def tls_proxy(redis: RedisServer, folder: Path) -> Iterator[TlsRedis]:
    """TLS in front of a Redis without."""
    ca, key, certificate = _certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=_serve, args=(listener, context, redis.port), daemon=True).start()
        yield TlsRedis(f"rediss://:{redis.password}@127.0.0.1:{port}/0", port, ca)


@contextmanager
def tls_server(folder: Path) -> Iterator[TlsRedis]:
    """A real Redis that listens with TLS only."""
    ca, key, certificate = _certificates(folder)
    port, password = free_port(), "a-password-of-the-test"
    conf = folder / "redis.conf"
    conf.write_text(
        f"bind 127.0.0.1\nport 0\ntls-port {port}\ntls-cert-file {certificate}\n"
        f"tls-key-file {key}\ntls-ca-cert-file {ca}\ntls-auth-clients no\n"
        f"requirepass {password}\ndir {folder}\nappendonly yes\n"
    )
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([find_redis(), conf], stdout=log, stderr=log)
    try:
        eventually(lambda: _listens(port), "Redis with TLS", 10)
        yield TlsRedis(f"rediss://:{password}@127.0.0.1:{port}/0", port, ca)
    finally:
        server.terminate()
        server.wait(10)


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """The authority's certificate, and a key and a certificate for 127.0.0.1."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    ca, key, certificate = folder / "ca.pem", folder / "key.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(ca)
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(certificate)
    return ca, key, certificate


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _serve(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=_join, args=(plain, context, port), daemon=True).start()


def _join(plain: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        suppress(OSError),
        plain,
        context.wrap_socket(plain, server_side=True) as client,
        socket.create_connection(("127.0.0.1", port)) as server,
    ):
        threading.Thread(target=_pump, args=(client, server), daemon=True).start()
        _pump(server, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
