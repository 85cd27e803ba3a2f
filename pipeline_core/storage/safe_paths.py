"""What is below a root, reached step by step: through no link that others put there.

The root is whoever's who named it, and may be a link itself. Below it a link that appears between a
look and the opening, or the removal, is not followed either, where the system opens step by step.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline_core.errors import ConfigError
from pipeline_core.storage.listing import link_text

# What others put there between a look and the opening must not be waited for.
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
# On Linux a folder that one may pass through, and not list, can be passed through.
_FOLDER: int = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
_IS_STEPWISE = bool(_NO_LINK) and {os.open, os.unlink} <= os.supports_dir_fd


def open_below(root: Path, place: Path) -> int:
    """A descriptor to read a file below the root by, reached through no link. Raises OSError."""
    if not _IS_STEPWISE:
        return os.open(root / place, READ)
    with _folder_below(root, place) as folder:
        return os.open(place.name or ".", READ | _NO_LINK, dir_fd=folder)


def remove_below(root: Path, place: Path) -> None:
    """Removes a file below the root, or a link itself, reached through no link. Raises OSError."""
    if not _IS_STEPWISE:
        (root / place).unlink()
        return
    with _folder_below(root, place) as folder:
        os.unlink(place.name, dir_fd=folder)


def check_way(root: Path, place: Path) -> None:
    """Raises ConfigError if a folder between the root and a place, or the place, is a link."""
    path = root
    for name in place.parts:
        path = path / name
        try:
            status = path.lstat()
        except OSError:  # not there, or to be told by whoever uses it
            return
        if stat.S_ISLNK(status.st_mode):
            raise ConfigError(
                f"{path} is a symbolic link{_target(path)}, and nothing is read, written or "
                f"removed through one below {root}.",
                "Remove the link. Only the folder that a setting names may itself be one.",
            )


def inside(root: Path, link: Path) -> Path | None:
    """From the root, where a link in it says that it leads; None if that is elsewhere, or it is no
    link."""
    try:
        target = Path(os.readlink(link))
    except OSError:
        return None
    if target.is_absolute():
        if not target.is_relative_to(root):
            return None
        target = target.relative_to(root)
    return None if ".." in target.parts or not target.parts else target


def _target(link: Path) -> str:
    with suppress(OSError):
        return f" to {link_text(link)}"
    return ""


@contextmanager
def _folder_below(root: Path, place: Path) -> Iterator[int]:
    """A descriptor of the folder that a place is in."""
    folder = os.open(root, _FOLDER)
    try:
        for name in place.parts[:-1]:
            inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)
