"""Lines of the log that clients can cause."""

from __future__ import annotations

from dataclasses import dataclass

from console.serving.log_limit import LogLimit

HOUR, DAY = 3600, 86_400


@dataclass
class Clock:
    """Seconds that a test lets pass."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_whoever_causes_a_line_without_end_causes_few() -> None:
    clock = Clock()
    seldom, said = LogLimit(clock), list[tuple[float, int]]()
    for second in range(0, 7 * DAY, 5):
        clock.seconds = second
        unsaid = seldom.admit("full")
        if unsaid is not None:
            said.append((second, unsaid))
    assert said[0] == (0, 0), "the first at once"
    assert said[1] == (10, 1)
    assert len(said) < 7 * 24 + 10
    assert said[-1][0] - said[-2][0] == HOUR
    assert sum(unsaid + 1 for _, unsaid in said) > 7 * DAY / 5 - HOUR / 5, "none is forgotten"


def test_a_new_trouble_is_told_at_once() -> None:
    clock = Clock()
    seldom = LogLimit(clock)
    for second in range(0, DAY, 10):
        clock.seconds = second
        seldom.admit("failure")
    assert seldom.admit("name") == 0, "of another kind"
    clock.seconds = DAY + HOUR
    assert seldom.admit("failure") is not None, "after an hour of quiet"
    clock.seconds += 1
    assert seldom.admit("failure") is None
    clock.seconds += 9
    assert seldom.admit("failure") == 1
