"""Mail: to whom it goes, from whom, and by which server. No message shows a login."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote

from pipeline_core.addresses.host_names import is_host_name
from pipeline_core.addresses.url_text import check_escapes, check_host_and_port, check_text

ADDRESS_FORM = "write mailto:somebody@shop.example"
_SERVER_FORM = "write smtp://user:password@mail.shop.example:587, or smtps:// with port 465"
_SENDER_FORM = "write reports@shop.example, or Sales reports <reports@shop.example>"
# What RFC 5321 calls a Mailbox, without quoted names and numbers in brackets.
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_LONGEST_LOCAL, _LONGEST = 64, 254
_SERVER = re.compile(r"(smtps?)://([^/?#]*)/?(?:\?([^#]*))?", re.IGNORECASE)
_PORTS = {"smtp": 587, "smtps": 465}
# A header has no room for more.
_LONGEST_NAME = 100

Encryption = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class MailServer:
    """A server that takes mails."""

    host: str
    """Its name or address, which its certificate has to be for."""
    port: int
    """Its TCP port."""
    encryption: Encryption
    """TLS from STARTTLS on, or from the beginning; none only where somebody said so."""
    user: str = field(default="", repr=False)
    """Who logs in; empty if nobody does."""
    password: str = field(default="", repr=False)
    """The password; the same."""
    ca: str = ""
    """File of the authorities (PEM) that its certificate is of; empty for those of the machine."""

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True)
class Mailer:
    """How mails are sent."""

    server: MailServer
    """By which server."""
    sender: tuple[str, str]
    """From whom: a name, which may be empty, and an address."""
    most_bytes: int
    """Most bytes of the files that a mail has attached."""


def parse_mail_server(url: str) -> MailServer:
    """Raises ValueError, which shows nothing of it, if it is none, or a password would go there
    without TLS."""
    check_text(url)
    found = _SERVER.fullmatch(url)
    if found is None:
        raise ValueError(f"not a mail server's URL; {_SERVER_FORM}")
    scheme, server, query = found[1].lower(), found[2], found[3] or ""
    login, _, place = server.rpartition("@")
    host = check_host_and_port(place)
    if not host:
        raise ValueError(f"there is no host in it; {_SERVER_FORM}")
    port = place.rpartition("]")[2].rpartition(":")[2]
    user, _, password = login.partition(":")
    if bool(user) != bool(password):
        raise ValueError("a user has a password, and a password a user; " + _SERVER_FORM)
    options = _options(query)
    is_plain = options.get("tls") == "none"
    if is_plain and scheme == "smtps":
        raise ValueError("smtps:// is TLS, and ?tls=none is not; leave one of them out")
    if is_plain and login:
        raise ValueError("a password goes over TLS alone; leave ?tls=none out, or the login")
    return MailServer(
        host=host,
        port=int(port) if port.isdigit() and port != place else _PORTS[scheme],
        encryption="none" if is_plain else "tls" if scheme == "smtps" else "starttls",
        user=unquote(user),
        password=unquote(password),
        ca=options.get("ca", ""),
    )


def _options(query: str) -> dict[str, str]:
    given = parse_qsl(query, keep_blank_values=True)
    found = dict(given)
    if len(found) < len(given) or not found.keys() <= {"tls", "ca"}:
        raise ValueError("behind its ? there are ca=FILE and tls=none, each once at most")
    if found.get("tls", "none") != "none":
        raise ValueError(
            "tls is none, or left out: smtp:// begins with STARTTLS, smtps:// is TLS from the start"
        )
    if found.get("ca") == "":
        raise ValueError("ca names no file")
    return found


def parse_recipient(url: str) -> str:
    """The address of a mailto: URL, its domain in small letters. Raises ValueError if it is
    none."""
    check_escapes(url)
    address, _, options = url.partition(":")[2].partition("?")
    if options or "?" in url:
        raise ValueError(f"nothing stands behind a mail address; {ADDRESS_FORM}")
    return checked_address(unquote(address), ADDRESS_FORM)


def is_bare_address(text: str) -> bool:
    """Whether it may be one more address behind that of a mailto: URL."""
    return "@" in text and not re.search(r"[:/?]", text)


def parse_sender(text: str) -> tuple[str, str]:
    """Name, which may be empty, and address. Raises ValueError if it is none."""
    from email.utils import parseaddr  # most settings have no sender

    if not text.isprintable():
        raise ValueError(f"a character in it cannot be shown; {_SENDER_FORM}")
    name, address = parseaddr(text)
    rest = text.replace(address, "", 1) if address else text
    if len(name) > _LONGEST_NAME or "@" in rest:
        raise ValueError(f"not one sender; {_SENDER_FORM}")
    return name, checked_address(address, _SENDER_FORM)


def checked_address(address: str, form: str) -> str:
    """An address whose domain is in small letters. Raises ValueError, which says the form, if it
    is none."""
    local, _, domain = address.rpartition("@")
    if not address.isascii():
        raise ValueError(f"a mail address is of ASCII, its domain as xn--…; {form}")
    if (
        not _LOCAL.fullmatch(local)
        or not is_host_name(domain)
        or len(local) > _LONGEST_LOCAL
        or len(address) > _LONGEST
    ):
        raise ValueError(f"not a mail address; {form}")
    return f"{local}@{domain.lower()}"
