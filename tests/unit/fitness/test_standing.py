"""A worker that finds out that it cannot work, and looks again."""

from __future__ import annotations

from pipeline_core.fitness.standing import Stand, WorkerStanding


def test_who_cannot_work_stands_aside_until_it_can() -> None:
    standing = WorkerStanding(60)
    assert standing.found_unfit("no credentials", 0)
    assert not standing.found_unfit("no credentials", 1)  # of its other processes
    assert not standing.looked("no credentials", 60, others_work=True)
    assert standing.stand is Stand.ASIDE
    assert standing.looked("", 120, others_work=True)
    assert (standing.stand, standing.cause) == (Stand.TAKES, "")


def test_it_looks_less_and_less_often_up_to_five_minutes() -> None:
    standing = WorkerStanding(60)
    standing.found_unfit("no room", 0)
    pauses = []
    for now in range(5):
        standing.looked("no room", now, others_work=True)
        pauses.append(standing.pause)
    assert pauses == [60, 120, 240, 300, 300]


def test_where_nobody_works_it_takes_work_all_the_same() -> None:
    """Or nobody would end the run."""
    standing = WorkerStanding(60)
    standing.found_unfit("no room", 0)
    assert standing.looked("no room", 60, others_work=False)
    assert (standing.stand, standing.cause) == (Stand.ALL_THE_SAME, "no room")
    assert standing.looked("no room", 120, others_work=True)
    assert standing.stand is Stand.ASIDE


def test_who_seemed_well_and_was_not_is_believed_less() -> None:
    standing = WorkerStanding(60)
    now = 0.0
    for _ in range(3):
        standing.found_unfit("a day too large for the room", now)
        standing.looked("a day too large for the room", now, others_work=True)
        now += standing.pause
        standing.looked("", now, others_work=True)
    standing.found_unfit("a day too large for the room", now + 1)
    assert standing.pause == 300
    standing.looked("", now + 2, others_work=True)
    standing.found_unfit("a day too large for the room", now + 1000)
    assert standing.pause == 60
