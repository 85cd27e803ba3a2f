"""Which hosts a browser may ask for.

A web page of elsewhere can make its own name lead to this machine and then read what is served
here, as if it were its own (DNS rebinding). The browser still sends that name, so names that nobody
vouched for are refused. An IP address is no name: none can be made to lead elsewhere.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from pipeline_core.addresses.host_names import is_address, parse_host_names, plain_host

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class ServedHosts:
    """The hosts that are answered to."""

    # As ``plain_host`` has them.
    known: frozenset[str]
    # Whether any IP address is, because others than this machine are served.
    any_address: bool

    def answers_to(self, host: str) -> bool:
        """``host`` is that of a request, without its port."""
        plain = plain_host(host)
        return plain in self.known or (self.any_address and is_address(plain))


def hosts_of(listen_on: str, also: str | None) -> ServedHosts:
    """For a server that listens on ``listen_on``; ``also`` is SALES_SERVE_NAMES."""
    known = _THIS_MACHINE | {plain_host(listen_on)} | parse_host_names(also or "")
    return ServedHosts(known - {""}, any_address=not is_loopback(listen_on))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
