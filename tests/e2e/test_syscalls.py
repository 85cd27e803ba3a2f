"""What an archive asks of the system: so many calls, so that they do not grow back unseen."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.archives import Shop, write_shop
from tests.support.processes import local_environment
from tests.support.run import sales, week

STRACE = shutil.which("strace")
FEW, MANY = 20, 40
KINDS = {
    "open": ("open", "openat"),
    "stat": ("stat", "lstat", "fstat", "newfstatat", "statx", "readlink", "access"),
    "name": ("link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir"),
    "thread": ("clone", "clone3", "fork", "vfork"),
}
# Of strace's summary: percent, seconds, microseconds a call, calls, errors, name.
LINE = re.compile(r" *[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$")
# What threads and memory come to is a matter of libraries and of chance.
CHANCE = {"total", "futex", "brk", "mmap", "munmap", "mremap", "mprotect", "madvise"}
# A seventh above what is reached: an attempt and a result, each without a name until whole, and an
# extract, made beside its place, mostly in a new one of 256 folders; to what is read the way is
# opened folder by folder. Of names, one more: the attempt's goes once the run is published.
MOST = {"open": 33, "stat": 38, "name": 5.4, "thread": 0.1, "any": 137}
# Its CSV and its page are made, filled and closed; opened, synced and closed.
MOST_OF_A_CATEGORY = 14
# A few threads sync all files; how many of them it takes depends on how quick the disk is.
A_THREAD_BEGINS = {"clone", "clone3", "rseq", "set_robust_list", "gettid", "rt_sigprocmask"}


def _of_archives(folder: Path, archives: int) -> Counter[str]:
    """Of a run over so many archives of one day and purchase, by name."""
    found = {f"week_{n:02}.zip": week(sales(n)) for n in range(1, archives + 1)}
    return _calls(write_shop(folder / "shop", found), folder)


def _of_categories(folder: Path, categories: int) -> Counter[str]:
    """Of a run over one archive with a purchase of each of so many categories, by name."""
    products = [(f"p{n}", "Pen", f"Office {n}", "0.10") for n in range(categories)]
    parts = [sales(product_id=f"p{n}") for n in range(categories)]
    return _calls(write_shop(folder / "shop", {"a.zip": week(*parts)}, products=products), folder)


def _calls(shop: Shop, folder: Path) -> Counter[str]:
    env = local_environment(shop, folder)
    told = folder / "calls"
    run = [sys.executable, "-m", "console.command", "run", "--quiet"]
    assert STRACE is not None
    done = subprocess.run(
        [STRACE, "-f", "-c", "-o", str(told), *run],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"strace may watch nothing here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    lines = re.findall(
        r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$", told.read_text(), re.MULTILINE
    )
    return Counter({name: int(calls) for calls, name in lines if name not in CHANCE})


@pytest.mark.skipif(STRACE is None, reason="strace is not installed: `apt-get install strace`")
def test_an_archive_asks_no_more_of_the_system_than_it_does(tmp_path: Path) -> None:
    few, many = (_of_archives(tmp_path / str(count), count) for count in (FEW, MANY))
    found = {
        kind: sum(many[name] - few[name] for name in names) / (MANY - FEW)
        for kind, names in KINDS.items()
    }
    found["any"] = (many.total() - few.total()) / (MANY - FEW)
    assert {kind: calls for kind, calls in found.items() if calls > MOST[kind]} == {}, found


@pytest.mark.skipif(STRACE is None, reason="strace is not installed: `apt-get install strace`")
def test_a_category_asks_no_more_of_the_system_than_its_two_files_do(tmp_path: Path) -> None:
    few, many = (_of_categories(tmp_path / str(count), count) for count in (FEW, MANY))
    more = many - few
    found = sum(calls for name, calls in more.items() if name not in A_THREAD_BEGINS)
    assert found / (MANY - FEW) <= MOST_OF_A_CATEGORY, more
