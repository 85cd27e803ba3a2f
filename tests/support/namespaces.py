"""What of a machine's own a test may have here: names, process ids, networks, mounts."""

from __future__ import annotations

import shutil
import subprocess

import pytest

_TRIED = ("--uts", "--pid", "--fork", "--mount-proc", "hostname", "twin")


def _allowed() -> bool:
    """Whether a process may have a host name and process ids of its own here."""
    if shutil.which("unshare") is None or shutil.which("hostname") is None:
        return False
    return subprocess.run(["unshare", *_TRIED], capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(
    not _allowed(),
    reason="no process may have a host name and process ids of its own here: as root, with unshare",
)
