"""The ``sales-pipeline`` command as a user meets it: exit codes, outputs, errors."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.stack import Stack
from tests.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.processes import environment, eventually, on_terminal, sales_pipeline

GOOD = archive_zip(
    {"events_2024-03-01.zip": day_zip({"part-001.json": part([purchase(quantity=3)] * 4)})}
)
PARTLY_BAD = archive_zip(
    {
        "events_2024-03-02.zip": day_zip(
            {"part-001.json": part([purchase()]), "part-002.json": b"[oops"}
        ),
        "events_2024-03-05.zip": b"this is no zip",
    }
)


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """Settings of a shop with one good archive, local engine."""
    shop = write_shop(tmp_path / "shop", {"events_week_01.zip": GOOD})
    return environment(stack, shop, tmp_path, SALES_ENGINE="local", SALES_JOBS="1")


def _add(env: dict[str, str], name: str, data: bytes) -> None:
    (Path(env["SALES_DATA"]) / name).write_bytes(data)


def _latest(env: dict[str, str]) -> dict[str, object]:
    text = (Path(env["SALES_REPORTS"]) / "latest" / "summary.json").read_text()
    loaded: dict[str, object] = json.loads(text)
    return loaded


def test_complete_run_exits_0_and_prints_the_report(env: dict[str, str]) -> None:
    done = sales_pipeline("run", env=env)
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
    assert _latest(env)["status"] == "complete"
    top = Path(env["SALES_REPORTS"]) / "sales_report.csv"
    assert top.read_bytes() == (top.parent / "latest" / "sales_report.csv").read_bytes()
    assert "\x1b" not in done.stdout + done.stderr, "colours or progress in a pipe"


def test_incomplete_run_exits_1_and_the_earlier_report_stands(env: dict[str, str]) -> None:
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    before = _latest(env)
    _add(env, "events_week_02.zip", PARTLY_BAD)
    refused = sales_pipeline("run", env=env)
    assert refused.returncode == 1
    assert "part-002.json" in refused.stderr
    assert "--allow-incomplete" in refused.stderr
    assert _latest(env) == before


def test_allow_incomplete_exits_3(env: dict[str, str]) -> None:
    _add(env, "events_week_02.zip", PARTLY_BAD)
    done = sales_pipeline("run", "--allow-incomplete", "--json", env=env)
    assert done.returncode == 3
    summary = json.loads(done.stdout)
    assert summary["status"] == "incomplete"
    assert [(u["day"], u["part"]) for u in summary["unreadable"]] == [
        ("events_2024-03-02.zip", "part-002.json"),
        ("events_2024-03-05.zip", None),
    ]
    assert summary["totals"]["units_sold"] == 13
    assert summary["missing_days"] == ["2024-03-03", "2024-03-04"]


def test_a_refused_run_can_be_published_without_its_archives(env: dict[str, str]) -> None:
    _add(env, "events_week_02.zip", PARTLY_BAD)
    told = Path(env["SALES_STATE"]).with_name("told")
    hook = told.with_name("hook.py")
    hook.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')")
    env = env | {"SALES_HOOK_COMMAND": f"{sys.executable} {hook}"}
    assert sales_pipeline("run", "--quiet", env=env).returncode == 1
    run_id = json.loads(sales_pipeline("runs", "--json", env=env).stdout)[0]["run_id"]
    for archive in Path(env["SALES_DATA"]).iterdir():
        archive.unlink()
    assert sales_pipeline("publish", run_id, env=env).returncode == 1
    done = sales_pipeline("publish", run_id, "--allow-incomplete", "--json", env=env)
    assert done.returncode == 3, done.stderr
    assert _latest(env)["run_id"] == run_id
    assert sales_pipeline("publish", run_id, env=env).returncode == 3
    events = [json.loads(line)["event"] for line in told.read_text().splitlines()]
    assert events == ["refused", "incomplete"], "each once"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--engine", "spark"],
        ["run", "--jobs", "0"],
        ["frobnicate"],
        ["run", "--no-such-option"],
        ["publish"],
        ["publish", "no-such-run"],
        ["run", "--data", "/nowhere/at/all"],
        ["run", "--dimensions", "/nowhere/at/all"],
        ["run", "--reports", "ftp://example/x"],
    ],
)
def test_wrong_usage_exits_2_without_a_traceback(env: dict[str, str], arguments: list[str]) -> None:
    done = sales_pipeline(*arguments, env=env)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_wrong_setting_exits_2_and_is_named(env: dict[str, str]) -> None:
    done = sales_pipeline("run", env={**env, "SALES_TIMEZONE": "Mars"})
    assert done.returncode == 2
    assert "SALES_TIMEZONE" in done.stderr


def test_mistyped_command_gets_a_suggestion(env: dict[str, str]) -> None:
    assert "Did you mean 'rejects'" in sales_pipeline("reject", env=env).stderr


def test_bad_price_exits_1_and_names_the_product(env: dict[str, str]) -> None:
    products = Path(env["SALES_DIMENSIONS"]) / "products.csv"
    products.write_text("product_id,category,price\np7,Books,\n")
    done = sales_pipeline("run", env=env)
    assert done.returncode == 1
    assert "p7" in done.stderr


def test_json_is_all_there_is_on_stdout(env: dict[str, str]) -> None:
    done = sales_pipeline("run", "--json", env=env)
    assert json.loads(done.stdout) == _latest(env)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_quiet_says_nothing(env: dict[str, str], jobs: str) -> None:
    _add(env, "events_week_02.zip", archive_zip({"events_2024-03-02.zip": day_zip({})}))
    done = sales_pipeline("run", "--quiet", "--jobs", jobs, env=env)
    assert (done.stdout, done.stderr) == ("", "")


def test_history_show_and_rejects(env: dict[str, str]) -> None:
    broken = part([purchase(), 5, purchase(quantity=0, note="x,\ny")])
    days = {"events_2024-03-02.zip": day_zip({"a/part.json": broken})}
    _add(env, "events_week_02.zip", archive_zip(days))
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    listed = json.loads(sales_pipeline("runs", "--json", env=env).stdout)
    assert [run["state"] for run in listed] == ["published"]
    shown = json.loads(sales_pipeline("show", "--json", env=env).stdout)
    assert shown == _latest(env)
    found = json.loads(sales_pipeline("rejects", "--json", env=env).stdout)
    assert [(r["reason"], r["day"], r["part"], r["position"]) for r in found] == [
        ("not_an_object", "events_2024-03-02.zip", "a/part.json", 1),
        ("invalid_quantity", "events_2024-03-02.zip", "a/part.json", 2),
    ]
    assert json.loads(found[1]["event"])["note"] == "x,\ny"
    text = (Path(env["SALES_REPORTS"]) / "latest" / "rejects.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [{**row, "position": int(row["position"])} for row in rows] == found
    only = sales_pipeline("rejects", "--reason", "not_an_object", "--json", env=env)
    assert len(json.loads(only.stdout)) == 1
    for command in ("runs", "show", "rejects", "plan"):
        assert sales_pipeline(command, env=env).returncode == 0


def test_plan_says_what_a_run_would_do_and_does_nothing(env: dict[str, str]) -> None:
    _add(env, "events_week_01_again.zip", GOOD)
    _add(env, "events_week_09.zip", b"no zip")
    found = json.loads(sales_pipeline("plan", "--json", env=env).stdout)
    states = {archive["name"]: archive["state"] for archive in found["archives"]}
    assert states == {
        "events_week_01.zip": "new",
        "events_week_01_again.zip": "duplicate",
        "events_week_09.zip": "unreadable",
    }
    assert found["bytes_to_read"] == len(GOOD)
    assert not Path(env["SALES_STATE"]).exists()
    assert not Path(env["SALES_REPORTS"]).exists()


def test_doctor_finds_everything_well_and_names_what_is_not(env: dict[str, str]) -> None:
    well = sales_pipeline("doctor", "--json", env={**env, "SALES_BROKER_URL": ""})
    assert well.returncode == 0, well.stdout
    assert {check["state"] for check in json.loads(well.stdout)} == {"ok"}
    ill = {
        **env,
        "SALES_DATA": "/nowhere",
        "SALES_BROKER_URL": "redis://:canary@127.0.0.1:1/0",
        "SALES_DIMENSIONS": "",
        "SALES_DATABASE_URL": "postgresql+psycopg2://u:canary@127.0.0.1:1/x",
    }
    found = sales_pipeline("doctor", "--json", env=ill)
    assert found.returncode == 1
    failed = {c["name"]: c["remedy"] for c in json.loads(found.stdout) if c["state"] == "failed"}
    assert {"data", "dimensions", "broker", "workers"} <= set(failed)
    assert all(failed.values()), "a failure without a remedy"
    assert "canary" not in found.stdout + found.stderr
    assert "Traceback" not in found.stderr


def test_progress_shows_on_a_terminal(env: dict[str, str]) -> None:
    code, seen = on_terminal("run", env=env)
    assert code == 0
    assert b"archives" in seen
    assert b"run_planned" not in seen, "log lines tear the display"


@pytest.mark.parametrize("moment", ["manifest.json", "attempts/0*.json"])
def test_interrupt_stops_cleanly(env: dict[str, str], moment: str) -> None:
    """While processes are being started, and while they are at work."""
    huge = part([purchase()] * 300_000)
    for week in range(2, 8):
        day = {f"events_2024-04-0{week}.zip": day_zip({"part.json": huge + b" " * week})}
        _add(env, f"events_week_{week:02}.zip", archive_zip(day))
    process = subprocess.Popen(
        [sys.executable, "-m", "console.command", "run", "--jobs", "2"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    runs = Path(env["SALES_STATE"]) / "runs"
    eventually(lambda: runs.exists() and list(runs.glob(f"*/{moment}")), moment)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert not (Path(env["SALES_REPORTS"]) / "latest").exists()


def test_help_explains_every_option(env: dict[str, str]) -> None:
    for command in (
        "run",
        "plan",
        "publish",
        "runs",
        "show",
        "rejects",
        "verify",
        "doctor",
        "demo",
    ):
        done = sales_pipeline(command, "--help", env=env)
        assert done.returncode == 0
        assert "Options:" in done.stdout


def test_customers_and_products_from_postgresql(
    env: dict[str, str], stack: Stack, tmp_path: Path
) -> None:
    from data_generator import generate

    generate(tmp_path / "weeks", 2, seed=3, dirt=0.05)
    of_database = {
        **env,
        "SALES_DATA": str(tmp_path / "weeks"),
        "SALES_DIMENSIONS": "",
        "SALES_DATABASE_URL": stack.postgres.url,
    }
    done = sales_pipeline("run", "--json", env=of_database)
    assert done.returncode == 0, done.stderr
    shop = _shop_of_database(stack, tmp_path)
    from tests.oracle import compute

    latest = Path(env["SALES_REPORTS"]) / "latest"
    expected = compute(tmp_path / "weeks", shop)
    assert (latest / "sales_report.csv").read_bytes() == expected.sales_report
    assert json.loads(done.stdout)["totals"] == expected.summary["totals"]


def _shop_of_database(stack: Stack, folder: Path) -> Path:
    import pandas as pd
    from sqlalchemy import create_engine

    target = folder / "exported"
    target.mkdir()
    engine = create_engine(stack.postgres.url)
    with engine.connect() as connection:
        for name in ("customers", "products"):
            table = pd.read_sql(f"SELECT * FROM {name}", connection, coerce_float=False)
            table.to_csv(target / f"{name}.csv", index=False)
    engine.dispose()
    return target


def test_database_away_exits_1_with_a_remedy_and_no_password(env: dict[str, str]) -> None:
    url = "postgresql+psycopg2://myuser:canary@127.0.0.1:1/ecommerce_db"
    done = sales_pipeline("run", env={**env, "SALES_DIMENSIONS": "", "SALES_DATABASE_URL": url})
    assert done.returncode == 1
    assert "SALES_DB_HOST" in done.stderr
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr


def test_database_without_tables_exits_2(env: dict[str, str], postgres_url: str) -> None:
    found = {**env, "SALES_DIMENSIONS": "", "SALES_DATABASE_URL": postgres_url}
    done = sales_pipeline("run", env=found)
    assert done.returncode == 2
    assert "sql/init.sql" in done.stderr


def test_demo_leaves_the_report_and_no_process(env: dict[str, str], tmp_path: Path) -> None:
    done = sales_pipeline("demo", "--folder", "shown", "--archives", "3", env=env)
    assert done.returncode == 0, done.stderr
    report = Path("shown/reports/latest/sales_report.csv")
    assert report.read_text().startswith("category,customer_segment,total_revenue")
    assert str(report.absolute()) in done.stderr
    summary = json.loads((report.parent / "summary.json").read_text())
    assert (summary["engine"], summary["archives"]["read"]) == ("celery", 3)
