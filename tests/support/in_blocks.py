"""Plans and memories in blocks, however few their archives are."""

from __future__ import annotations

import pytest

from pipeline_core.blocks import files


def end_blocks_after_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks end after every second archive, or before."""
    monkeypatch.setattr(files, "MOST_IN_ONE_FILE", 1)
    monkeypatch.setattr(files, "_MOST_ARCHIVES", 2)
