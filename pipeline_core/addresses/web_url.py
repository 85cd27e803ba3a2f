"""Addresses on the web: of the webhook, and of the Flower page."""

from __future__ import annotations

import re

from pipeline_core.addresses.url_text import check_host_and_port, check_text

WEB_FORM = "write https://host/path"
_SERVER = re.compile(r"https?://([^/?#\\]*)", re.IGNORECASE)


def check_web_url(url: str) -> None:
    """Raises ValueError, which shows nothing of it, if it is no address that a browser opens, or
    holds a password."""
    check_text(url)
    if "\\" in url:  # a browser takes it for a slash, others for a part of the host
        raise ValueError("a backslash stands in it; write / or %5C")
    found = _SERVER.match(url)
    if found is None:
        raise ValueError(f"not an http:// or https:// URL; {WEB_FORM}")
    login, is_login, place = found[1].rpartition("@")
    if login or is_login:
        raise ValueError("a user or a password before the host is not supported; leave it out")
    if not check_host_and_port(place):
        raise ValueError(f"there is no host in it; {WEB_FORM}")


def check_webhook(url: str) -> None:
    """As ``check_web_url``, and what is sent there has to be all of it."""
    check_web_url(url)
    if "#" in url:
        raise ValueError("what follows # is not sent; write # as %23")
    if not url.isascii():
        raise ValueError("only ASCII is sent; write other characters as %C3%A9 and the like")


def check_address(address: str) -> None:
    """Raises ValueError if it is no name or address to listen on, or more than that."""
    is_ipv6 = address.count(":") > 1 and "[" not in address
    try:
        is_host = "[" not in address and bool(
            check_host_and_port(f"[{address.replace('%', '%25')}]" if is_ipv6 else address)
        )
    except ValueError:
        is_host = False
    if not is_host or (":" in address and not is_ipv6):
        raise ValueError("not a host alone, such as 127.0.0.1 or ::; a port has its own setting")
