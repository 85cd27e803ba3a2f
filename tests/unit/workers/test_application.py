"""Celery's app takes its servers from SALES_* and from nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from celery.bin.celery import celery

from pipeline_core.settings import load_settings
from workers.application import App
from workers.config import celery_config
from workers.start_checks import refuse_other_servers

OURS, THEIRS = "redis://ours/0", "redis://theirs/0"
_THEIR_MODULE = f"""
broker_url = broker_read_url = broker_write_url = result_backend = {THEIRS!r}
task_always_eager = True
"""


def _app() -> App:
    app = App("test", set_as_current=False)
    app.conf.update(celery_config(load_settings({"broker_url": OURS})))
    return app


def _servers(app: App) -> set[str]:
    """Hosts that the app would connect to."""
    connections = (app.connection(), app.connection_for_read(), app.connection_for_write())
    return {each.hostname for each in connections} | {app.backend.connparams["host"]}


@pytest.mark.parametrize(
    "name",
    [
        "CELERY_BROKER_URL",
        "CELERY_BROKER_READ_URL",
        "CELERY_BROKER_WRITE_URL",
        "CELERY_RESULT_BACKEND",
    ],
)
def test_a_url_of_celerys_own_changes_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, THEIRS)
    assert _servers(_app()) == {"ours"}


def test_a_configuration_of_another_app_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "their_config.py").write_text(_THEIR_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CELERY_CONFIG_MODULE", "their_config")
    app = _app()
    assert _servers(app) == {"ours"}
    assert not app.conf.task_always_eager
    assert "their_config" not in sys.modules


@pytest.mark.parametrize("name", ["CELERY_CONFIG_MODULE", "CELERY_LOADER"])
def test_a_module_that_is_not_there_is_not_missed(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "of.another.project")
    assert _servers(_app()) == {"ours"}


def test_the_broker_of_a_command_counts_for_it() -> None:
    app = _app()
    app.conf.update(celery_config(load_settings({"broker_url": "redis://given/0"})))
    assert _servers(app) == {"given"}


def test_results_may_have_a_server_of_their_own() -> None:
    app = App("test", set_as_current=False)
    given = {"broker_url": OURS, "result_backend": THEIRS}
    app.conf.update(celery_config(load_settings(given)))
    assert app.connection().hostname == "ours"
    assert app.backend.connparams["host"] == "theirs"


@pytest.mark.parametrize(
    ("option", "value", "setting"),
    [
        ("-b", THEIRS, "SALES_BROKER_URL"),
        ("--broker", THEIRS, "SALES_BROKER_URL"),
        ("--result-backend", THEIRS, "SALES_RESULT_BACKEND"),
        ("--config", "their_config", "SALES_*"),
        ("--loader", "their.Loader", "SALES_*"),
    ],
)
def test_a_server_on_the_command_line_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, setting: str
) -> None:
    with (
        celery.make_context("celery", [option, value, "report"]),
        pytest.raises(SystemExit) as end,
    ):
        refuse_other_servers()
    assert end.value.code == 2
    assert f"Set {setting} instead." in capsys.readouterr().err


def test_a_variable_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery's command takes BROKER_URL for -b; who set it may not have meant us."""
    monkeypatch.setenv("BROKER_URL", THEIRS)
    with celery.make_context("celery", ["report"]) as context:
        assert context.params["broker"] == THEIRS
        refuse_other_servers()


def test_another_command_has_options_of_its_own() -> None:
    @click.command()
    @click.option("--broker")
    def run(broker: str) -> None: ...

    with run.make_context("run", ["--broker", OURS]):
        refuse_other_servers()


def test_settings_at_the_end_of_the_command_line_name_no_server() -> None:
    app = _app()
    app.config_from_cmdline(["worker.prefetch_multiplier=2"])
    assert app.conf.worker_prefetch_multiplier == 2
    for words in (f"broker.url={THEIRS}", f"broker.read_url={THEIRS}", f"result.backend={THEIRS}"):
        with pytest.raises(ValueError, match="SALES_BROKER_URL"):
            app.config_from_cmdline([words])


_BEFORE_THE_FORK = """
from workers.tasks import _before_the_fork
from pipeline_core.page.render import environment

_before_the_fork()
loaded = {name for _, name in environment().cache.keys()}
assert {"index.html", "category.html"} <= loaded, loaded
"""


def test_children_find_pages_imported_and_their_templates_loaded() -> None:
    code = [sys.executable, "-c", _BEFORE_THE_FORK]
    env = os.environ | {"SALES_BROKER_URL": OURS}
    done = subprocess.run(code, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
