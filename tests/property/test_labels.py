"""Names and their dates: three readers find the same ones, and the label of a daily zip, however
long its name is, holds the date of the whole name, and no other."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline_core.containers.cut import LONGEST_NAME
from pipeline_core.containers.entry_names import day_date, day_label, folder_date, part_date
from pipeline_core.reread import names as reread
from pipeline_core.reread.names import iso_date, shown_day
from tests.support.oracle_feed import date_of_day, date_of_part
from tests.support.whole_runs import whole_runs

_PIECE = st.one_of(
    st.sampled_from(
        ["2024-03-01", "2024_03_02", "20240303", "2024-13-01", "1", "-", "/", "\\", "2024.03.04"]
    ),
    st.builds(
        lambda text, times: text * times, st.sampled_from(["x", "é", "😀"]), st.integers(1, 500)
    ),
)
_NAMES = st.lists(_PIECE, min_size=1, max_size=9).map("".join).map(lambda name: f"{name}.zip")


@whole_runs(500)
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


_PLACES = st.lists(
    st.sampled_from(
        [
            *("2024", "03", "05", "5", "2024-03", "20240306", "1930", "15", "59", "T", "t", "Z"),
            *("24", "year=2024", "month=3", "day=7", "-", "_", ".", "/", "\\", "x", "é", "\u0661"),
            *("2024-03-08", "2024.03.09", "Year=", ".json", "..", "1690120405"),
        ]
    ),
    max_size=9,
).map("".join)


@whole_runs(2000)
@given(_PLACES, _PLACES)
def test_three_readers_find_the_same_date(name: str, archive: str) -> None:
    found = str(part_date(name, f"{archive}.zip") or "")
    assert reread.loose_date(name, archive) == found
    assert date_of_part(name, archive) == found
    assert iso_date(name) == date_of_day(name) == str(day_date(name) or "")
    assert reread.folder_date(name) == str(folder_date(name) or "")
