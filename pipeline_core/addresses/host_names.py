"""Host names as a browser sends them, and as a setting lists them."""

from __future__ import annotations

import ipaddress
import re
import socket

# What a browser may send: letters beyond ASCII come as xn--….
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_LABEL = re.compile(r"[\w][\w-]*")
_LONGEST, _LONGEST_LABEL = 253, 63
_NUMBERS = re.compile(r"[0-9.]+")


def parse_host_names(text: str) -> frozenset[str]:
    """The names of a list separated by commas, as ``plain_host`` has them.

    Raises ValueError if one is no name and no IP address: a scheme, a port, a path or a ``*``
    would never fit what a browser sends."""
    names = frozenset(plain_host(name.strip()) for name in text.split(",") if name.strip())
    for name in sorted(names):
        if not is_address(name) and (not _NAME.fullmatch(name) or not is_host_name(name)):
            raise ValueError(
                "not a list of host names, such as reports.example,shop.example: no http://, "
                "port, path or *; other letters than a to z as browsers send them (xn--…)"
            )
    return names


def is_host_name(name: str) -> bool:
    """Whether it can be looked up: labels with dots in between, and perhaps one at the end. What
    has the form of an IPv4 address has to be one."""
    labels = name.removesuffix(".").split(".")
    if len(name) > _LONGEST or not all(
        _LABEL.fullmatch(label) and len(label) <= _LONGEST_LABEL for label in labels
    ):
        return False
    return not _NUMBERS.fullmatch(name) or _is_ipv4(name)


def _is_ipv4(numbers: str) -> bool:
    """As clients read it: 127.1 is 127.0.0.1."""
    try:
        socket.inet_aton(numbers.removesuffix("."))
    except OSError:
        return False
    return True


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
