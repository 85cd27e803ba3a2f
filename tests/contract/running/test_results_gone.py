"""A refused run that took results over which gc removed afterwards: it makes all of them again at
once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.errors import ResultsMissing
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import results
from pipeline_core.messages import Manifest
from pipeline_core.running import local
from pipeline_core.running.gc import collect_garbage
from pipeline_core.running.resume import reopen
from pipeline_core.storage import open_storage
from tests.support.archives import write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import (
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    units,
    week,
)

GOOD = 7


@pytest.fixture(params=["one file", "blocks"])
def kept_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "blocks":
        end_blocks_after_two(monkeypatch)
    return str(request.param)


@pytest.fixture
def refused(kept_in: str, tmp_path: Path) -> Manifest:
    """Its archive 9.zip is none; all else is taken over. No result is there any more."""
    archives = {f"{n}.zip": week(sales(n)) for n in range(1, GOOD + 1)}
    shop = write_shop(tmp_path / "shop", archives)
    run_local(shop, tmp_path)
    (shop.data / "9.zip").write_bytes(b"PK\x03\x04 no more of it")
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    assert publish_local(tmp_path, manifest).state == "refused"
    (shop.data / "9.zip").unlink()
    run_local(shop, tmp_path, full=True)  # it names no result of the first run
    assert collect_garbage(open_storage(str(tmp_path / "state")), keep_runs=1).results
    return manifest


def test_all_that_is_gone_is_found_at_once_and_said_to_be_gone(
    refused: Manifest, tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    ledger = RunLedger(open_storage(str(tmp_path / "state")), refused.run_id)
    with pytest.raises(ResultsMissing) as raised:
        publish_local(tmp_path, refused, allow_incomplete=True)
    assert raised.value.message == (
        f"The state no longer has run {refused.run_id}'s results of {GOOD + 1} archives, such as "
        "1.zip: `gc` removes those of older runs."
    )
    assert f"resume {refused.run_id}" in raised.value.remedy
    assert len(results(ledger, refused).outstanding) == GOOD + 1
    assert "damaged" not in logged.text


def test_resuming_makes_them_again_in_one_pass(
    refused: Manifest, tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    state = str(tmp_path / "state")
    reopen(RunLedger(open_storage(state), refused.run_id))
    assert local.run_locally(state, refused, 1).state == "refused"
    assert logged.text.count("results_missing") == 1
    outcome = publish_local(tmp_path, refused, allow_incomplete=True)
    assert units(outcome) == sum(range(1, GOOD + 1))
