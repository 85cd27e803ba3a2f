from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline_core.storage.in_flight import at_once, begun
from pipeline_core.storage.local import LocalStorage

MOST = 3


class Far(LocalStorage):
    """A folder that says it is far away."""

    is_far = True


class Requests:
    """Each waits until as many are under way as there may be, and notes how many there were."""

    def __init__(self) -> None:
        self._together = threading.Barrier(MOST)
        self._lock = threading.Lock()
        self._now = self.most = 0
        self.begun: list[int] = []

    def __call__(self, number: int) -> int:
        with self._lock:
            self._now += 1
            self.begun.append(number)
            self.most = max(self.most, self._now)
        self._together.wait(20)
        with self._lock:
            self._now -= 1
        return number


def test_a_far_storage_is_asked_for_some_at_once_and_answers_come_in_order(tmp_path: Path) -> None:
    request = Requests()
    assert list(at_once(Far(tmp_path), request, range(4 * MOST), MOST)) == list(range(4 * MOST))
    assert request.most == MOST


def test_nobody_runs_further_ahead_than_that(tmp_path: Path) -> None:
    request = Requests()
    answers = at_once(Far(tmp_path), request, range(10 * MOST), MOST)
    assert next(answers) == 0
    answers.close()  # type: ignore[attr-defined]
    assert len(request.begun) <= MOST


def test_a_folder_is_asked_one_by_one_by_whoever_asks(tmp_path: Path) -> None:
    asking = threading.current_thread()
    assert (
        list(at_once(LocalStorage(tmp_path), lambda _: threading.current_thread(), range(3), MOST))
        == [asking] * 3
    )


def test_what_one_raises_is_raised_and_ends_the_others(tmp_path: Path) -> None:
    def fail(number: int) -> int:
        if number == 1:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="1"):
        list(at_once(Far(tmp_path), fail, range(1000), MOST))


def test_what_was_begun_is_done_when_the_context_ends(tmp_path: Path) -> None:
    done = list[int]()
    request = Requests()
    with begun(Far(tmp_path), MOST) as begin:
        for number in range(MOST):
            begin(lambda number=number: done.append(request(number)))  # type: ignore[misc]
    assert sorted(done) == list(range(MOST))
    with pytest.raises(ZeroDivisionError), begun(Far(tmp_path), MOST) as begin:
        begin(lambda: done.append(1 // 0))
    with begun(LocalStorage(tmp_path), MOST) as begin:
        begin(lambda: done.append(MOST))
        assert done[-1] == MOST, "at once"
