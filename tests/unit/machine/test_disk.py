from __future__ import annotations

import errno
import os
from pathlib import Path
from threading import Barrier

import pytest

from pipeline_core.machine.disk import sync_tree, write_file


def test_every_file_and_every_folder_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    places = [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    files = [place / f"{number}.csv" for place in places for number in range(40)]
    for file in files:
        file.write_text("x")
    synced = list[int]()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    sync_tree(tmp_path)
    assert sorted(synced) == sorted(path.stat().st_ino for path in (*places, *files))
    folders = [path.stat().st_ino for path in places]
    assert synced[-3:] == folders[::-1], "names last, from the innermost on"


def test_files_are_synced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / f"{number}.csv").write_text("x")
    together = Barrier(4, timeout=20)
    folder = tmp_path.stat().st_ino

    def wait(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino != folder:
            together.wait()

    monkeypatch.setattr(os, "fsync", wait)
    sync_tree(tmp_path)
    assert not together.broken


def test_a_file_that_cannot_be_synced_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (tmp_path / f"{number}.csv").write_text("x")
    full = (tmp_path / "2.csv").stat().st_ino

    def refuse(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino == full:
            raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no room"):
        sync_tree(tmp_path)


def test_a_file_is_written_whole_though_the_disk_takes_it_bit_by_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, file = os.write, tmp_path / "a.csv"
    file.write_text("what was there, and is longer")
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    write_file(str(file), b"category,units\n", memoryview(b"Toys,1\n"))
    assert file.read_bytes() == b"category,units\nToys,1\n"
