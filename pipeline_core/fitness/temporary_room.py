"""Whether temporary files can be written here."""

from __future__ import annotations

import os
import shutil
import tempfile

from pipeline_core.errors import NoTemporaryRoom

# What a day of some hundred thousand events may take unpacked. A worker that has less is not asked
# for work in vain again; one with a larger day than that hands it back, and looks again later.
LEAST_BYTES = 64 << 20


def check_temporary_room() -> None:
    """Takes so much room for a moment, as a large day would.

    Raises:
        NoTemporaryRoom: there is less, or nothing can be written.
    """
    try:
        with tempfile.TemporaryFile(prefix="sales-") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, LEAST_BYTES)
    except OSError as error:
        raise NoTemporaryRoom(
            f"Cannot write {LEAST_BYTES >> 20} MiB of temporary files to {_folder()}: "
            f"{error.strerror or error}.",
            "Make room there, or set TMPDIR to a folder with room.",
        ) from error


def free_temporary_bytes() -> int | None:
    """Bytes free where temporary files go; None if there is no such place."""
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free
    except OSError:
        return None


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "the temporary folder"
