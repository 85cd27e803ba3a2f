"""Files that are no parts yet, by what settings would call them."""

from __future__ import annotations

import pytest

from pipeline_core.inspection.search import patterns


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (["a.log", "b.LOG", "c.txt"], (".log", ".txt")),
        (["a.log.gz"], (".log.gz",)),
        (["shop-1-0", "shop-1-1.gz", "shop-2-1"], ("shop-*",)),
        (["shop-1-0", "shop-2-1", "other.gz"], (".gz", "shop-*")),
        (["shop-1-2023-10-1", "shop-1-2023-10-2"], ("shop-*",)),
        (["1.a0.gz", "2.a1.gz"], (".gz",)),
        (["part", "other"], ("*",)),
        (["part"], ("*",)),
        (["a[1]-1", "a[1]-2"], ("*",)),
    ],
)
def test_files_are_called_by_ending_or_beginning(names: list[str], called: tuple[str, ...]) -> None:
    assert patterns(names) == called
