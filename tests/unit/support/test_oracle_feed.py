"""The oracle's reading of feeds against cases by hand, one a rule."""

from __future__ import annotations

import pytest

from tests.support.oracle_feed import Feed, date_of_part
from tests.support.oracle_parts import NotEvents, events_of
from tests.support.shapes import DATES, SHAPES


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    shape = SHAPES[name]
    envelope = Feed.of(shape.settings).envelope
    if shape.events is None:
        with pytest.raises(NotEvents):
            events_of(shape.content, envelope)
    else:
        assert events_of(shape.content, envelope) == shape.events


@pytest.mark.parametrize(("name", "archive"), DATES)
def test_dates_of_loose_parts(name: str, archive: str) -> None:
    assert date_of_part(name, archive) == DATES[name, archive]
