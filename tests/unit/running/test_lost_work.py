"""What is said of work whose worker is silent or dead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline_core.messages import Attempt, Dispatch
from pipeline_core.running.lost_work import fate, is_silent, troubles, waiting_words

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
LEASE = 60.0


def _attempt(silence: float, number: int = 1, **changes: Any) -> Attempt:
    """One whose worker was heard of so many seconds ago."""
    heard = NOW - timedelta(seconds=silence)
    return Attempt(
        number=number,
        owner="server2:7",
        task_id=None,
        retries=0,
        started_at=heard,
        expires_at=heard + timedelta(seconds=LEASE),
        **changes,
    )


def _sent(seconds: float) -> Dispatch:
    at = NOW - timedelta(seconds=seconds)
    return Dispatch(number=1, sent_at=at, sent_by="server1:1", work=())


@pytest.mark.parametrize(
    ("silence", "sent", "said"),
    [
        (40, [_sent(300)], "no word from server2:7 for 40 s; lost in 20 s unless there is one"),
        (68, [_sent(300)], "lost with server2:7, sent again within 52 s"),
        (
            130,
            [_sent(300)],
            "lost with server2:7, and nobody sends it again; `sales-pipeline recover` does",
        ),
        (130, [_sent(300), _sent(9)], "lost with server2:7, sent again 9 s ago, not begun yet"),
        (130, [], "lost with server2:7"),
    ],
)
def test_the_fate_of_work(silence: float, sent: list[Dispatch], said: str) -> None:
    assert fate(_attempt(silence), LEASE, sent, NOW) == said


@pytest.mark.parametrize(
    ("silence", "lease", "found"),
    [(0, 60, False), (25, 60, False), (35, 60, True), (65, 60, False)],
)
def test_who_should_have_shown_life_is_silent(silence: float, lease: float, found: bool) -> None:
    assert is_silent(_attempt(silence), lease, NOW) == found


def test_troubles_are_what_came_to_nothing() -> None:
    tried = [
        _attempt(200, 1, state="failed", cause="no memory"),
        _attempt(200, 2, state="handed_back"),
        _attempt(200, 3),
        _attempt(200, 4),
        _attempt(200, 5, state="done"),
        _attempt(1, 6),
    ]
    found = [(each.number, how) for each, how in troubles(tried, 4, NOW)]
    assert found == [(1, "failed"), (2, "handed back"), (3, "lost")]
    assert [each.number for each, _ in troubles(tried, None, NOW)] == [1, 2, 3, 4]


def test_one_more_is_one() -> None:
    assert waiting_words(["lost"]) == "lost"
    assert waiting_words(["lost", "lost"]) == "lost; so is 1 more"
    assert waiting_words(["lost"] * 3) == "lost; so are 2 more"
