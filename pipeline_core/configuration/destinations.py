"""Where published reports are delivered to: what may be written for it, and how it is shown.

What is said of a destination never shows its login, and neither does its id: a new password makes
no other destination of it, unless it is of a notification service, of whose URL only the scheme is
surely no secret.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote

from pipeline_core.addresses.database_url import check_database_name, check_database_url
from pipeline_core.addresses.mail import Mailer, is_bare_address, parse_recipient
from pipeline_core.addresses.notification_url import (
    is_notification_url,
    parse_notification_url,
    secret_digest,
)
from pipeline_core.addresses.url_text import check_escapes

_FORM = "write postgresql://user:password@host:5432/database?schema=sales"
_ANY = f"{_FORM}, file+xlsx:///folder/report.xlsx, mailto:a@shop.example or apprise+URL"
_FILE_FORM = "write file+xlsx:///folder/report.xlsx"
SCHEMA = "sales_pipeline"
_PORT = "5432"
_HIDDEN = "***"  # also where somebody pastes what was shown
_SERVERS_OWN = ("pg_", "information_schema")
_FILE = re.compile(r"file\+xlsx://(/[^?#]+)", re.IGNORECASE)
# As SQLAlchemy takes a URL apart: a user may hold an @, a password all but an @.
_PARTS = re.compile(
    r"[\w.+-]+://(?P<login>[^:/]*(?::[^@]*)?@)?(?P<place>[^/?]*)(?:/(?P<name>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Destination:
    """Tables in a schema of a PostgreSQL database, a workbook, a mail to somebody, or a
    notification."""

    id: str
    """What its records are called by: a digest (16 hex digits) of where it is."""
    shown: str
    """Its URL without a login, for people."""
    kind: Literal["tables", "workbook", "mail", "notification"]
    """What the report becomes there."""
    url: str = field(default="", repr=False)
    """URL of the database of tables, or of a notification as Apprise takes it, with its login."""
    schema: str = ""
    """The schema of the tables."""
    has_login: bool = False
    """Whether its URL names a user or a password."""
    path: str = ""
    """The whole path of a workbook."""
    recipient: str = ""
    """The address that a mail goes to."""
    mailer: Mailer | None = None
    """How a mail is sent; None until the settings said it."""
    reports_url: str = ""
    """Address at which people see the folder of reports; empty if they know its path alone."""

    @property
    def is_replaced(self) -> bool:
        """Whether a run takes the place of what stands there: what was sent stays sent."""
        return self.kind in {"tables", "workbook"}


def parse_destinations(text: str) -> tuple[Destination, ...]:
    """Destinations with commas in between; a comma within one is written %2C, and a mail address
    behind another needs no ``mailto:``. Raises ValueError, which shows no login, if one is none, or
    if two are the same."""
    found: list[Destination] = []
    given: list[str] = []
    for each in (each.strip() for each in text.split(",")):
        is_one_more = given and _is_mail(given[-1]) and is_bare_address(each)
        given.append(f"mailto:{each}" if is_one_more else each)
    for number, each in enumerate(given, start=1):
        try:
            found.append(_parse(each))
        except ValueError as error:
            place = f"destination {number}: " if len(given) > 1 else ""
            hint = " (a comma within a destination is %2C)" if len(given) > 1 else ""
            raise ValueError(f"{place}{error}{hint}") from None
        if len({each.id for each in found}) < len(found):
            raise ValueError(f"{found[-1].shown} is named twice")
    return tuple(found)


def _parse(given: str) -> Destination:
    if not given:
        raise ValueError(f"empty; {_ANY}")
    if given.lower().startswith("file"):
        return _workbook(given)
    if _is_mail(given):
        recipient = parse_recipient(given)
        shown = f"mailto:{quote(recipient, safe='@')}"
        return Destination(_digest(f"mail\0{recipient}"), shown, "mail", recipient=recipient)
    if is_notification_url(given):
        return _notification(given)
    if given.lower().endswith(".xlsx") and "://" not in given:
        raise ValueError(f"a workbook is a URL, too; {_FILE_FORM}")
    if is_bare_address(given):
        raise ValueError("a mail address is a URL, too; write mailto:a@shop.example")
    if not given.lower().startswith("postgres"):
        raise ValueError(f"no kind of destination; {_ANY}")
    before, mark, query = given.partition("?")
    options = query.split("&") if mark else []
    ours = [each for each in options if unquote(each.partition("=")[0]) == "schema"]
    rest = "&".join(each for each in options if each not in ours)
    url = f"{before}?{rest}" if rest else before
    check_database_url(url)
    if len(ours) > 1:
        raise ValueError("it has two schemas")
    schema = unquote(ours[0].partition("=")[2]) if ours else SCHEMA
    _check_schema(schema)
    host, port, name, has_login = _place_of(url)
    shown = (
        f"postgresql://{f'{_HIDDEN}@' if has_login else ''}{host}{f':{port}' if port else ''}/"
        f"{quote(name, safe='')}?schema={quote(schema, safe='')}"
    )
    place = "\0".join(("postgresql", host.lower(), port or _PORT, name, schema))
    return Destination(_digest(place), shown, "tables", url, schema, has_login)


def _workbook(given: str) -> Destination:
    found = _FILE.fullmatch(given)
    if found is None:
        raise ValueError(f"a workbook has its whole path behind three slashes; {_FILE_FORM}")
    check_escapes(given)
    path = os.path.normpath(unquote(found[1]))
    if not path.lower().endswith(".xlsx"):
        raise ValueError(f"a workbook's name ends with .xlsx; {_FILE_FORM}")
    return Destination(
        _digest(f"xlsx\0{path}"), f"file+xlsx://{quote(path)}", "workbook", path=path
    )


def _is_mail(given: str) -> bool:
    return given.lower().startswith("mailto:")


def _notification(given: str) -> Destination:
    """Any part of its URL may be a token, so that it is told from others by a digest."""
    url = parse_notification_url(given)
    digest = secret_digest(url)
    shown = f"apprise+{url.partition(':')[0].lower()}://{_HIDDEN}/{digest[:6]}"
    return Destination(digest, shown, "notification", url)


def _digest(place: str) -> str:
    return hashlib.sha256(place.encode()).hexdigest()[:16]


def _check_schema(schema: str) -> None:
    try:
        check_database_name(schema)
    except ValueError as error:
        raise ValueError(f"its schema is {error}") from None
    if schema.startswith(_SERVERS_OWN):
        raise ValueError("its schema is one of PostgreSQL's own")


def _place_of(url: str) -> tuple[str, str, str, bool]:
    """Host, port and database of a URL that is sound, and whether it has a login. Each may be an
    option behind its ?."""
    found = _PARTS.fullmatch(url)
    if found is None:
        raise ValueError(f"not a URL; {_FORM}")
    options = parse_qsl(found["query"] or "", keep_blank_values=True)
    host, port = found["place"], ""
    if ":" in host.rpartition("]")[2]:
        host, _, port = host.rpartition(":")
    named = dict(options)
    hosts = ",".join(value for name, value in options if name == "host")
    name = named.get("dbname") or unquote(found["name"] or "")
    if not name:
        raise ValueError(f"there is no database in it; {_FORM}")
    login = (found["login"] or "").removesuffix("@")
    has_login = login not in {"", _HIDDEN} or bool({"user", "password"} & named.keys())
    return hosts or host, named.get("port") or port, name, has_login
