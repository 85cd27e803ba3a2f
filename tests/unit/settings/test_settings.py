from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from console.command import cli, command_of
from console.options import run_settings
from pipeline_core.configuration.places import Places
from pipeline_core.dimensions.database import with_psycopg2
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.machine.profile import Machine, choose_profile, read_machine, worker_bytes
from pipeline_core.messages import DriftLimits
from pipeline_core.planning.sources import read_dimensions
from pipeline_core.settings import Settings, load_settings
from pipeline_core.settings.group import SettingGroup
from tests.support import PROJECT

_LINE = re.compile(r"^#?(SALES_[A-Z0-9_]+)=(.*)$")


def test_env_example_lists_every_setting_and_no_other() -> None:
    lines = (PROJECT / ".env.example").read_text().splitlines()
    named = [found[1] for line in lines if (found := _LINE.match(line))]
    assert sorted(named) == sorted(f"SALES_{name.upper()}" for name in Settings.model_fields)


def test_groups_have_no_name_in_common() -> None:
    """Of two checks of one name, one would check nothing."""
    groups = [each for each in Settings.__bases__ if issubclass(each, SettingGroup)]
    inherited = vars(SettingGroup).keys() | dir(BaseModel)
    names = [name for each in groups for name in {*each.model_fields, *vars(each)} - inherited]
    assert len(groups) > 10
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_env_example_is_commented_and_loads(tmp_path: Path) -> None:
    text = (PROJECT / ".env.example").read_text()
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description in text
    values = "\n".join(line.removeprefix("#") for line in text.splitlines() if _LINE.match(line))
    (tmp_path / ".env").write_text(values)
    loaded = load_settings()
    (tmp_path / ".env").unlink()
    assert loaded == load_settings()


def test_every_example_value_is_the_default() -> None:
    for line in (PROJECT / ".env.example").read_text().splitlines():
        assert not line.startswith("SALES_"), "an active line would surprise those who copy it"


def test_seed_database_is_the_default() -> None:
    url = load_settings().chosen_database_url().get_secret_value()
    assert url == "postgresql+psycopg2://myuser:mypassword@localhost:5432/ecommerce_db"


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("db.example", "db.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("[fe80::1%25eth0]", "fe80::1%eth0"),
        ("fe80::1%25", "fe80::1%25"),
        ("/var/run/postgresql", "/var/run/postgresql"),
    ],
)
def test_a_database_host_is_what_libpq_gets(host: str, reached: str) -> None:
    url = with_psycopg2(load_settings({"db_host": host}).chosen_database_url().get_secret_value())
    _, given = url.get_dialect()().create_connect_args(url)
    assert {name: str(value) for name, value in given.items()} == {
        "host": reached,
        "port": "5432",
        "user": "myuser",
        "password": "mypassword",
        "dbname": "ecommerce_db",
    }


def test_override_beats_environment_beats_env_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SALES_DATA=from-file\nSALES_STATE=from-file\n")
    monkeypatch.setenv("SALES_DATA", "from-environment")
    monkeypatch.setenv("SALES_STATE", "from-environment")
    settings = load_settings({"state": "from-option", "reports": None})
    assert (settings.data, settings.state) == ("from-environment", "from-option")
    assert settings.reports == "reports"


_SHOP = "SALES_DIMENSIONS=shop\n"
_CRM = "SALES_DATABASE_URL=postgresql://crm/d\n"
_DATABASE, _FOLDER = ["--database", "postgresql://shop/d"], ["--dimensions", "folder"]


