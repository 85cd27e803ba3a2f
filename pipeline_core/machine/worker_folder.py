"""The temporary files of one worker, in a folder of its own: what a killed one left can be told
from what is in use.

::

    TMPDIR/sales-worker-<boot>-<random>/          locked for as long as the worker or a child lives
    TMPDIR/sales-worker-<boot>-<random>/<pid>/    of the child with that process id

The system takes the lock from whoever dies, and shows it to all processes of this machine, in
whatever container: a folder of this boot that nobody locks is nobody's. Of folders of other
machines, and of before this one started, nothing is known here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from pipeline_core.machine.process_ids import boot

_PREFIX = "sales-worker-"
_RANDOM_BYTES = 4


class WorkerFolder:
    """Made in the worker's main process, before it forks. Where no system tells what is its own,
    temporary files stay where they were, and nothing is cleared."""

    def __init__(self) -> None:
        self._shared: str | None = None
        self._own: Path | None = None
        self._lock: int | None = None

    def take(self) -> list[str]:
        """Clears what dead workers left, and has this process's temporary files in a new folder.
        Returns the names of what was cleared. Raises OSError: nothing can be written."""
        if not boot():
            return []
        self._shared = tempfile.gettempdir()
        stem = f"{_PREFIX}{boot()}-"
        cleared = [path.name for path in Path(self._shared).glob(f"{stem}*") if _clear(path)]
        self._own = Path(self._shared, f"{stem}{token_hex(_RANDOM_BYTES)}")
        self.keep()
        tempfile.tempdir = str(self._own)
        return cleared

    def keep(self) -> None:
        """In the main process, now and then: makes the folder again if somebody removed it, and
        removes what children left that are gone. Raises OSError: it cannot be made."""
        if self._own is None:
            return
        self._own.mkdir(mode=0o700, exist_ok=True)
        while not self._is_locked():  # whoever cleared it just now took it for a dead worker's
            self._own.mkdir(mode=0o700, exist_ok=True)
            self._release()
            self._lock = _locked(self._own, wait=True)
            if self._lock is None:  # a file system without locks: nobody clears anything there
                break
        import psutil

        for path in self._own.iterdir():
            if path.name.isdigit() and not psutil.pid_exists(int(path.name)):
                shutil.rmtree(path, ignore_errors=True)

    def use_as_child(self) -> None:
        """In a child, when it starts and before each piece of work: its files have a place."""
        if self._own is None:
            return
        place = self._own / str(os.getpid())
        tempfile.tempdir = str(place)
        with suppress(OSError):  # whoever writes there is told
            self._own.mkdir(mode=0o700, exist_ok=True)
            place.mkdir(mode=0o700, exist_ok=True)

    def leave(self) -> None:
        """In the main process, when it ends."""
        if self._own is not None:
            tempfile.tempdir = self._shared
            shutil.rmtree(self._own, ignore_errors=True)
            self._own = None
        self._release()

    def shared(self) -> str:
        """The folder of all processes of this user. Raises OSError: there is none."""
        return self._shared or tempfile.gettempdir()

    def _is_locked(self) -> bool:
        """Whether the folder that is there is the one that this worker locked."""
        if self._own is None or self._lock is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._lock), self._own.stat())
        except FileNotFoundError:
            return False

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _clear(folder: Path) -> bool:
    """Removes the folder of a dead worker of this user; whether it was one."""
    lock = _locked(folder, wait=False)
    if lock is None:
        return False
    try:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    finally:
        os.close(lock)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """A descriptor that holds the folder's lock; None if it is another user's, no folder, or in
    use."""
    import fcntl  # Windows has none, and no workers

    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(opened).st_uid == os.geteuid():
            fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            return opened
    except OSError:  # in use, or a file system without locks
        os.close(opened)
        return None
    os.close(opened)
    return None


# Of this process; only a worker takes it.
worker_folder = WorkerFolder()
