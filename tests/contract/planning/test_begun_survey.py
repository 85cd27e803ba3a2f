"""A plan that is ended keeps which archives it has seen; the next one looks into the others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ArchiveRef, Feed
from pipeline_core.planning import survey
from pipeline_core.reuse import begun_survey
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import plan_local

NAMES = [f"week_{number}.zip" for number in range(1, 7)]


class Ended(BaseException):
    """As time that is up, or Ctrl-C."""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Six archives; the days of the last two are the same."""
    archives = {
        name: archive_zip(
            {f"events_2024-03-0{n}.zip": day_zip({"1.json": part([purchase(quantity=n)])})}
        )
        for n, name in enumerate(NAMES, start=1)
    }
    archives[NAMES[5]] = archives[NAMES[4]]
    return write_shop(tmp_path / "shop", archives)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of archives that were looked into, in turn; the fourth look ends the plan."""
    monkeypatch.setattr(begun_survey, "_EVERY_SECONDS", 0.0)
    names, look = list[str](), survey._look_into

    def look_into(data: object, file: object, *rest: object) -> ArchiveRef:
        names.append(file.key)  # type: ignore[attr-defined]
        if len(names) == 4:
            raise Ended
        return look(data, file, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(survey, "_look_into", look_into)
    return names


def _kept(folder: Path) -> list[Path]:
    return sorted((folder / "state" / "kept").glob("surveyed/*"))


def test_the_next_plan_looks_into_what_is_left_and_plans_the_same(
    shop: Shop, looked: list[str], tmp_path: Path
) -> None:
    with pytest.raises(Ended):
        plan_local(shop, tmp_path)
    assert _kept(tmp_path)
    went_on = plan_local(shop, tmp_path)
    assert sorted(looked[4:]) == sorted(set(NAMES) - set(looked[:3]))
    assert _kept(tmp_path) == []
    whole = plan_local(shop, tmp_path / "other")
    assert went_on.archives == whole.archives
    assert went_on.archives[5].duplicate_of == NAMES[4]


def test_what_changed_since_or_is_read_otherwise_is_looked_into_again(
    shop: Shop, looked: list[str], tmp_path: Path
) -> None:
    with pytest.raises(Ended):
        plan_local(shop, tmp_path)
    changed = looked[0]
    (shop.data / changed).write_bytes((shop.data / NAMES[3]).read_bytes())
    plan_local(shop, tmp_path)
    assert sorted(looked[4:]) == sorted({*NAMES} - set(looked[1:3]))
    looked.clear()
    with pytest.raises(Ended):
        plan_local(shop, tmp_path / "other")
    plan_local(shop, tmp_path / "other", feed=Feed(ignore=("*.txt",)))
    assert sorted(looked[4:]) == sorted(NAMES)


def test_a_torn_file_of_it_is_none(shop: Shop, looked: list[str], tmp_path: Path) -> None:
    with pytest.raises(Ended):
        plan_local(shop, tmp_path)
    for path in _kept(tmp_path):
        path.write_bytes(b"{")
    plan_local(shop, tmp_path)
    assert sorted(looked[4:]) == sorted(NAMES)
    assert _kept(tmp_path) == []


def test_days_that_an_as_of_plan_left_out_are_there_for_the_next_one(
    shop: Shop, looked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept are archives with all their days."""
    (shop.data / NAMES[5]).write_bytes(
        archive_zip(
            {f"events_2024-03-{n:02}.zip": day_zip({"1.json": part([purchase()])}) for n in (1, 20)}
        )
    )
    with pytest.raises(Ended):
        plan_local(shop, tmp_path, as_of=date(2024, 3, 10))
    with monkeypatch.context() as broken:
        broken.setattr(RunLedger, "create_manifest", _ends)
        with pytest.raises(Ended):
            plan_local(shop, tmp_path, as_of=date(2024, 3, 10))
    again = plan_local(shop, tmp_path)
    whole = plan_local(shop, tmp_path / "other")
    assert again.archives == whole.archives


def _ends(*_: object) -> None:
    raise Ended


def test_a_plan_of_a_moment_leaves_nothing(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunLedger, "create_manifest", _ends)
    with pytest.raises(Ended):
        plan_local(shop, tmp_path)
    assert _kept(tmp_path) == []
    assert open_storage(str(tmp_path / "state")).folders("kept") == []