@pytest.mark.parametrize("lines", ["", _SHOP, _CRM, _SHOP + _CRM])
@pytest.mark.parametrize("is_file", [True, False])
@pytest.mark.parametrize("command", ["run", "backfill", "doctor"])
def test_an_option_says_where_customers_and_products_are(
    command: str, lines: str, is_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever environment and .env say of the other."""
    (tmp_path / ".env").write_text(lines if is_file else "")
    for name, _, value in (line.partition("=") for line in lines.splitlines()):
        monkeypatch.setenv(name, "" if is_file else value)
    database, folder = _places(command, *_DATABASE), _places(command, *_FOLDER)
    assert (database.dimensions, database.database_url) == (None, "postgresql://shop/d")
    assert folder.dimensions == "folder"
    with pytest.raises(ConfigError, match="--database and --dimensions both say"):
        _places(command, *_DATABASE, *_FOLDER)
    assert _places(command).dimensions == ("shop" if _SHOP in lines else None)


def _places(command: str, *options: str) -> Places:
    """Where that command would read and write."""
    dates = ["--from", "2024-01-01", "--to", "2024-01-02"] if command == "backfill" else []
    program = cli.make_context("sales-pipeline", [command])
    context = command_of(command).make_context(command, [*dates, *options], parent=program)
    fields = Settings.model_fields.keys() & context.params.keys()
    return run_settings({name: context.params[name] for name in fields}).places()


def test_a_database_that_is_an_option_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DIMENSIONS", "shop")
    settings = load_settings({"database_url": "postgresql://u@127.0.0.1:1/d"})
    with pytest.raises(RetryableError, match="The database does not answer"):
        read_dimensions(settings.places(), settings.feed())


def test_engine_follows_the_broker() -> None:
    assert load_settings().chosen_engine() == "local"
    assert load_settings({"broker_url": "redis://x/0"}).chosen_engine() == "celery"
    both = load_settings({"broker_url": "redis://x/0", "engine": "local"})
    assert both.chosen_engine() == "local"


def test_password_with_odd_characters_survives_and_stays_secret() -> None:
    settings = load_settings({"db_password": "p@ss:/w%rd"})
    assert "p%40ss%3A%2Fw%25rd" in settings.chosen_database_url().get_secret_value()
    assert "p@ss" not in repr(settings)
    assert "p%40ss" not in repr(settings.places())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jobs", 0),
        ("batch_size", -1),
        ("unknown", "drop"),
        ("timezone", "Mars/Olympus"),
        ("max_reject_share", 1.5),
        ("left_out_share", "5"),
        ("left_out_share", "5 %"),
        ("max_revenue_change", "10"),
        ("max_revenue_change", "10 %"),
        ("max_purchases_change", "nan"),
        ("max_reject_share_rise", "-0.1"),
        ("max_new_missing_days", "-1"),
        ("max_new_missing_days", "0.5"),
        ("max_customers_gone", "1.01"),
        ("max_products_gone", "inf"),
        ("visibility_timeout", 5),
        ("log_format", "xml"),
        ("jobs", 10_001),
        ("lease", 10**12),
        ("catch_up", 10**12),
        ("max_part_bytes", 10**30),
        ("reject_rows", 10**30),
        ("max_new_missing_days", 10**30),
        ("serve_port", 65_536),
        ("metrics_port", 0),
        ("db_port", 0),
        ("serve_host", "guest:80"),
        ("serve_host", "http://guest"),
        ("metrics_address", "[::guest]"),
        ("metrics_address", "guest:80:1"),
        ("serve_names", "-guest"),
        ("serve_names", "guest,300.1.1.1"),
        ("serve_host", "guest..b"),
        ("metrics_address", "300.1.1.1"),
        ("redis_ca", "/nowhere/guest.pem"),
        ("flower_user", "finance:guest"),
        ("flower_user", "finance,guest:guest"),
        ("flower_password", "sesame,guest:guest"),
    ],
)
def test_wrong_settings_are_named_without_their_value(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({name: value})
    assert name in str(error.value).lower()
    assert "guest" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("left_out_share", "10%", "it is a number, such as 2 or 0.05 (which is 5 %)"),
        ("left_out_share", "nan", "it is a number, such as 2 or 0.05 (which is 5 %)"),
        ("left_out_share", "10", "it is 1 or less"),
        ("left_out_share", "-0.1", "it is 0 or more"),
        ("max_reject_share", "5 %", "it is a number, such as 2 or 0.05 (which is 5 %)"),
        ("returns", "nett", "it is reject, net or separate"),
        ("price_history", "always", "it is off or keep"),
        ("jobs", "two", "it is a whole number"),
        ("max_new_missing_days", "0.5", "it is a whole number"),
        ("spreadsheet_safe", "perhaps", "it is true or false"),
        ("price_decimals", "7", "it is 6 or less"),
    ],
)
def test_wrong_settings_say_what_is_allowed(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({name: value})
    assert error.value.message == f"Wrong settings: SALES_{name.upper()}: {said}."


@pytest.mark.parametrize("value", [{}, "no such value", "-1", "9" * 5000])
def test_no_setting_is_refused_in_the_words_of_a_library(value: object) -> None:
    said = [message for name in Settings.model_fields if (message := _refused({name: value}))]
    assert len(said) > 10
    assert [each for each in said if re.search(r"[Ii]nput|valid |should", each)] == []


def _refused(settings: dict[str, object]) -> str:
    try:
        load_settings(settings)
    except ConfigError as error:
        return error.message
    return ""


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({"broker_url": ["canary"]})
    assert "canary" not in str(error.value)


def test_limits_of_drift_are_off_or_as_exact_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().options().drift == DriftLimits()
    for name, value in {
        "REVENUE_CHANGE": "0.3",
        "PURCHASES_CHANGE": "0.2",
        "REJECT_SHARE_RISE": "0.02",
        "NEW_MISSING_DAYS": "0",
        "CUSTOMERS_GONE": "0.1",
        "PRODUCTS_GONE": "1",
    }.items():
        monkeypatch.setenv(f"SALES_MAX_{name}", value)
    assert load_settings().options().drift == DriftLimits(
        revenue_change=Decimal("0.3"),
        purchases_change=Decimal("0.2"),
        reject_share_rise=Decimal("0.02"),
        new_missing_days=0,
        customers_gone=Decimal("0.1"),
        products_gone=Decimal(1),
    )


def test_what_may_be_left_out_without_a_word_is_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().options().left_out_share == Decimal("0.05")
    monkeypatch.setenv("SALES_LEFT_OUT_SHARE", "0.3")
    assert load_settings().options().left_out_share == Decimal("0.3")


def test_profiles() -> None:
    big = Machine(cores=16, memory_bytes=64 << 30)
    small = Machine(cores=4, memory_bytes=1 << 30)
    assert choose_profile("weak", big).jobs == 1
    assert choose_profile("strong", big).jobs == 16
    assert choose_profile("auto", big).jobs == 16
    auto = choose_profile("auto", small)
    assert auto.jobs * worker_bytes(auto.batch_size) <= small.memory_bytes // 2
    assert load_settings({"profile": "weak", "jobs": 3}).machine_profile.jobs == 3
    assert load_settings({"profile": "weak"}).machine_profile.batch_size == 10_000


def test_machine_obeys_the_control_group(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text(f"{300 << 20}\n")
    assert read_machine(tmp_path) == Machine(cores=1, memory_bytes=300 << 20)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert read_machine(tmp_path) == read_machine(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "value"), [("report_plugins", "nope"), ("dimensions", "plugin:nope")]
)
def test_a_plugin_that_is_not_installed_is_told_by_its_setting(name: str, value: str) -> None:
    load_settings({}).check_plugins()
    with pytest.raises(ConfigError, match=r"installed has the plug-in .*nope") as refused:
        load_settings({name: value}).check_plugins()
    assert f"correct SALES_{name.upper()};" in refused.value.remedy
