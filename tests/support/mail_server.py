"""A real mail server, with TLS of an authority of its own, that behaves as a test wants."""

from __future__ import annotations

import asyncio
import email.policy
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "reports", "canary%2Fse@cret"

Manner = Literal["good", "drop_after_data", "silent_after_data", "drip_after_data"]


@dataclass
class Postman:
    """What the server got, and how it behaves: its replies by recipient and after DATA, and how it
    treats the connection then."""

    port: int = 0
    ca: str = ""
    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    manner: Manner = "good"
    logins: int = 0

    def url(self, scheme: str = "smtp", *, login: bool = True, more: str = "") -> str:
        before = f"{USER}:{quote(PASSWORD, safe='')}@" if login else ""
        return f"{scheme}://{before}localhost:{self.port}?ca={self.ca}{more}"

    async def handle_MAIL(self, *about: Any) -> str:  # noqa: N802  (aiosmtpd's names)
        _, _, envelope, address, options = about
        self.senders.append(address)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, *about: Any) -> str:  # noqa: N802
        _, _, envelope, address, _ = about
        reply = self.rcpt.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, *about: Any) -> str:  # noqa: N802
        server, _, envelope = about
        if self.data.startswith("250"):
            mail = BytesParser(policy=email.policy.default).parsebytes(envelope.content)
            assert isinstance(mail, EmailMessage)
            self.received.append((envelope.rcpt_tos[0], mail))
        if self.manner == "drop_after_data":
            server.transport.abort()
        elif self.manner == "silent_after_data":
            await asyncio.sleep(30)
        elif self.manner == "drip_after_data":
            while True:
                server.transport.write(b"2")
                await asyncio.sleep(0.05)
        return self.data


def _authenticated(server: SMTP, *about: Any) -> AuthResult:
    login = about[-1]
    is_known = (
        isinstance(login, LoginPassword)
        and login.login == USER.encode()
        and login.password == PASSWORD.encode()
    )
    server.event_handler.logins += is_known
    return AuthResult(success=is_known, handled=False)


@dataclass(frozen=True)
class Authority:
    """Certificates of a test: of an authority, and for servers by their names."""

    ca: Path
    good: ssl.SSLContext
    other_name: ssl.SSLContext


def authority(folder: Path) -> Authority:
    made = trustme.CA()
    ca = folder / "mail-ca.pem"
    made.cert_pem.write_to_path(ca)
    contexts = []
    for names in (("localhost", "127.0.0.1"), ("elsewhere.test",)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert(*names).configure_cert(context)
        contexts.append(context)
    return Authority(ca, *contexts)


@contextmanager
def mail_server(known: Authority, kind: str = "starttls", **more: Any) -> Iterator[Postman]:
    """A server of one of the kinds: starttls, tls, plain, other_name."""
    postman = Postman(ca=str(known.ca))
    options: dict[str, Any] = {"authenticator": _authenticated, "hostname": "mail.test"}
    options |= more
    implicit = None
    if kind == "starttls":
        options |= {"tls_context": known.good, "require_starttls": True, "auth_required": True}
    elif kind == "other_name":
        options |= {"tls_context": known.other_name, "require_starttls": True}
    elif kind == "tls":
        implicit = known.good
        options |= {"auth_require_tls": False}
    loop = asyncio.new_event_loop()
    listening = loop.create_server(
        lambda: SMTP(postman, loop=loop, **options), "127.0.0.1", 0, ssl=implicit
    )
    server = loop.run_until_complete(listening)
    postman.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield postman
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
