"""How verify reads parts and names, against cases by hand, one a rule."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline_core.errors import UnreadablePart
from pipeline_core.messages import Limits
from pipeline_core.reread.events import events_of
from pipeline_core.reread.json_text import Number
from pipeline_core.reread.names import loose_date
from pipeline_core.reread.packed import is_packed, unpacked
from tests.support.recounted import feed_of
from tests.support.shapes import DATES, SHAPES, Shape


def _events(shape: Shape, **limits: int) -> Iterator[object]:
    content = shape.content
    if is_packed(content[:4]):
        content = b"".join(unpacked(content, Limits().dictionary_bytes))
    return map(_plain, events_of(content, feed_of(shape.settings), Limits(**limits)))


def _plain(event: Any) -> object:
    """As json has it, without a setting."""
    if isinstance(event, Number):
        return int(event.text)
    return event.replace("\udcff", "\ufffd") if isinstance(event, str) else event


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    shape = SHAPES[name]
    if shape.events is None:
        with pytest.raises((UnreadablePart, ValueError, zlib.error)):
            list(_events(shape))
    else:
        assert list(_events(shape)) == shape.events


@pytest.mark.parametrize(("name", "archive"), DATES)
def test_dates_of_loose_parts(name: str, archive: str) -> None:
    assert loose_date(name, archive) == DATES[name, archive]


ENVELOPES = [
    name
    for name, shape in SHAPES.items()
    if shape.content.startswith(b"{")
    and not re.search(rb"}\s+{", shape.content)
    and ("envelope" in name or "named array" in name)
]


@pytest.mark.parametrize("name", ENVELOPES)
def test_objects_longer_than_an_event_may_be_are_envelopes_all_the_same(name: str) -> None:
    shape = SHAPES[name]
    longest = len(shape.content) - 4
    if shape.events is None:
        with pytest.raises(UnreadablePart):
            list(_events(shape, event_bytes=longest))
    else:
        assert list(_events(shape, event_bytes=longest)) == shape.events


@pytest.mark.parametrize("name", ["lines", "values", "lines without the last end"])
def test_a_line_and_a_value_may_be_so_long(name: str) -> None:
    shape = SHAPES[name]
    assert list(_events(shape, event_bytes=19)) == shape.events
    with pytest.raises(UnreadablePart):
        list(_events(shape, event_bytes=18))
