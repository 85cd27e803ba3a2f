"""The sentences of ``diff``."""

from __future__ import annotations

import pytest

from console.display.difference import _signed
from pipeline_core.diff import Cause, CauseKind
from pipeline_core.diff.sentences import because


@pytest.mark.parametrize("kind", CauseKind)
def test_every_kind_has_a_sentence(kind: CauseKind) -> None:
    one = Cause(kind=kind, revenue="0.00", units=0, name="{x}", day="d1", before="b", after="a")
    assert because(one)
    if not kind.startswith("changed_"):  # there is one of each
        others = because(Cause(kind=kind, revenue="0.00", units=0, others=1234))
        assert others.startswith("1,234 other")


@pytest.mark.parametrize(
    ("number", "shown"),
    [("-0.50", "-0.50"), ("0.00", "0.00"), ("1234", "+1,234"), ("-1234567.891", "-1,234,567.891")],
)
def test_numbers_keep_their_sign(number: str, shown: str) -> None:
    assert _signed(number) == shown
