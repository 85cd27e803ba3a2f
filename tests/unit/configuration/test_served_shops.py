"""Whose runs a worker serves: how SALES_STATES is written, and how places are compared."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pipeline_core.configuration.served_shops import ServedPlaces, Shop, not_served
from pipeline_core.errors import ConfigError, NotServed
from pipeline_core.settings import load_settings

BUCKET = Shop("s3://shop/state", "s3://shop/data", "s3://shop/reports")


def _served(**settings: str) -> ServedPlaces:
    return ServedPlaces.of(load_settings(settings).shops())


def test_a_shop_is_three_places_or_a_state(tmp_path: Path) -> None:
    own = Shop(*(str(tmp_path / name) for name in ("state", "data", "reports")))
    served = _served(
        state=own.state,
        data=own.data,
        reports=own.reports,
        states=f" s3://north/state , {BUCKET.entry},, gs://b/s| /srv/a b/data |az://c/r,",
    )
    assert served.shops == (
        own,
        Shop("s3://north/state", own.data, own.reports),
        BUCKET,
        Shop("gs://b/s", "/srv/a b/data", "az://c/r"),
    )
    assert all(map(served.serves, served.shops))
    assert ServedPlaces.from_json(served.as_json()) == served


@pytest.mark.parametrize(
    "states",
    ["a|b", "a|b|c|d", "a||c", "|b|c", "ftp://h/x", "s3:/b/x", "a|b|latest", "a|s3:/b|c"],
)
def test_what_is_no_list_of_shops_is_refused(states: str) -> None:
    with pytest.raises(ConfigError, match="SALES_STATES: "):
        load_settings({"states": states})


@pytest.mark.parametrize(
    "states", ["data", "data/x", "/a/state|/a/state|/b", "/d/s|/a|/b,/s|/d/|/r"]
)
def test_a_state_among_archives_is_refused(states: str) -> None:
    """Whoever may add an archive could write it."""
    with pytest.raises(ConfigError, match="SALES_STATES: a state is a folder of archives"):
        load_settings({"states": states})


def test_places_of_two_shops_do_not_mix() -> None:
    other = Shop("s3://other/state", "s3://other/data", "s3://other/reports")
    served = ServedPlaces.of([BUCKET, other])
    for mixed in (
        Shop(BUCKET.state, other.data, BUCKET.reports),
        Shop(BUCKET.state, BUCKET.data, other.reports),
        Shop(BUCKET.data, BUCKET.data, BUCKET.reports),
    ):
        assert not served.serves(mixed)
        with pytest.raises(NotServed, match="It does not serve"):
            served.check(mixed, "It")


@pytest.mark.parametrize(
    "named",
    ["s3://shop/state", "S3://shop/state/", "s3://shop/state//"],
)
def test_one_bucket_by_its_names(named: str) -> None:
    assert ServedPlaces.of([BUCKET]).state(named) == BUCKET.state


@pytest.mark.parametrize(
    "named",
    [
        "s3://shop/state/runs",
        "s3://shop",
        "s3://shop/State",
        "s3://shop/x/../state",
        "s3://shop//state",
        "s3://shop/state?endpoint=http://localhost",
        "s3://key@shop/state",
        "gs://shop/state",
        "shop/state",
        "/shop/state",
    ],
)
def test_another_place_is_none_of_them(named: str) -> None:
    with pytest.raises(NotServed):
        ServedPlaces.of([BUCKET]).state(named)


def test_one_folder_by_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker looks where its own places lead, and at no other."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "foreign").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    served = _served(state="link", data="here/../data", reports=f"file://{tmp_path}/re%20ports")
    monkeypatch.chdir("/")
    for named in ("link", "link/", "./link", "real"):
        assert served.state(f"{tmp_path}/{named}") == f"{tmp_path}/link"
    assert served.state(f"file://localhost{tmp_path}/link") == f"{tmp_path}/link"
    assert served.serves(Shop(f"{tmp_path}/real", f"{tmp_path}/data", f"{tmp_path}/re ports"))
    for named in ("foreign", "x/../real", "real/x", "", "REAL"):
        with pytest.raises(NotServed):
            served.state(f"{tmp_path}/{named}")


@pytest.mark.parametrize("named", [None, 7, ["x"], {"uri": "x"}, "", "\0", "x" * 100_000])
def test_whatever_a_message_names_is_told_in_few_words(named: object) -> None:
    with pytest.raises(NotServed) as refused:
        ServedPlaces.of([BUCKET]).state(named)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("told", [None, 7, "x", [["a"]], [[[], [], []]], [{"a": 1}]])
def test_what_another_program_tells_is_no_list(told: object) -> None:
    with pytest.raises((TypeError, ValueError, IndexError)):
        ServedPlaces.from_json(told)


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("/srv/data/state", "Choose another SALES_STATE: one may not be inside of a folder of"),
        ("/srv/state,1", "SALES_STATES cannot list names with , or | in them"),
        ("/srv/state|1", "SALES_STATES cannot list names with , or | in them"),
        ("/srv/state", "SALES_STATES='/srv/state|/srv/data|/srv/reports' added"),
    ],
)
def test_what_to_set_is_what_a_worker_takes(state: str, remedy: str) -> None:
    assert remedy in not_served("It", Shop(state, "/srv/data", "/srv/reports")).remedy


def test_what_to_set_can_be_pasted_into_a_shell() -> None:
    shop = Shop("/srv/Joe's state", "/srv/data", "/srv/reports")
    words = shlex.split(not_served("It", shop).remedy)
    assert f"SALES_STATES={shop.entry}" in words


@pytest.mark.parametrize(
    ("state", "reports"),
    [
        ("x", "x"),
        ("x", "./x/"),
        ("x/runs/state", "x"),
        ("x", "x/runs"),
        ("link", "x"),
        ("link/latest", "x"),
        ("s3://shop/x", "s3://shop/x/"),
        ("s3://shop/runs/x", "s3://shop"),
        ("s3://shop/x", "s3://shop/x/runs/reports"),
    ],
)
def test_a_state_and_reports_are_places_of_their_own(
    state: str, reports: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("x")
    for settings in (
        {"state": state, "reports": reports},
        {"states": f"{state}|data|r,s|data|{reports}"},
    ):
        with pytest.raises(ConfigError) as refused:
            load_settings(settings)
        for named in ("SALES_STATE ", state, "SALES_REPORTS ", reports):
            assert named in refused.value.message


@pytest.mark.parametrize("data", ["x/latest", "x/runs/2024", "link/runs"])
def test_archives_are_not_where_reports_are_replaced(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("x")
    with pytest.raises(ConfigError, match=r"SALES_DATA .* is inside of .* SALES_REPORTS"):
        load_settings({"data": data, "reports": "x"})


@pytest.mark.parametrize(
    ("state", "reports", "data"),
    [
        ("state", "state-2", "."),
        ("x/s", "x/r", "x"),
        ("x/state", "x", "data"),
        ("x", "x/reports", "data"),
        ("s3://b/x", "s3://b/xy", "s3://b"),
    ],
)
def test_places_that_are_not_in_each_others_way_are_taken(
    state: str, reports: str, data: str
) -> None:
    settings = load_settings({"state": state, "reports": reports, "data": data})
    assert settings.shops()[0] == Shop(state, data, reports)
