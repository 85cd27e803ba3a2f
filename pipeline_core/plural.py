"""Numbers with the thing that they count, for people."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 archive``, ``2,000 archives``: of a noun whose plural ends in s."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """``archive`` of one, else ``archives``."""
    return noun if number == 1 else f"{noun}s"
