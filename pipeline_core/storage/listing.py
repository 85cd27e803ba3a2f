"""What the entry of a folder is: a file, a folder, or something that cannot be read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from pipeline_core.storage.base import Contents, StoredObject

# What a link is to blame for itself; any other error may be over soon.
_LEADS_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG}
# A plan or a memory of 10,000 archives is far smaller; what has no end is none of ours.
_RECORDS, MOST_RECORD_BYTES = (".json", ".result"), 1 << 30
FOLDER_TEXT = "it is a folder, not a file"
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a symbolic link"),
)


def is_visible(name: str) -> bool:
    """Whether it is neither hidden nor the mark of a folder."""
    return name != "" and not name.startswith(".")


def put(
    found: Contents, entry: os.DirEntry[str], key: str, refusal: Callable[[Path], str | None]
) -> None:
    """Adds an entry to what it is. ``refusal`` says why what a link leads to is not to be read;
    None if it may be. Raises OSError if what it is cannot be told now."""
    is_folder = entry.is_dir(follow_symlinks=False)
    if entry.name.startswith("."):
        if not is_folder:
            found.hidden.append(key)
        return
    path = Path(entry.path)
    refused = refusal(path) if entry.is_symlink() else None
    if is_folder or (refused is not None and path.is_dir()):
        found.folders.append(entry.name)
    elif refused is not None:
        found.others[key] = refused
    else:
        _put_readable(found, entry, key)


def _put_readable(found: Contents, entry: os.DirEntry[str], key: str) -> None:
    status = _status(entry)
    if status is None:
        found.others[key] = misled(Path(entry.path))
    elif stat.S_ISDIR(status.st_mode):
        found.folders.append(entry.name)
    elif stat.S_ISREG(status.st_mode):
        found.files.append(stored(key, status))
    else:
        found.others[key] = _no_file_text(status)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Of what a link leads to; None if it leads nowhere."""
    try:
        return entry.stat()
    except OSError as error:
        if not entry.is_symlink() or error.errno not in _LEADS_NOWHERE:
            raise
        return None


def kind_text(mode: int) -> str:
    """What it is that is neither a file nor a folder."""
    return f"it is {next((kind for is_kind, kind in _KINDS if is_kind(mode)), 'a device')}"


def _no_file_text(status: os.stat_result) -> str:
    is_folder = stat.S_ISDIR(status.st_mode)
    return FOLDER_TEXT if is_folder else f"{kind_text(status.st_mode)}, not a file"


def instead_of_file(path: Path) -> str | None:
    """What stands where a file could not be opened; None if nothing does."""
    try:
        status = path.stat()
    except OSError:
        return misled(path) if path.is_symlink() else None
    if not stat.S_ISREG(status.st_mode):
        return _no_file_text(status)
    return misled(path) if path.is_symlink() else None


def why_no_file(name: str, status: os.stat_result) -> str | None:
    """Why what is called so, and is no folder, is no file that we wrote; None if it may be."""
    if not stat.S_ISREG(status.st_mode):
        return kind_text(status.st_mode)
    return why_too_large(name, status.st_size)


def why_too_large(name: str, size: int) -> str | None:
    """Why a record of so many bytes is none of ours; None if it may be, or is no record."""
    if name.endswith(_RECORDS) and size > MOST_RECORD_BYTES:
        return f"it is {size:,} bytes long"
    return None


def stored(key: str, status: os.stat_result) -> StoredObject:
    """A file by its status."""
    return StoredObject(key, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


def link_text(link: Path) -> str:
    """What a symbolic link says, for people and for JSON."""
    return os.fsencode(os.readlink(link)).decode(errors="backslashreplace")


def misled(link: Path) -> str:
    """Why a link leads nowhere, with where it should."""
    try:
        link.stat()
    except FileNotFoundError:
        cause = "which is not there"
    except OSError as error:
        cause = f"which cannot be followed: {error.strerror}"
    else:
        cause = "which was not there a moment ago"
    return f"it is a symbolic link to {link_text(link)}, {cause}"
