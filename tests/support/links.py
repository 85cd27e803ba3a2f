"""A file system without symbolic links."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As FAT, many mounts and Windows do; a real such mount takes root to make."""

    def refuse(target: str, link: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(link))

    monkeypatch.setattr(os, "symlink", refuse)
