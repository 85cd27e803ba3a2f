"""Which files of extracts may have a day: their names say so, and no index needs to be written.

::

    <archive>/<day><day>....arrow    of an archive, by two digits of its name's SHA-256: the first
                                     seven digits of each day's, in order
    <day>.arrow                      one day, by its whole SHA-256: of an earlier version
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline_core.storage import Storage

_DIGITS = 7
_NAME = re.compile(r"(?:[0-9a-f]{2}/((?:[0-9a-f]{7})+)|([0-9a-f]{64}))\.arrow")
# Beyond, whoever looks for a day of an archive in a far storage lists what there is of the archive.
_MOST_LISTED = 10_000
_VALUES = np.zeros(256, np.uint32)
_VALUES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_PLACES = 16 ** np.arange(_DIGITS - 1, -1, -1, dtype=np.uint32)


def file_name(archive: str, digests: Iterable[str]) -> str:
    """The name of a file with the days of such digests, of an archive: the same for the same."""
    return f"{_folder_of(archive)}/{''.join(sorted(map(short, digests)))}.arrow"


def name_beside(name: str, digests: Iterable[str]) -> str:
    """The name of a file with such days, some of those of the file ``name``, of its archive."""
    return f"{name.partition('/')[0]}/{''.join(sorted(map(short, digests)))}.arrow"


def short(digest: str) -> str:
    """What a name has of a day's digest: of a million days some three have it, too."""
    return digest[:_DIGITS]


def days_in(name: str) -> list[str]:
    """What a name has of its days' digests; none if it is no name of ours."""
    several, one = _several_or_one(name)
    return [several[at : at + _DIGITS] for at in range(0, len(several), _DIGITS)] or one


def is_of_one_day(name: str) -> bool:
    """Whether it is an earlier version's, which has nothing before the extract."""
    return "/" not in name


class ExtractNames:
    """Names of the files in ``folder``, listed once, when the first day is looked for."""

    def __init__(self, state: Storage, folder: str) -> None:
        self._state, self._folder = state, folder
        self._all: _Listed | None = None
        self._are_many = False
        self._of_some: dict[str, _Listed] = {}
        self._added: dict[str, list[str]] = defaultdict(list)

    def having(self, archive: str, digest: str) -> list[str]:
        """Names of files that may have a day, of most days first. In a far storage of very many
        only those are found that were written for an archive of this name. Raises
        RetryableError."""
        found = {*self._listed(archive).having(digest), *self._added.get(short(digest), ())}
        return sorted(found, key=lambda name: (is_of_one_day(name), -len(name), name))

    def add(self, name: str) -> None:
        """Notes a file that was written since."""
        for day in days_in(name):
            self._added[day].append(name)

    def _listed(self, archive: str) -> _Listed:
        if self._all is None and not self._are_many:
            names = self._state.names(self._folder, _MOST_LISTED)
            self._are_many = names is None
            self._all = None if names is None else _Listed(names)
        return self._all or self._of_archive(_folder_of(archive))

    def _of_archive(self, folder: str) -> _Listed:
        if folder not in self._of_some:
            names = self._state.names(f"{self._folder}/{folder}", _MOST_LISTED) or ()
            self._of_some[folder] = _Listed(f"{folder}/{name}" for name in names)
        return self._of_some[folder]


class _Listed:
    """Names of files, by the days in them: eight bytes a day beside the names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: list[str] = []
        days, counts = [], []
        for name in names:
            several, one = _several_or_one(name)
            if several or one:
                self._names.append(name)
                days.append(several or one[0])
                counts.append(len(days[-1]) // _DIGITS)
        numbers = _numbers("".join(days))
        order = np.argsort(numbers, kind="stable")
        self._days = numbers[order]
        self._files = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)[order]

    def having(self, digest: str) -> list[str]:
        (number,) = _numbers(short(digest))
        first, last = (np.searchsorted(self._days, number, side) for side in ("left", "right"))
        return [self._names[file] for file in self._files[first:last].tolist()]


def _several_or_one(name: str) -> tuple[str, list[str]]:
    found = _NAME.fullmatch(name)
    if found is None:
        return "", []
    return found[1] or "", [short(found[2])] if found[2] else []


def _numbers(digits: str) -> NDArray[np.uint32]:
    """Each seven hexadecimal digits as a number."""
    values = _VALUES[np.frombuffer(digits.encode(), np.uint8)].reshape(-1, _DIGITS)
    numbers: NDArray[np.uint32] = (values * _PLACES).sum(axis=1, dtype=np.uint32)
    return numbers


def _folder_of(archive: str) -> str:
    return hashlib.sha256(archive.encode()).hexdigest()[:2]
