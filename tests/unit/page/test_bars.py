"""Bars beside figures: proportions, and which way they go."""

from __future__ import annotations

import re

import pytest

from pipeline_core.page.bars import Figure, axis_of


def _drawn(figures: list[Figure | None]) -> list[tuple[float, float]]:
    """Where each bar begins and ends, in hundredths."""
    axis, found = axis_of(figures), []
    for each in figures:
        x, width = re.findall(r'<rect x="([\d.]+)%" width="([\d.]+)%"', str(axis.bar(each)))[0]
        found.append((float(x), float(x) + float(width)))
    return found


@pytest.mark.parametrize(
    ("figures", "drawn"),
    [
        (["4.00", "1.00", None, "0.00"], [(0, 100), (0, 25), (0, 0), (0, 0)]),
        (["3.00", "-1.00", "0.00"], [(25, 100), (0, 25), (25, 25)]),
        (["-4.00", "-1.00"], [(0, 100), (75, 100)]),
        (["0.00", None], [(0, 0), (0, 0)]),
        ([], []),
    ],
)
def test_bars_go_from_zero_to_either_side(
    figures: list[Figure | None], drawn: list[tuple[float, float]]
) -> None:
    assert _drawn(figures) == drawn


def test_zero_is_marked_where_there_are_both_sides() -> None:
    assert 'x1="25.00%"' in axis_of([3, -1]).bar(3)
    assert "line" not in axis_of([3, 1]).bar(3)
    assert "line" not in axis_of([-3, -1]).bar(-3)


def test_a_loss_has_the_colour_of_what_is_below_zero() -> None:
    axis = axis_of([4])
    assert "minus" not in axis.bar(4)
    assert 'class="bar minus"' in axis.bar(4, is_loss=True)
    assert 'class="bar minus"' in axis_of([-4]).bar(-4)


@pytest.mark.parametrize("figures", [[4.0, 1.0, 0.0, 0.33], [3.0, -1.0], [-4.0, -1.0], [0.0], []])
def test_a_column_of_bars_is_drawn_as_each_is(figures: list[float]) -> None:
    axis = axis_of(figures)
    assert axis.svgs(figures) == list(map(axis.svg, figures))
