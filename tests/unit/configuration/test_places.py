"""SALES_DATA, SALES_REPORTS, SALES_STATE and SALES_DIMENSIONS: a mistyped URI is no folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage


def _refusal(name: str, value: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings({name: value})
    assert f"SALES_{name.upper()}: " in caught.value.message
    assert caught.value.remedy == "Correct the option."
    return caught.value.message


@pytest.mark.parametrize("name", ["data", "reports", "state"])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3:/shop/canary", "s3: needs two slashes; write s3://bucket/prefix"),
        ("s3:shop/canary", "write s3://bucket/prefix"),
        ("S3:/shop/canary", "write s3://bucket/prefix"),
        ("s3:\\canary", "write s3://bucket/prefix"),
        ("gs:/b/canary", "write gs://bucket/prefix"),
        ("az:b", "write az://container/prefix"),
        ("file:/canary", "write file:///folder"),
        ("file:canary", "write file:///folder"),
        ("file://canary", "write file:///folder"),
        ("file://canary/x", "write file:///folder"),
        ("file://", "write file:///folder"),
        ("file:///canary#1", "%3F and %23"),
        ("file:///canary?1", "%3F and %23"),
        ("http://u:canary@host/x", "http:// is not supported as a place"),
        ("http:/host/canary", "http:/ is not supported as a place"),
        ("s3a://canary/x", "use a folder, file://, s3://, gs:// or az://"),
        (" s3://bucket/canary", "blanks or quotes stand around it; write s3://bucket/prefix"),
        ("'s3://bucket/canary'", "blanks or quotes stand around it"),
        ("s3://bucket/canary ", "blanks or quotes stand around it"),
        ("s3://user:canary@bucket/x", "write s3://bucket/prefix; credentials belong in the env"),
        ("s3://canary@bucket/x", "credentials belong in the environment"),
        ("gs://user:canary@bucket", "write gs://bucket/prefix; credentials belong"),
        ("s3://bucket/x?secret=canary", "credentials belong in the environment"),
        ("s3:///canary", "write s3://bucket/prefix"),
        ("s3://bucket/../canary", "an empty, . or .. part stands in its prefix"),
        ("az://container/a//canary", "an empty, . or .. part stands in its prefix"),
        ("", "empty; the working folder is ."),
        ("  ", "empty"),
    ],
)
def test_what_looks_like_a_uri_is_no_folder(name: str, place: str, said: str) -> None:
    message = _refusal(name, place)
    assert said in message
    assert "canary" not in message
    with pytest.raises(ConfigError) as caught:
        open_storage(place)
    assert said in caught.value.message


@pytest.mark.parametrize(
    "place",
    [
        "C:\\shop\\data",
        "C:/shop/data",
        "c:data",
        "./a:b",
        "./s3:/shop",
        "/mnt/s3:/shop",
        "x:y",
        "week:12",
        "2024:01/data",
        "a b:/c",
        " data",
        "s3",
        "S3://bucket/prefix",
        "s3://bucket",
        "gs://bucket/a b",
        "FILE:///srv/shop",
        "file://localhost/srv/shop",
        "file:///srv/a%23b",
    ],
)
def test_names_and_uris_stay_what_they_are(place: str) -> None:
    for name in ("data", "reports", "state"):
        assert getattr(load_settings({name: place}), name) == place


@pytest.mark.parametrize(
    "folder",
    [
        "s3://bucket/canary",
        "s3:/bucket/canary",
        "s3:canary",
        "file:///canary",
        "file:/canary",
        "https://host/canary",
        "'gs://bucket/canary'",
        "postgresql://u:canary@host/db",
    ],
)
def test_customers_and_products_are_in_a_local_folder(folder: str) -> None:
    message = _refusal("dimensions", folder)
    assert "customers and products are read from a local folder" in message
    assert "canary" not in message


@pytest.mark.parametrize("folder", ["shop", "C:/shop", "./s3:/x", "week:12", "/srv/shop"])
def test_a_folder_of_customers_and_products_may_have_any_name(folder: str) -> None:
    assert load_settings({"dimensions": folder}).dimensions == folder


def test_an_empty_folder_of_customers_and_products_is_not_the_working_folder() -> None:
    assert "empty" in _refusal("dimensions", "")


@pytest.mark.parametrize(
    "place",
    [
        "latest",
        "latest/",
        "./latest",
        "reports/latest",
        "reports/latest/.",
        "/srv/reports/latest//",
        "file:///srv/reports/latest",
        "s3://bucket/reports/latest",
        "s3://bucket/reports/latest/",
    ],
)
def test_reports_have_another_name_than_the_newest_of_them(place: str) -> None:
    assert "latest is what the newest report is called" in _refusal("reports", place)
    assert load_settings({"state": place, "reports": "elsewhere"}).state == place


def test_the_working_folder_may_not_have_that_name_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "latest").mkdir()
    monkeypatch.chdir(tmp_path / "latest")
    assert "latest" in _refusal("reports", ".")


@pytest.mark.parametrize("place", ["latest/reports", "Latest", "latest.d", "s3://latest/reports"])
def test_other_names_of_reports_are_free(place: str) -> None:
    assert load_settings({"reports": place}).reports == place


def test_what_is_no_option_is_to_be_corrected_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_STATE", "s3:/bucket")
    for options in ({}, {"data": "s3:/bucket"}):
        with pytest.raises(ConfigError, match="SALES_STATE: s3") as caught:
            load_settings(options)
        folder = Path.cwd()
        read = f"there is no .env in {folder}"
        assert caught.value.remedy == f"Correct the environment or .env; {read}."
        (folder / ".env").write_text("")
        with pytest.raises(ConfigError) as caught:
            load_settings(options)
        assert caught.value.remedy.endswith(f"; .env is {folder / '.env'}.")
        (folder / ".env").unlink()


def test_a_tilde_is_a_home_as_in_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In `.env`, and behind `=`, no shell stands in for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = load_settings(
        {"data": "~/a", "reports": "~/r", "state": "~", "dimensions": "~/d", "states": "~/s"}
    )
    places = settings.places()
    assert (places.data, places.reports) == (f"{tmp_path}/a", f"{tmp_path}/r")
    assert (places.state, places.dimensions) == (str(tmp_path), f"{tmp_path}/d")
    assert [shop.state for shop in settings.shops()][1:] == [f"{tmp_path}/s"]
    assert load_settings({"data": "./~/a"}).data == "./~/a"
    with pytest.raises(ConfigError, match=r"SALES_DATA: .*no such user; write \./ before"):
        load_settings({"data": "~nobody-of-this-name/a"})
