"""Which host and which path a request is for (RFC 9110, 4.2 and RFC 9112, 3.2)."""

from __future__ import annotations

import re

from tornado.httputil import HTTPServerRequest, split_host_and_port

# Without a user, which no request may name; the query is cut off already.
_WHOLE = re.compile(r"https?://([^/@]+)(/.*)?", re.IGNORECASE | re.DOTALL)


def read_target(request: HTTPServerRequest) -> None:
    """A target that is a whole URL becomes its path. Its host counts, and the header does not."""
    found = _WHOLE.fullmatch(request.path)
    if found is not None:
        request.host, request.path = found[1], found[2] or "/"
        request.host_name = split_host_and_port(found[1].lower())[0]


def asked_host(request: HTTPServerRequest) -> str:
    """The host without its port, which may be empty: ``127.0.0.1:`` is what 127.0.0.1 is."""
    host = request.host_name
    return host if host.endswith("::") else host.removesuffix(":")
