"""A folder that cannot be written is told before the work, and nothing is left of the look."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Never

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.places.writable import check_writable


def test_a_folder_that_can_be_made_is_well_and_not_made(tmp_path: Path) -> None:
    check_writable(str(tmp_path / "a" / "b"), "Reports", "SALES_REPORTS")
    check_writable(f"file://{tmp_path}", "Reports", "SALES_REPORTS")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "reports", "a/b"])
def test_a_file_in_its_place_or_above_it_is_a_wrong_setting(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"Reports .*file is a file, not a folder") as caught:
        check_writable(str(tmp_path / "file" / below), "Reports", "SALES_REPORTS")
    assert "SALES_REPORTS (--reports)" in caught.value.remedy


def _refuse(code: int) -> Never:
    raise OSError(code, os.strerror(code))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_right_that_is_missing_is_told_with_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    """As root, whom a folder's rights do not stop, sees no such answer."""
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: _refuse(code))
    with pytest.raises(ConfigError, match=f"may not write to {tmp_path}: {os.strerror(code)}"):
        check_writable(str(tmp_path / "r"), "Reports", "SALES_REPORTS")


def test_what_room_mends_is_for_whoever_writes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: _refuse(errno.ENOSPC))
    check_writable(str(tmp_path), "Reports", "SALES_REPORTS")
