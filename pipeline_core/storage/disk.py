"""What a file system does with whole files and folders."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_core.errors import RetryableError


@contextmanager
def temporary_folder(uri: str) -> Iterator[Path]:
    """A folder for what is on its way to or from ``uri``, removed afterwards. Raises
    RetryableError if there is no place for one."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="sales-")
    except OSError as error:
        raise RetryableError(
            f"There is no temporary folder for {uri}: {error.strerror}.",
            "Set TMPDIR to a folder with room.",
        ) from error
    with folder as name:
        yield Path(name)
