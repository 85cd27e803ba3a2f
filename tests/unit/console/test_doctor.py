"""What doctor says of input, and of the decoder: there is no machine of each kind to ask it on."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.doctor import installation
from console.doctor.installation import check_decoding, check_settings
from console.doctor.places import check_data, check_dimensions, check_reports, check_state
from console.doctor.servers import check_clock
from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import ConfigError
from pipeline_core.fitness.reach import unreached
from pipeline_core.settings import load_settings
from tests.support.archives import write_shop


@pytest.mark.parametrize(
    ("built", "libdeflate", "state", "missing"),
    [
        (True, True, "ok", ()),
        (False, True, "warned", ("C compiler",)),
        (True, False, "warned", ("libdeflate",)),
        (False, False, "warned", ("C compiler", "libdeflate")),
    ],
)
def test_what_makes_decoding_fast_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    built: bool,
    libdeflate: bool,
    state: str,
    missing: tuple[str, ...],
) -> None:
    monkeypatch.setattr(installation, "IS_BUILT", built)
    monkeypatch.setattr(installation, "HAS_LIBDEFLATE", libdeflate)
    found = check_decoding(load_settings())
    assert found.state == state
    assert all(name in found.remedy for name in missing)


@pytest.mark.parametrize(
    ("customers", "products", "unknown", "state"),
    [
        (1, 1, "reject", "ok"),
        (0, 1, "reject", "failed"),
        (1, 0, "reject", "failed"),
        (0, 1, "bucket", "warned"),
        (1, 0, "bucket", "warned"),
    ],
)
def test_empty_dimensions_fail_where_a_run_would_be_refused(
    tmp_path: Path, customers: int, products: int, unknown: str, state: str
) -> None:
    shop = write_shop(
        tmp_path,
        {},
        [("c1", "2020-01-01", "Retail")][:customers],
        [("p1", "Pen", "Office", "0.10")][:products],
    )
    settings = load_settings({"dimensions": str(shop.dimensions), "unknown": unknown})
    found = check_dimensions(settings)
    assert found.state == state
    assert ("refused" in found.remedy) == (state == "failed")


def test_data_that_a_run_refuses_fails(tmp_path: Path) -> None:
    settings = load_settings({"data": str(tmp_path)})
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError, match=r"but 1 \.txt"):  # shown as failed
        check_data(settings)
    (tmp_path / "week.zip").touch()
    assert check_data(settings).state == "ok"
    (tmp_path / "week_2.zip").symlink_to("nowhere")
    found = check_data(settings)
    assert (found.state, "week_2.zip: it is a symbolic link" in found.found) == ("failed", True)


def test_variables_that_celery_would_take_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = check_settings(load_settings())
    assert (sound.state, f"there is no .env in {Path.cwd()}" in sound.found) == ("ok", True)
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://:canary@theirs/0")
    monkeypatch.setenv("BROKER_URL", "redis://theirs/0")
    found = check_settings(load_settings())
    assert found.state == "warned"
    assert "CELERY_BROKER_URL, BROKER_URL in the environment" in found.found
    assert "SALES_BROKER_URL" in found.remedy
    assert "canary" not in f"{found}"


def test_nothing_stays_of_a_look_at_places_that_are_not_there(tmp_path: Path) -> None:
    settings = load_settings({"state": str(tmp_path / "state"), "reports": str(tmp_path / "a/b")})
    for look in (check_state, check_reports):
        found = look(settings)
        assert (found.state, "does not exist yet: the first run makes it" in found.found) == (
            "ok",
            True,
        )
    _data(tmp_path)
    shop = Shop(settings.state, str(tmp_path / "data"), settings.reports)
    assert unreached(shop, follow_links=False) == {}
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_nothing_stays_of_a_look_at_places_that_are_there(tmp_path: Path) -> None:
    for name in ("state", "reports"):
        (tmp_path / name).mkdir()
    settings = load_settings({name: str(tmp_path / name) for name in ("state", "reports")})
    assert "can be written" in check_state(settings).found
    assert "can be written" in check_reports(settings).found
    _data(tmp_path)
    shop = Shop(settings.state, str(tmp_path / "data"), settings.reports)
    assert unreached(shop, follow_links=False) == {}
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")) == [
        "data",
        "data/week.zip",
        "reports",
        "state",
    ]


def test_places_that_cannot_be_made_fail_before_a_run_does(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = load_settings({name: str(tmp_path / "file" / name) for name in ("state", "reports")})
    for look in (check_state, check_reports):
        with pytest.raises(ConfigError, match="file is a file, not a folder"):
            look(settings)


def _data(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "week.zip").touch()


def test_the_clock_of_a_broker_that_is_away_is_told_in_one_sentence() -> None:
    found = check_clock(load_settings({"broker_url": "redis://127.0.0.1:1/0"}))
    assert found.state == "warned"
    assert found.found.endswith("Connection refused.")
    assert ".." not in found.found
