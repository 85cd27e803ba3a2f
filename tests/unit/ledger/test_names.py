"""Names that come from outside, before anything is opened by them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline_core import pipeline
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger, names, published_ids, run_ids
from pipeline_core.storage import open_storage

PATHS = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    ".x",
    "a b",
    "a\n",
    "a\0",
    "\u0660",
    "a" * 101,
    7,
    None,
    ["a"],
]


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    "fits", [names.is_run_id, names.is_archive_id, names.is_slot, names.is_task_id]
)
def test_a_path_is_no_name(fits: type, name: object) -> None:
    assert not fits(name)


@pytest.mark.parametrize("value", [-1, True, 0.0, "0", None, [0]])
def test_a_share_is_a_number(value: object) -> None:
    assert not names.is_number(value)


def test_our_own_names_fit() -> None:
    assert names.is_run_id(pipeline.new_run_id(datetime.now(UTC)))
    assert names.is_run_id("20240301T030000Z-1a2b3c"), "as the first versions called them"
    assert names.is_archive_id("00000")
    assert names.is_archive_id("123456")
    assert all(
        map(names.is_slot, ["20240301T0300", "tonight", "task-0b1c2d3e", "2024-03-01T03:00+01:00"])
    )
    assert names.is_number(0)


@pytest.mark.parametrize("name", ["../state", "", "a/b", "run.1"])
def test_no_run_is_called_like_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="There is no run"):
        RunLedger(open_storage(str(tmp_path)), name)


def test_names_in_a_state_that_no_run_can_have_are_no_runs(tmp_path: Path) -> None:
    state = open_storage(str(tmp_path))
    for name in ("run-1", "a b", "x.json"):
        state.write(f"runs/{name}/manifest.json", b"{}")
        state.write(f"published/{name}.json", b"{}")
    assert run_ids(state) == list(published_ids(state)) == ["run-1"]
