"""What is below a root, reached step by step: through no link that others put there.

The root is whoever's who named it, and may be a link itself. Below it a link that appears between a
look and the opening, or the removal, is not followed either, where the system opens step by step.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipeline_core.errors import ConfigError
from pipeline_core.storage.listing import link_text

# What others put there between a look and the opening must not be waited for.
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
# On Linux a folder that one may pass through, and not list, can be passed through.
_FOLDER: int = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
_IS_STEPWISE = bool(_NO_LINK) and {os.open, os.unlink} <= os.supports_dir_fd


def open_below(root: str, place: str) -> int:
    """A descriptor to read a file below the root by, reached through no link. Raises OSError."""
    if not _IS_STEPWISE:
        check_way(root, place)
        return os.open(f"{root}/{place}", READ)
    folder, name = _folder_below(root, place)
    try:
        return os.open(name or ".", READ | _NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)


def remove_below(root: str, folder: str, names: Iterable[str]) -> None:
    """Removes files of a folder below the root, or links themselves, as far as they are there: the
    folder is reached once, through no link. Raises OSError."""
    if not _IS_STEPWISE:
        for name in names:
            Path(root, folder, name).unlink(missing_ok=True)
        return
    opened, _ = _folder_below(root, f"{folder}/.".lstrip("/"))
    try:
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=opened)
    finally:
        os.close(opened)


def link_on_way(root: str, place: str) -> str | None:
    """The first link between the root and a place, or the place; None if there is none."""
    path = root
    for name in place.split("/") if place else ():
        path = f"{path}/{name}"
        try:
            status = os.lstat(path)
        except OSError:  # not there, or to be told by whoever uses it
            return None
        if stat.S_ISLNK(status.st_mode):
            return path
    return None


def check_way(root: str, place: str) -> None:
    """Raises ConfigError if a folder between the root and a place, or the place, is a link."""
    link = link_on_way(root, place)
    if link is not None:
        raise ConfigError(
            f"{link} is a symbolic link{_target(Path(link))}, and nothing is read, written or "
            f"removed through one below {root}.",
            "Remove the link. Only the folder that a setting names may itself be one.",
        )


def folder_of(place: str) -> str:
    """The folder that a place is in; empty for the root."""
    return place.rpartition("/")[0]


def inside(root: Path, name: str) -> str | None:
    """From the root, where a link in it says that it leads; None if that is elsewhere, or it is no
    link."""
    try:
        target = Path(os.readlink(f"{root}/{name}"))
    except OSError:
        return None
    if target.is_absolute():
        if not target.is_relative_to(root):
            return None
        target = target.relative_to(root)
    return None if ".." in target.parts or not target.parts else target.as_posix()


def _target(link: Path) -> str:
    with suppress(OSError):
        return f" to {link_text(link)}"
    return ""


def _folder_below(root: str, place: str) -> tuple[int, str]:
    """A descriptor of the folder that a place is in, and the place's name in it."""
    *folders, last = place.split("/")
    folder = os.open(root, _FOLDER)
    try:
        for name in folders:
            inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = inner
    except BaseException:
        os.close(folder)
        raise
    return folder, last
