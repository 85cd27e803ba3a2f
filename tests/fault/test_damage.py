"""Files of the state that a power cut tore, or that are gone: made again, never left out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from pipeline_core import pipeline
from pipeline_core.errors import ConfigError, ContractError, ResultsMissing
from pipeline_core.ledger import result_files
from pipeline_core.messages import Manifest
from pipeline_core.running.local import run_locally
from tests.support.archives import Shop, write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive
from tests.support.processes import published_csvs
from tests.support.run import plan_local, process_local


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2, 3)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


def _finish(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    outcome = run_locally(str(folder / "state"), manifest, 1)
    assert outcome.exit_code == 0
    return published_csvs(folder)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _alter(path: Path) -> None:
    data = path.read_bytes()
    quarter = len(data) // 4
    path.write_bytes(data[:quarter] + bytes(quarter) + data[2 * quarter :])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("victim", "harm"),
    [
        (victim, harm)
        for victim in ("partials", "rejects", "receipts")
        for harm in (_truncate, _alter, _empty, Path.unlink)
    ],
)
def test_a_damaged_result_is_made_again(
    shop: Shop,
    tmp_path: Path,
    victim: str,
    harm: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if victim != "receipts":
        monkeypatch.setattr(result_files, "MOST_BEHIND", 0)
    undisturbed = plan_local(shop, tmp_path / "here")
    expected = _finish(tmp_path / "here", undisturbed)

    manifest = plan_local(shop, tmp_path / "there")
    process_local(tmp_path / "there", manifest)
    run = tmp_path / "there" / "state" / "runs" / manifest.run_id
    harm(min((run / victim).iterdir()))
    with pytest.raises(ResultsMissing):
        pipeline.publish(str(tmp_path / "there" / "state"), manifest.run_id)
    assert not (tmp_path / "there" / "reports" / "latest").exists()
    assert _finish(tmp_path / "there", manifest) == expected


def test_a_receipt_of_other_results_is_not_believed(shop: Shop, tmp_path: Path) -> None:
    expected = _finish(tmp_path / "here", plan_local(shop, tmp_path / "here"))
    manifest = plan_local(shop, tmp_path / "there")
    process_local(tmp_path / "there", manifest)
    receipts = sorted(
        (tmp_path / "there" / "state" / "runs" / manifest.run_id / "receipts").iterdir()
    )
    digest = b"0" * 64
    data = receipts[0].read_bytes()
    wrong = data.replace(data.split(b'"digest": "')[2][:64], digest)
    receipts[0].write_bytes(wrong)
    assert digest in wrong
    assert _finish(tmp_path / "there", manifest) == expected


@pytest.mark.parametrize("name", ["verdict.json", "outcome.json"])
@pytest.mark.parametrize("harm", [_truncate, _empty, Path.unlink])
def test_a_damaged_end_is_written_again(
    shop: Shop, tmp_path: Path, name: str, harm: Callable[[Path], object]
) -> None:
    manifest = plan_local(shop, tmp_path)
    expected = _finish(tmp_path, manifest)
    harm(tmp_path / "state" / "runs" / manifest.run_id / name)
    assert _finish(tmp_path, manifest) == expected
    assert [path.name for path in (tmp_path / "reports" / "runs").iterdir()] == [manifest.run_id]


@pytest.mark.parametrize("harm", [_truncate, _empty, Path.unlink])
def test_a_damaged_manifest_is_planned_again(
    shop: Shop, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    expected = _finish(tmp_path / "here", plan_local(shop, tmp_path / "here"))
    manifest = plan_local(shop, tmp_path / "there")
    harm(tmp_path / "there" / "state" / "runs" / manifest.run_id / "manifest.json")
    with pytest.raises(ConfigError, match="was not planned"):
        process_local(tmp_path / "there", manifest)
    again = plan_local(shop, tmp_path / "there", run_id=manifest.run_id)
    assert again.archives == manifest.archives
    assert _finish(tmp_path / "there", again) == expected


@pytest.mark.parametrize("name", ["customers.parquet", "products.parquet"])
@pytest.mark.parametrize("harm", [_truncate, _alter, _empty, Path.unlink])
def test_damaged_customers_and_products_are_refused_and_mended_by_the_next_plan(
    shop: Shop, tmp_path: Path, name: str, harm: Callable[[Path], object]
) -> None:
    manifest = plan_local(shop, tmp_path)
    expected = _finish(tmp_path, manifest)
    broken = plan_local(shop, tmp_path)
    harm(tmp_path / "state" / "dimensions" / manifest.dimensions_digest / name)
    import_module("pipeline_core.processing.process")._dimensions.cache_clear()  # of this process
    with pytest.raises(ContractError):
        _finish(tmp_path, broken)
    assert published_csvs(tmp_path) == expected
    assert _finish(tmp_path, plan_local(shop, tmp_path)) == expected


def test_damaged_attempts_and_leases_stop_nothing(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    attempts = tmp_path / "state" / "runs" / manifest.run_id / "attempts"
    attempts.mkdir()
    (attempts / "00000.1.json").write_bytes(b"{")
    (tmp_path / "state" / "leases").mkdir()
    (tmp_path / "state" / "leases" / "00000001.json").write_bytes(b"")
    assert len(_finish(tmp_path, manifest)) > 3
