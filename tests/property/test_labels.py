"""However long a daily zip's name is, its label holds the date of the whole name, and no other."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline_core.containers.cut import LONGEST_NAME
from pipeline_core.containers.names import day_date, day_label
from pipeline_core.reread.names import iso_date, shown_day

_PIECE = st.one_of(
    st.sampled_from(["2024-03-01", "2024_03_02", "20240303", "2024-13-01", "1", "-", "/", "\\"]),
    st.builds(
        lambda text, times: text * times, st.sampled_from(["x", "é", "😀"]), st.integers(1, 500)
    ),
)
_NAMES = st.lists(_PIECE, min_size=1, max_size=9).map("".join).map(lambda name: f"{name}.zip")


@settings(max_examples=500, deadline=None)
@example("x" * 470 + "12024-03-01" + "x" * 1000 + ".zip")
@example("x" * 1000 + "12024-03-01" + "x" * 466 + ".zip")
@example("2024-03-01" + "x" * 480 + "/" + "y" * 480 + ".zip")
@given(_NAMES)
def test_label_of_a_day_says_when_it_was(name: str) -> None:
    shown = day_label(name)
    assert day_date(shown) == day_date(name)
    assert len(shown.encode()) <= LONGEST_NAME
    assert day_label(shown) == shown
    assert shown.endswith(".zip")
    assert (shown == name) == (len(name.encode()) <= LONGEST_NAME)
    assert shown_day(name) == shown
    assert iso_date(name) == ("" if day_date(name) is None else str(day_date(name)))
