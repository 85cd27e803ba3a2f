"""A file that a live worker keeps touching: what a container's health check looks at."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline_core.machine.worker_folder import worker_folder

# A worker touches its file several times in this time.
FRESH_SECONDS = 60


def heartbeat_path(configured: str | None) -> Path:
    """The file as set, or one in the temporary folder that all workers of this user share."""
    if configured is not None:
        return Path(configured)
    user = os.getuid() if hasattr(os, "getuid") else 0  # Windows has a folder for each user
    return Path(worker_folder.shared()) / f"sales-pipeline-{user}.heartbeat"


class Heartbeats:
    """One worker's, in a file that workers of this machine may share: the last of them removes it.
    Each holds a lock on it, which the system takes away from whoever dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    def touch(self) -> None:
        """Says: alive now. Raises OSError."""
        import fcntl  # Windows has none, and no workers

        # Opened again each time: the last of the others may have removed the file.
        opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._release()
        self._held = opened
        fcntl.flock(opened, fcntl.LOCK_SH)
        os.utime(opened)

    def end(self) -> None:
        """Says: gone; the file stays for another who touches it."""
        import fcntl

        if self._held is None:
            return
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.path.unlink(missing_ok=True)
        except BlockingIOError:  # another lives
            return
        finally:
            self._release()

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


def age_seconds(path: Path, now: float) -> float | None:
    """Seconds since the last touch (``now`` is time.time()), or None if there was none."""
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return None
