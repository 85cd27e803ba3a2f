"""What commands say of a state of which something is lost, and that it stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.command import cli
from pipeline_core.errors import DamagedResult, LostResult
from pipeline_core.ledger import RunLedger
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, part, purchase, write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import run_local, week

Harm = Callable[[Path], object]
HARMS = [Path.unlink, lambda path: path.write_bytes(b"torn")]


def call(folder: Path, *arguments: str) -> Result:
    places = ["--state", str(folder / "state"), "--reports", str(folder / "reports")]
    return CliRunner().invoke(cli, [arguments[0], *places, *arguments[1:]])


def shop_of(folder: Path, archives: int) -> Shop:
    weeks = {
        f"{n}.zip": week(part([purchase(quantity=n), purchase(quantity=0)]))
        for n in range(1, archives + 1)
    }
    return write_shop(folder / "shop", weeks)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Of each archive one event counts, and one is left out."""
    end_blocks_after_two(monkeypatch)
    return shop_of(tmp_path, 5)


@pytest.fixture
def newest(shop: Shop, tmp_path: Path) -> RunLedger:
    """The second of two runs: it took all results over."""
    run_local(shop, tmp_path)
    run_id = run_local(shop, tmp_path).run_id
    return RunLedger(open_storage(str(tmp_path / "state")), run_id)


@pytest.mark.parametrize("harm", HARMS)
def test_results_that_are_lost_are_not_nothing_left_out(
    newest: RunLedger, tmp_path: Path, harm: Harm
) -> None:
    listed = json.loads(call(tmp_path, "rejects", "--json").stdout)
    for key in newest.blocks():
        place = tmp_path / "state" / key
        before = place.read_bytes()
        harm(place)
        for options in ((), ("--json",)):
            told = call(tmp_path, "rejects", *options)
            assert (told.exit_code, told.stdout) == (1, "")
            assert isinstance(told.exception, LostResult)
            assert key in told.exception.message
            assert f"rebuild {newest.run_id}" in told.exception.remedy
        assert key in call(tmp_path, "show").stderr
        place.write_bytes(before)
    harm(place)
    rebuild(str(tmp_path / "state"), newest.run_id)
    assert json.loads(call(tmp_path, "rejects", "--json").stdout) == listed


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("asked", ["first", "second"])
def test_few_results_that_are_lost_are_told_with_what_helps(
    tmp_path: Path, harm: Harm, asked: str
) -> None:
    shop = shop_of(tmp_path, 3)
    runs = {each: run_local(shop, tmp_path).run_id for each in ("first", "second")}
    harm(tmp_path / "state" / "runs" / runs["first"] / "receipts" / "00001.result")
    told = call(tmp_path, "rejects", runs[asked])
    assert isinstance(told.exception, LostResult if harm == Path.unlink else DamagedResult)
    assert f"runs/{runs['first']}/receipts/00001.result" in told.exception.message
    assert f"rebuild {runs[asked]}" in told.exception.remedy
    rebuild(str(tmp_path / "state"), runs[asked])
    assert call(tmp_path, "rejects", runs[asked]).exit_code == 0
