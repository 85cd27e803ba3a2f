"""Structs that several threads decode. msgspec finds out about a struct when it first decodes one,
and two threads that do so at once end the process (0.22): here one finds out, others wait."""

from __future__ import annotations

from threading import Lock
from typing import Any, TypeVar

import msgspec

_Kind = TypeVar("_Kind")

_finding_out = Lock()
_known = set[Any]()


def known(kind: type[_Kind]) -> type[_Kind]:
    """The kind, of which msgspec knows all from now on, in whatever thread."""
    if kind not in _known:
        with _finding_out:
            msgspec.json.Decoder(kind)
            _known.add(kind)
    return kind
