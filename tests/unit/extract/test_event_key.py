"""By what an event is known if it is sent twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline_core.extract.event_key import event_key
from pipeline_core.framing.field_paths import MISSING
from pipeline_core.framing.strict_json import WRITTEN


def key(*texts: str) -> bytes | None:
    """Of JSON texts; an empty one is missing."""
    return event_key([WRITTEN.decode(text) if text else MISSING for text in texts])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (['"a"'], [r'"\u0061"']),
        (['{"a": 1, "b": [2, {}]}'], ['{"b":[2,{}],"a":1}']),
        (['{"a": 0, "a": 1}'], ['{"a": 1}']),
        (["", '"a"'], ["null", '"a"']),
        (['""', '"a"'], ["null", '"a"']),
        ([r'"\ud800"'], [r'"\uD800"']),
    ],
)
def test_keys_of_equal_values_are_equal(one: Sequence[str], other: Sequence[str]) -> None:
    assert key(*one) == key(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["1"], ['"1"']),
        (["1"], ["1.0"]),
        (["123456789012345678901"], ["123456789012345678902"]),
        (['"a"', '"b"'], ['"b"', '"a"']),
        (['"a,b"'], ['"a"', '"b"']),
        (['"a"', ""], ["", '"a"']),
        (["true"], ['"true"']),
        (["[]"], ["{}"]),
        (['["a", "b"]'], ['[["a"], "b"]']),
    ],
)
def test_keys_of_others_are_not(one: Sequence[str], other: Sequence[str]) -> None:
    assert key(*one) != key(*other)


def test_nothing_is_no_key() -> None:
    assert key("", "null", '""') is None
    assert key('" "') is not None
    assert key('[""]') is not None
    assert key("false") is not None


def test_a_key_of_any_depth_is_found() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert event_key([deep]) != event_key([[deep]])


def test_it_is_the_json_that_json_writes() -> None:
    value = {"b": [True, None, "ä"], "a": {}}
    text = json.dumps([value], sort_keys=True, separators=(",", ":"))
    assert event_key([value]) == event_key(json.loads(text))
