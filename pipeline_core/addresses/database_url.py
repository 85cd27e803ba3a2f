"""Where the database is: what may be written for its URL and its host.

What is said of either never shows it. A password in which an ``@`` is not escaped goes on behind
it, and clients take that for the host, which they show.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import quote, unquote, urlencode

from pipeline_core.addresses.host_names import is_host_name
from pipeline_core.addresses.url_text import check_around, check_escapes, has_control

_FORM = "write postgresql://user:password@host:5432/database"
_DRIVER = "psycopg2"
_PORTS = range(1, 1 << 16)
_MOST_NAME_BYTES = 63  # PostgreSQL has no longer ones
_SCHEME = re.compile(r"([\w+.-]+)://")
# As SQLAlchemy takes a URL apart: a user may hold an @, a password all but an @.
_USER = re.compile(r"[^:/]*(?::[^@]*)?@")
# An @ begins the name of an abstract socket, or is no part of a query.
_OPTION = r"(?:host=@[^@&]*|[a-z_]+=[^@&]*)"
_QUERY = re.compile(f"{_OPTION}(?:&{_OPTION})*")


def database_url(host: str, port: int, user: str, password: str, name: str) -> str:
    """The URL that SQLAlchemy reads as these; ``host`` as ``check_database_host`` takes it."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    in_query: dict[str, str] = {}
    place = f"{_url_host(host)}:{port}"
    if host.startswith(("/", "@")):
        place, in_query = "", {"host": host, "port": str(port)}
    path = name
    if quote(name, safe="") != name:  # not every SQLAlchemy takes the path for escaped
        path, in_query = "", {"dbname": name} | in_query
    query = f"?{urlencode(in_query, quote_via=quote, safe='')}" if in_query else ""
    return f"postgresql+{_DRIVER}://{login}@{place}/{path}{query}"


def _url_host(host: str) -> str:
    """An IPv6 address gets its brackets, and the % of its zone is escaped (RFC 6874)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host and not host.startswith("[") else host


def check_database_url(url: str) -> None:
    """Raises ValueError, which shows nothing of it, if SQLAlchemy would read no PostgreSQL's URL,
    or another one than was meant."""
    check_around(url)
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ValueError(f"not a URL; {_FORM}")
    backend, _, driver = scheme[1].partition("+")
    if backend not in {"postgresql", "postgres"}:
        raise ValueError(f"not of PostgreSQL; {_FORM}")
    if driver not in {"", _DRIVER}:
        raise ValueError(f"the driver is {_DRIVER}; {_FORM}")
    check_escapes(url)
    user = _USER.match(url, scheme.end())
    _check_place(url[user.end() if user else scheme.end() :])


def _check_place(rest: str) -> None:
    """Of what follows the password."""
    before, _, query = rest.partition("?")
    if "@" in before or ("@" in query and not _QUERY.fullmatch(query)):
        raise ValueError("not a URL; write @ / ? # of the password as %40 %2F %3F %23")
    host, port = re.split(r"[/?]", rest, maxsplit=1)[0], None
    if ":" in host.rpartition("]")[2]:
        host, _, port = host.rpartition(":")
    if "," in host:
        raise ValueError(
            "several hosts; write postgresql://user:password@/database?host=a:5432&host=b:5432"
        )
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not is_bracketed and {":", "[", "]"} & set(host):
        raise ValueError("an IPv6 address needs brackets, as in [::1]:5432")
    if host and not is_bracketed and not is_host_name(host):
        raise ValueError("its host is no name and no address")
    if port is not None and not (port.isascii() and port.isdigit() and int(port) in _PORTS):
        raise ValueError("the port is no number from 1 to 65535")
    _check_options(query)


def _check_options(query: str) -> None:
    """Of what libpq is told beside the rest."""
    names = {unquote(each.partition("=")[0]) for each in query.split("&") if each}
    if not names:
        return
    from psycopg2 import ProgrammingError  # most URLs have none
    from psycopg2.extensions import make_dsn

    try:
        make_dsn(**dict.fromkeys(names, "1"))
    except ProgrammingError:
        raise ValueError(
            "an option behind its ? is none of PostgreSQL's; they are such as sslmode=require"
        ) from None


def check_database_host(host: str) -> None:
    """Raises ValueError, which does not show it, if it is no name, address or socket's folder, or
    holds more than that. Several have commas between them, as libpq takes them."""
    if host.startswith(("/", "@")):  # a socket's folder, or its abstract name
        return
    _check_no_url(host)
    if re.search(r"[\s'\"@/?#\\]", host):
        raise ValueError("not a host alone: it holds a blank, a quote, or one of @ / ? # \\")
    for each in host.split(","):
        _check_address(each)


def _check_address(host: str) -> None:
    inside = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if inside == host and not {":", "[", "]"} & set(host):
        if host and not is_host_name(host):
            raise ValueError("no name and no address of a host")
        return
    try:
        IPv6Address(inside)
    except ValueError:
        raise ValueError("not a host alone; a port goes to SALES_DB_PORT") from None


def check_database_user(user: str) -> None:
    """Raises ValueError, which does not show it, if no user of PostgreSQL is called so, or if it
    is a login: it would be told wherever the database's word about the user is."""
    _check_no_url(user)
    if ":" in user:
        raise ValueError(
            "not a user alone; the password goes to SALES_DB_PASSWORD (a user with a : in its name "
            "is one of SALES_DATABASE_URL, as %3A)"
        )
    _check_name(user)


def check_database_name(name: str) -> None:
    """Raises ValueError, which does not show it, if no database of PostgreSQL is called so."""
    _check_no_url(name)
    _check_name(name)


def _check_no_url(given: str) -> None:
    if "://" in given:
        raise ValueError("a URL, which goes to SALES_DATABASE_URL")


def _check_name(name: str) -> None:
    if not name.strip():
        raise ValueError("a name of blanks alone")
    if has_control(name):
        raise ValueError("a control character stands in it")
    if len(name.encode(errors="surrogateescape")) > _MOST_NAME_BYTES:
        raise ValueError(f"longer than {_MOST_NAME_BYTES} bytes, which no name of PostgreSQL is")
