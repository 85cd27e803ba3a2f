"""Links that a report's page has only where it is served: to the live page, and to Flower.

The file has none: it may be read where nothing is served, and its bytes stay as they were
published. They take the style of the page, whose policy allows no other.
"""

from __future__ import annotations

import re
from html import escape

_FIRST_LANDMARK = re.compile(rb"<(?:header|main)\b")


def links_of(path: str, flower_url: str | None) -> bytes:
    """HTML for a page at ``path``, which is ``latest/…`` or ``runs/<run>/…``."""
    links = [f'<a href="{"../" * path.count("/")}live">The run under way</a>']
    if flower_url is not None:
        links.append(f'<a href="{escape(flower_url)}" rel="noreferrer">Flower</a>')
    return f'<nav class="about" aria-label="This server">{" ".join(links)}</nav>\n'.encode()


def add_links(beginning: bytes, links: bytes) -> bytes:
    """The beginning of a page with the links before its first landmark, behind a link that skips
    to what is looked for; at its end if it has none."""
    found = _FIRST_LANDMARK.search(beginning)
    at = found.start() if found else len(beginning)
    return beginning[:at] + links + beginning[at:]
