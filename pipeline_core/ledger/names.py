"""What runs, archives, slots and tasks may be called: their names become names of files.

A name that comes from outside (a message, an argument, an address, a record) is looked at before
anything is opened by it.
"""

from __future__ import annotations

import re

# As ``new_run_id`` makes them, 20240301T030000000000Z-1a2b3c, or what a program calls its own.
RUN_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z-]{0,63}\Z"
_RUN = re.compile(RUN_PATTERN)
_ARCHIVE = re.compile(r"[0-9]{5,9}")
# A time on the schedule, 20240301T0300, or a word of whoever asks.
SLOT_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z_.:+-]{0,99}\Z"
_SLOT = re.compile(SLOT_PATTERN)
TASK_PATTERN = r"^[0-9A-Za-z_-]{1,64}\Z"
_TASK = re.compile(TASK_PATTERN)


def is_run_id(name: object) -> bool:
    """Letters, digits and dashes, 64 at most."""
    return isinstance(name, str) and _RUN.match(name) is not None


def is_archive_id(name: object) -> bool:
    """An archive's number in a manifest, five digits or more."""
    return isinstance(name, str) and _ARCHIVE.fullmatch(name) is not None


def is_slot(name: object) -> bool:
    """Letters, digits and ``_.:+-``, 100 at most, the first a letter or a digit."""
    return isinstance(name, str) and _SLOT.match(name) is not None


def is_task_id(name: object) -> bool:
    """A UUID, or as plain a word."""
    return isinstance(name, str) and _TASK.match(name) is not None


def is_number(value: object) -> bool:
    """A share of an archive, or a place in its directory: a whole number, not negative."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
