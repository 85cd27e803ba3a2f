"""Where the broker and its results are: what may be written for their URLs.

kombu, Celery and redis-py each take a URL apart in their own way, and late. What they agree on is
host, port, password and the number of a database; the rest is refused, and never shown.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from pipeline_core.addresses.url_text import check_host_and_port, check_text

_FORM = "write redis://:password@host:6379/0"
_SCHEME = re.compile(r"([\w+.-]+)://")
_REST = re.compile(r"([^/?#]*)(.*)")
_DATABASE = re.compile(r"/{0,2}[0-9]{0,9}")
# In a query they would win over our own options.
_TLS_CHECKS = ("ssl_cert_reqs", "ssl_check_hostname")


def check_broker_url(url: str) -> None:
    """Raises ValueError, which shows nothing of it, if it is not of one Redis."""
    # Clients decode a query's names, so a check in disguise counts too.
    if any(name in unquote(url) for name in _TLS_CHECKS):
        raise ValueError("certificates are always checked; SALES_REDIS_CA names the authority")
    check_text(url)
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ValueError(f"not a URL; {_FORM}")
    if scheme[1] in {"sentinel", "redis+sentinel"}:
        raise ValueError(f"Redis Sentinel is not supported; {_FORM} of the server, or of a proxy")
    if scheme[1] not in {"redis", "rediss"}:
        raise ValueError(f"not of Redis; {_FORM}, or rediss:// with TLS")
    _check_place(url[scheme.end() :])


def _check_place(rest: str) -> None:
    found = _REST.fullmatch(rest)
    server, behind = found.groups() if found else (rest, "")
    login, _, place = server.rpartition("@")
    if "@" in behind or re.search(r"[\[\]@]", login):
        raise ValueError("not a URL; write / ? # [ ] @ of the password as %2F %3F %23 %5B %5D %40")
    if {";", ","} & set(rest):
        raise ValueError(
            f"several servers are not supported; {_FORM}, and ; , of the password as %3B %2C"
        )
    if not check_host_and_port(place):
        raise ValueError(f"there is no host in it; {_FORM}")
    if "?" in behind or "#" in behind:
        raise ValueError(
            "options behind ? or # are not supported; SALES_* settings say it all, and ? and # of "
            "the password are %3F and %23"
        )
    if not _DATABASE.fullmatch(behind):
        raise ValueError(f"its database is no number; {_FORM}")


def check_certificates(file: str) -> None:
    """Raises ValueError if it is no file of certificates (PEM)."""
    import ssl  # most fleets need none

    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError("it holds no certificate of an authority (PEM)") from None
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
