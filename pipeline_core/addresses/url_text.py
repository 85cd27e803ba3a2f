"""What is wrong in the text of any URL, wherever it leads. No message shows a piece of it."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import unquote_to_bytes

from pipeline_core.addresses.host_names import is_host_name

_AROUND = " \t\r\n'\""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# A name, or an IPv6 address in its brackets, perhaps with a zone; then a port.
_PLACE = re.compile(r"(?:\[([^\[\]%]*)(?:%25\w+)?\]|([\w.-]*))(?::(\d*))?")
_PORTS = range(1, 1 << 16)


def check_text(url: str) -> None:
    """Raises ValueError for quotes around it, blanks anywhere, and escapes that are none."""
    check_around(url)
    if re.search(r"\s", url):
        raise ValueError("a blank stands in it; write it as %20")
    check_escapes(url)


def check_around(url: str) -> None:
    """Raises ValueError for quotes and blanks around it."""
    if url != url.strip(_AROUND):
        raise ValueError("blanks or quotes stand around it; leave them out")


def has_control(text: str) -> bool:
    """Whether a control character of ASCII stands in it."""
    return bool(_CONTROL.search(text))


def check_escapes(url: str) -> None:
    """Raises ValueError for control characters, for a % that escapes nothing, and for escapes that
    are no UTF-8."""
    if has_control(url):
        raise ValueError("a control character stands in it; write it as %09 and the like")
    if _ESCAPE.search(url):
        raise ValueError("a % in it escapes nothing; write % itself as %25")
    try:
        unquote_to_bytes(url).decode()
    except UnicodeDecodeError:
        raise ValueError("its escapes are no UTF-8; write % itself as %25") from None


def check_host_and_port(place: str) -> str:
    """The host; may be empty. Raises ValueError if it is none, or the port is out of range."""
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ValueError("its host or its port is none")
    address, name, port = found.groups()
    if address is not None:
        try:
            IPv6Address(address)
        except ValueError:
            raise ValueError("what stands in brackets is no IPv6 address") from None
    if port is not None and not (port.isascii() and port.isdigit() and int(port) in _PORTS):
        raise ValueError("the port is no number from 1 to 65535")
    if name and not is_host_name(name):
        raise ValueError("its host is no name and no address")
    return address or name
