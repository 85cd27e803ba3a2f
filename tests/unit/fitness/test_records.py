"""What the state knows of workers that take no work."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from pipeline_core.fitness import records
from pipeline_core.fitness.records import note, workers_aside
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.notify.hooks import NOBODY, Hooks
from pipeline_core.storage import Storage, open_storage

NOW = datetime.now(UTC)
UNFIT = UnfitWorker(
    name="w1@test",
    host="barn",
    cause="No credentials for s3://shop.",
    since=NOW,
    until=NOW + timedelta(minutes=5),
)
SENTENCE = "worker w1@test on barn takes no work: No credentials for s3://shop."


@pytest.fixture
def state(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "state"))


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told"


@pytest.fixture
def hooks(told: Path) -> Hooks:
    script = told.with_suffix(".py")
    script.write_text("import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write('told\\n')")
    return Hooks(None, f"{sys.executable} {script} {told}", frozenset({"unfit"}))


def _replaced(**changes: object) -> UnfitWorker:
    return msgspec.structs.replace(UNFIT, **changes)


def test_it_is_named_until_it_is_well_and_told_of_once(
    state: Storage, hooks: Hooks, told: Path
) -> None:
    for _ in range(2):
        note(state, UNFIT, hooks)
        assert workers_aside(state, NOW) == (SENTENCE,)
    note(state, _replaced(cause=""), hooks)
    assert workers_aside(state, NOW) == ()
    note(state, UNFIT, hooks)  # a few minutes later
    assert workers_aside(state, NOW) == (SENTENCE,)
    assert told.read_text() == "told\n"


def test_one_that_takes_work_as_no_other_can_is_told_of_once_others_do_its_work(
    state: Storage, hooks: Hooks, told: Path
) -> None:
    note(state, _replaced(takes_work=True), hooks)
    assert workers_aside(state, NOW) == (SENTENCE.replace("takes no work", "cannot work"),)
    assert not told.exists()
    note(state, UNFIT, hooks)
    assert told.read_text() == "told\n"


def test_who_is_heard_no_more_is_forgotten(state: Storage) -> None:
    note(state, UNFIT, NOBODY)
    assert workers_aside(state, UNFIT.until) == ()
    note(state, _replaced(name="w2@test", until=NOW - timedelta(seconds=1)), NOBODY)
    note(state, _replaced(name="w3@test"), NOBODY)
    assert len(state.files("workers")) == 2


def test_names_that_are_made_up_do_not_fill_the_state(
    state: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_MOST", 3)
    for number in range(5):
        note(state, _replaced(name=f"w{number}@test"), NOBODY)
    assert len(workers_aside(state, NOW)) == 3


def test_one_that_is_well_and_was_never_unwell_leaves_no_record(state: Storage) -> None:
    note(state, _replaced(cause=""), NOBODY)
    assert state.files("workers") == []
