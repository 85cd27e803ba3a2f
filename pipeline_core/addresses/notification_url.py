"""URLs of notification services, as Apprise takes them, behind ``apprise+``."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from functools import lru_cache
from urllib.parse import unquote

from pipeline_core.addresses.url_text import check_escapes
from pipeline_core.machine.install_lines import install_line

_FORM = "write apprise+ and the URL that Apprise documents, as in apprise+slack://token/#channel"
_PREFIX = "apprise+"
_URL = re.compile(r"[a-z][a-z0-9]*://\S+", re.IGNORECASE)
NEEDED = "apprise>=2.3"


def is_notification_url(given: str) -> bool:
    """Whether it is meant to be one."""
    return given.lower().startswith("apprise")


def parse_notification_url(given: str) -> str:
    """What Apprise takes: ``%2C`` in it is a comma. Raises ValueError, which shows nothing of it,
    if it is no URL, or Apprise is not installed."""
    url = given[len(_PREFIX) :].replace("%2C", ",").replace("%2c", ",")
    if not given.lower().startswith(_PREFIX) or not _URL.fullmatch(url):
        raise ValueError(f"not a notification service; {_FORM}")
    check_escapes(given)
    if "://***/" in unquote(url):
        raise ValueError("its tokens are hidden, and SALES_DELIVER has none that is shown so")
    if not has_apprise():
        raise ValueError(
            f"notification services need Apprise, which is not installed: `{install_line(NEEDED)}`"
        )
    return url


def has_apprise() -> bool:
    """Whether it is installed; it is not imported."""
    return importlib.util.find_spec("apprise") is not None


@lru_cache(maxsize=64)
def secret_digest(url: str) -> str:
    """16 hex digits that say nothing of the URL: each guess at a token in it takes long."""
    made = hashlib.scrypt(url.encode(), salt=b"sales-pipeline", n=1 << 14, r=8, p=1, dklen=8)
    return made.hex()
