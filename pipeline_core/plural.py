"""Numbers with the thing that they count, for people."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 archive``, ``2,000 archives``: of a noun whose plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
