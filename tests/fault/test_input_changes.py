"""Archives that are corrupt, or appear, change and disappear while a run is under way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_core.messages import Tally
from pipeline_core.processing import extraction
from tests.support.archives import Shop, truncated, write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive
from tests.support.run import (
    latest,
    plan_local,
    process_local,
    publish_local,
    run_local,
    summary,
    text,
    unreadable,
)

VICTIM = "events_week_02.zip"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2, 3)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


def _replace(path: Path) -> None:
    path.write_bytes(archive(5))


def _corrupt(path: Path) -> None:
    path.write_bytes(truncated(path.read_bytes()))


@pytest.mark.parametrize(
    ("change", "cause"),
    [(_replace, "changed"), (_corrupt, "changed"), (Path.unlink, "vanished")],
)
def test_an_archive_changes_after_the_plan(
    shop: Shop, tmp_path: Path, change: Callable[[Path], object], cause: str
) -> None:
    run_local(shop, tmp_path)
    before = text(tmp_path)
    (shop.data / VICTIM).touch()  # so it is to be read again
    manifest = plan_local(shop, tmp_path)
    change(shop.data / VICTIM)
    process_local(tmp_path, manifest)
    refused = publish_local(tmp_path, manifest)
    assert refused.state == "refused"
    assert VICTIM in refused.reason
    assert cause in refused.reason
    assert text(tmp_path) == before, "the earlier report stands"

    published = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert published.exit_code == 3
    assert list(unreadable(published)) == [(VICTIM, None, None)]
    assert summary(published).archives == Tally(reused=2, unreadable=1)


@pytest.mark.parametrize("change", [_replace, _corrupt, Path.unlink])
def test_an_archive_that_need_not_be_read_counts_as_planned(
    shop: Shop, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    run_local(shop, tmp_path)
    before = text(tmp_path)
    manifest = plan_local(shop, tmp_path)
    change(shop.data / VICTIM)
    process_local(tmp_path, manifest)
    assert summary(publish_local(tmp_path, manifest)).archives == Tally(reused=3)
    assert text(tmp_path) == before
    run_local(shop, tmp_path)
    assert text(tmp_path) != before, "the next run sees what there is now"


def test_an_archive_that_appears_counts_in_the_next_run(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    (shop.data / "events_week_00.zip").write_bytes(archive(7))
    process_local(tmp_path, manifest)
    first = publish_local(tmp_path, manifest)
    assert summary(first).archives.read == 3
    assert summary(run_local(shop, tmp_path)).archives == Tally(read=1, reused=3)


def test_a_corrupt_archive_from_the_start(shop: Shop, tmp_path: Path) -> None:
    _corrupt(shop.data / VICTIM)
    refused = run_local(shop, tmp_path, publish_incomplete=False)
    assert (refused.state, refused.exit_code) == ("refused", 1)
    assert VICTIM in refused.reason
    assert not latest(tmp_path).exists()


def test_an_archive_that_is_written_while_it_is_read(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every byte was checked against the zip's own CRC, but it is not the file that was planned."""
    real = vars(extraction)["archive_days"]

    def touched(*given: object) -> object:
        (shop.data / VICTIM).touch()
        return real(*given)

    manifest = plan_local(shop, tmp_path)
    monkeypatch.setattr(extraction, "archive_days", touched)
    process_local(tmp_path, manifest)
    refused = publish_local(tmp_path, manifest)
    assert refused.state == "refused"
    assert "changed while it was read" in refused.reason
