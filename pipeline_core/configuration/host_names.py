"""Host names as a browser sends them, and as a setting lists them."""

from __future__ import annotations

import ipaddress
import re

# What a browser may send: letters beyond ASCII come as xn--….
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_LONGEST = 253


def parse_host_names(text: str) -> frozenset[str]:
    """The names of a list separated by commas, as ``plain_host`` has them.

    Raises ValueError if one is no name and no IP address: a scheme, a port, a path or a ``*``
    would never fit what a browser sends."""
    names = frozenset(plain_host(name.strip()) for name in text.split(",") if name.strip())
    for name in sorted(names):
        if not is_address(name) and (not _NAME.fullmatch(name) or len(name) > _LONGEST):
            raise ValueError(
                "not a list of host names, such as reports.example,shop.example: no http://, "
                "port, path or *; other letters than a to z as browsers send them (xn--…)"
            )
    return names


def plain_host(host: str) -> str:
    """A host in small letters, without the brackets of IPv6 and the dot at the end of a name."""
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1].lower()
    return host.lower().removesuffix(".")


def is_address(host: str) -> bool:
    """Whether a plain host is an IP address, which no name server can be asked for."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
