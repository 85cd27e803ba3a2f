"""How often Python looks for garbage: seldom in a command, which makes hardly any."""

from __future__ import annotations

import gc

# Imports make many objects, and all of them stay.
_OBJECTS_BETWEEN_COLLECTIONS = 1_000_000
_USUAL = gc.get_threshold()


def collect_seldom() -> None:
    """For a command that is over soon."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def collect_as_usual() -> None:
    """For one that stays for weeks."""
    gc.set_threshold(*_USUAL)
