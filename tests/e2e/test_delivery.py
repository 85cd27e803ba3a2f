"""Delivery as a person sees it: by `run`, `deliver`, `show`, `doctor` and workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from console.stack import Stack
from tests.support.archives import Shop, part, purchase
from tests.support.delivered import Place, all_of, session
from tests.support.processes import (
    call,
    celery,
    environment,
    eventually,
    local_environment,
    sales_pipeline,
)
from tests.support.run import shop_of
from tests.support.starting import started

_WRONG = "canary1"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return shop_of(tmp_path, part([purchase("c1", "p1", 2)]))


def _current(place: Place) -> str:
    [(run_id,)] = all_of(place.url, f"SELECT run_id FROM {place.schema}.current_run")
    return str(run_id)


def _ids(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "state" / "runs").iterdir())


def test_a_run_is_delivered_and_again_when_it_is_asked_for(
    shop: Shop, tmp_path: Path, place: Place
) -> None:
    password = str(make_url(place.url).password)
    env = local_environment(shop, tmp_path, SALES_DELIVER=place.setting)
    run = sales_pipeline("run", env=env)
    assert (run.returncode, "Delivered to postgresql://***@" in run.stderr) == (0, True)
    [first] = _ids(tmp_path)
    assert _current(place) == first

    shown = sales_pipeline("show", env=env)
    assert f"?schema={place.schema} at " in shown.stdout
    with session(place.url) as cursor:
        cursor.execute(f"DROP SCHEMA {place.schema} CASCADE")
    again = sales_pipeline("deliver", "--json", env=env)
    assert again.returncode == 0
    [told] = json.loads(again.stdout)
    assert (told["state"], told["tries"]) == ("done", 2)
    assert _current(place) == first

    # Without its login, which SALES_DELIVER has.
    for to in (told["shown"], told["shown"].replace("***@", "")):
        assert sales_pipeline("deliver", "--to", to, env=env).returncode == 0
    second = sales_pipeline("run", "--json", env=env)
    assert json.loads(second.stdout)["run_id"] == _current(place) != first
    older = sales_pipeline("deliver", first, env=env)
    assert (older.returncode, "A newer run" in older.stdout) == (1, True)
    doctor = sales_pipeline("doctor", env=env)
    assert f"run {_current(place)} stands there" in doctor.stdout
    for said in (run, shown, again, older, doctor):
        assert password not in said.stdout + said.stderr


def test_what_is_not_delivered_is_a_warning(shop: Shop, tmp_path: Path, place: Place) -> None:
    wrong = place.by("myuser", _WRONG)
    env = local_environment(shop, tmp_path, SALES_DELIVER=wrong.setting)
    for quiet in ([], ["--quiet"], ["--json"]):
        run = sales_pipeline("run", *quiet, env=env)
        assert run.returncode == 0
        assert "Not delivered to postgresql://***@" in run.stderr
        assert "password authentication failed" in run.stderr
        assert "Correct user and password in SALES_DELIVER" in run.stderr
        assert run.stderr.count("password authentication failed") == 1
    shown = sales_pipeline("show", env=env)
    assert "password authentication failed" in shown.stdout
    doctor = sales_pipeline("doctor", env=env)
    assert (doctor.returncode, "failed delivery" in doctor.stdout) == (1, True)
    delivered = sales_pipeline("deliver", env=env)
    assert delivered.returncode == 1
    to = sales_pipeline("deliver", "--to", place.setting, env=env)
    assert (to.returncode, _current(place)) == (0, _ids(tmp_path)[-1])
    kept = "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    )
    said = [run, shown, doctor, delivered, to]
    assert _WRONG not in kept + "".join(each.stdout + each.stderr for each in said)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("deliver",), "There is no destination to deliver to."),
        (("deliver", "--to", f"mysql://me:{_WRONG}@db/bi"), "--to: no kind of destination"),
        (("deliver", "nowhere", "--to", "postgresql://db/bi"), "no run 'nowhere'"),
    ],
)
def test_what_cannot_be_delivered_is_told(
    shop: Shop, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    env = local_environment(shop, tmp_path)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    done = sales_pipeline(*arguments, env=env)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert _WRONG not in done.stderr


def test_a_wrong_setting_is_told_without_its_login(shop: Shop, tmp_path: Path) -> None:
    env = local_environment(shop, tmp_path, SALES_DELIVER=f"mysql://me:{_WRONG}@db/bi")
    done = sales_pipeline("run", env=env)
    assert (done.returncode, "SALES_DELIVER: no kind of destination" in done.stderr) == (2, True)
    assert _WRONG not in done.stderr


def test_a_deliverer_that_is_killed_in_the_midst(shop: Shop, tmp_path: Path, place: Place) -> None:
    """After some tables are replaced, and before others: readers keep what they have, and who comes
    next delivers all of it."""
    env = local_environment(shop, tmp_path, SALES_DELIVER=place.setting, SALES_LEASE="1")
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    first = _current(place)
    rows = f"SELECT (SELECT string_agg(run_id, ',') FROM {place.schema}.sales_report)"
    with session(place.url) as cursor:
        cursor.execute(f"""
            CREATE FUNCTION {place.schema}.waits() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock(8); RETURN NULL; END';
            CREATE TRIGGER waits BEFORE INSERT OR UPDATE ON {place.schema}.daily_sales
                EXECUTE FUNCTION {place.schema}.waits();
        """)
        cursor.execute("BEGIN; SELECT pg_advisory_xact_lock(8)")
        assert sales_pipeline("run", "--quiet", env=env | {"SALES_DELIVER": ""}).returncode == 0
        deliverer = started(
            "console.command",
            "deliver",
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        [(pid,)] = eventually(lambda: all_of(place.url, waiting) or None, "a deliverer")
        os.kill(deliverer.pid, signal.SIGKILL)
        deliverer.wait()
        assert all_of(place.url, rows) == [(first,)]
        cursor.execute("SELECT pg_terminate_backend(%s); COMMIT", (pid,))
    time.sleep(1)  # SALES_LEASE
    assert all_of(place.url, rows) == [(first,)]
    assert sales_pipeline("deliver", "--quiet", env=env).returncode == 0
    assert _current(place) == _ids(tmp_path)[-1] != first
    assert all_of(place.url, rows) == [(_ids(tmp_path)[-1],)]


def test_workers_deliver_and_beat_tries_again(
    stack: Stack, shop: Shop, tmp_path: Path, place: Place
) -> None:
    env = environment(stack, shop, tmp_path)
    wanted = env | {"SALES_DELIVER": place.setting}
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=wanted, log=log):
        # The command has no destinations: the worker has.
        run = sales_pipeline("run", "--engine", "celery", "--quiet", env=env)
        assert run.returncode == 0, run.stderr
        eventually(lambda: _ids(tmp_path)[-1] == _current_or_none(place) or None, "delivery")
        with session(place.url) as cursor:
            cursor.execute(f"DROP SCHEMA {place.schema} CASCADE")
        deliveries = tmp_path / "state" / "runs" / _ids(tmp_path)[-1] / "deliveries"
        for path in deliveries.iterdir():  # as if it had not been tried
            path.unlink()
        call("workers.reconcile", env=env, cwd=tmp_path)
        eventually(lambda: _current_or_none(place), "the reconciler's delivery")
    password = str(make_url(place.url).password)
    assert password not in log.read_text()


def _current_or_none(place: Place) -> str | None:
    try:
        return _current(place)
    except Exception:
        return None
