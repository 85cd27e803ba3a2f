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

from console.command import cli
from console.stack import Stack
from tests.support import PROJECT
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import environment, eventually, on_terminal, sales_pipeline
from tests.support.starting import started

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
        ["diff"],
        ["diff", "no-such-run", "nor-this"],
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


def test_rejects_say_which_events_were_cut(env: dict[str, str]) -> None:
    broken = part([purchase(quantity=0, note="x" * size) for size in (10, 5000)])
    days = {"events_2024-03-02.zip": day_zip({"part.json": broken})}
    _add(env, "events_week_02.zip", archive_zip(days))
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    whole, cut = json.loads(sales_pipeline("rejects", "--json", env=env).stdout)
    assert ("is_cut" in whole, cut["is_cut"], cut["position"]) == (False, True, 1)
    assert len(cut["event"]) == 4096 + len("… (cut, 5099 bytes in all)")
    told = sales_pipeline("rejects", env=env).stderr
    assert told.startswith("1 of these events was cut (SALES_REJECT_EVENT_BYTES)")
    env |= {"SALES_REJECT_EVENT_BYTES": "10000", "SALES_REJECT_BYTES": "5000"}
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    rows = (Path(env["SALES_REPORTS"]) / "latest" / "rejects.csv").read_text().splitlines()
    assert len(rows) == 2  # with the header
    assert "cut" not in rows[1]
    assert sales_pipeline("rejects", env=env).stderr == ""


OFFICE = ("--category", "Office", "--segment", "Retail")


def test_explain_takes_a_figure_apart(env: dict[str, str]) -> None:
    nothing = sales_pipeline("explain", *OFFICE, env=env)
    assert nothing.returncode == 2
    assert "no published run" in nothing.stderr
    parts = {f"part-{n:03}.json": part([purchase(quantity=n)]) for n in range(1, 13)}
    parts["bad.json"] = part([5, purchase(quantity=0), purchase("x\x1b[2J:100:")])
    _add(env, "events_week_02.zip", archive_zip({"events_2024-03-08.zip": day_zip(parts)}))
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    shown = sales_pipeline("explain", *OFFICE, "-n", "2", env=env)
    assert (shown.returncode, shown.stderr) == (0, "")
    for words in (
        *("revenue 9.00, 90 units, 1 customer, from 16 events", "and 3 more parts"),
        *("events_week_01.zip", "events_2024-03-08.zip", "part-012.json", "and 14 more events"),
        *("invalid_quantity", "category only", "x\\x1b[2J:100:", "Of 1 other event left out"),
    ):
        assert words in shown.stdout
    assert "\x1b" not in shown.stdout
    day = sales_pipeline("explain", *OFFICE, "--date", "2024-03-01", "--json", env=env)
    found = json.loads(day.stdout)
    assert day.returncode == 0
    assert found["totals"] == {"total_revenue": "1.20", "units_sold": 12, "unique_customers": 1}
    assert [event["position"] for event in found["first_events"]] == [0, 1, 2, 3]
    assert found["cell"] == {"category": "Office", "segment": "Retail", "date": "2024-03-01"}


def test_explain_of_a_pair_without_sales_exits_0(env: dict[str, str]) -> None:
    customers = Path(env["SALES_DIMENSIONS"]) / "customers.csv"
    customers.write_text(customers.read_text() + "v1,2020-01-01,VIP\n")
    bad = {"1.json": part([purchase("v1", quantity=0)])}
    _add(env, "events_week_02.zip", archive_zip({"events_2024-03-08.zip": day_zip(bad)}))
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    done = sales_pipeline("explain", "--category", "Office", "--segment", "VIP", env=env)
    assert done.returncode == 0
    assert "there are no sales" in done.stdout
    assert "invalid_quantity" in done.stdout


def test_explain_refuses_what_is_not_in_the_report(env: dict[str, str]) -> None:
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    mistyped = sales_pipeline("explain", "--category", "office", "--segment", "Retail", env=env)
    assert (mistyped.returncode, mistyped.stdout) == (2, "")
    assert "Did you mean 'Office'?" in mistyped.stderr
    for wrong in (["--date", "March"], ["-n", "-1"], ["no-such-run"]):
        assert sales_pipeline("explain", *OFFICE, *wrong, env=env).returncode == 2
    report = Path(env["SALES_REPORTS"]) / "latest" / "sales_report.csv"
    report.write_text(report.read_text().replace("1.20", "1.21"))
    changed = sales_pipeline("explain", *OFFICE, env=env)
    assert (changed.returncode, changed.stdout) == (1, "")
    assert "says 1.21, 12, 1 for Office / Retail" in changed.stderr


def test_diff_says_what_changed_and_why(env: dict[str, str]) -> None:
    for _ in range(2):
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    same = sales_pipeline("diff", env=env)
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("Nothing changed between run 20")
    assert same.stdout.endswith(": revenue 1.20, 12 units.\n")
    products = Path(env["SALES_DIMENSIONS"]) / "products.csv"
    products.write_text(products.read_text().replace("0.10", "200.05"))
    new = archive_zip({"2024-03-08.zip": day_zip({"1.json": part([purchase(quantity=2)])})})
    _add(env, "[bold]week_02.zip", new)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    found = sales_pipeline("diff", env=env)
    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert lines[0].startswith("1 row of the report changed between run 20")
    assert lines[1:3] == [
        "Revenue of Office / Retail rose by 2,799.30: price of p1 restated from 0.10 to 200.05.",
        "Revenue of Office / Retail rose by 0.20: archive [bold]week_02.zip is new.",
    ]
    assert [line.split()[-2:] for line in lines[6:10]] == [
        ["1.20", "12"],
        ["+0.20", "+2"],
        ["+2,799.30", "0"],
        ["2,800.70", "14"],
    ]
    assert found.stdout.count("archive [bold]week_02.zip is new") == 2
    oldest = json.loads(sales_pipeline("runs", "--json", env=env).stdout)[-1]["run_id"]
    told = json.loads(sales_pipeline("diff", oldest, "--json", env=env).stdout)
    assert told["before"]["run_id"] == oldest
    [cell] = told["cells"]
    assert [(cause["kind"], cause["revenue"]) for cause in cell["causes"]] == [
        ("restated_price", "2799.30"),
        ("new_archive", "0.20"),
    ]
    back = sales_pipeline("diff", told["after"]["run_id"], oldest, env=env).stdout
    assert "fell by 2,399.40: price of p1 restated from 200.05 to 0.10." in back, "at 12 units"


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


def test_plan_tells_what_is_new_since_the_last_run(env: dict[str, str]) -> None:
    _add(env, "events_week_02.zip", _week("02", 1))
    _add(env, "events_week_03.zip", _week("03", 3))
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    _add(env, "events_week_02.zip", _week("02", 2))
    _add(env, "events_week_04.zip", _week("04", 4))
    (Path(env["SALES_DATA"]) / "events_week_03.zip").unlink()
    found = json.loads(sales_pipeline("plan", "--json", env=env).stdout)
    assert {archive["name"]: archive["state"] for archive in found["archives"]} == {
        "events_week_01.zip": "unchanged",
        "events_week_02.zip": "changed",
        "events_week_04.zip": "new",
    }
    assert found["vanished"] == ["events_week_03.zip"]
    assert found["bytes_to_read"] == len(_week("02", 2)) + len(_week("04", 4))
    assert found["expected_seconds"] > 0
    shown = sales_pipeline("plan", env=env).stdout
    assert "vanished" in shown
    assert "at the pace of earlier runs" in shown
    done = sales_pipeline("run", env=env)
    assert f"Read {found['bytes_to_read']:,} of" in done.stdout
    assert "tries of this one, left 1 archive and 1 day" in " ".join(done.stdout.split())
    assert _latest(env)["bytes_read"] == found["bytes_to_read"]
    everything = json.loads(sales_pipeline("run", "--full", "--json", env=env).stdout)
    assert everything["bytes_read"] == everything["compressed_bytes"]


def _week(number: str, quantity: int) -> bytes:
    events = [purchase(quantity=quantity)]
    return archive_zip({f"events_2024-04-{number}.zip": day_zip({"part-001.json": part(events)})})


def test_gc_removes_what_nobody_can_use(env: dict[str, str]) -> None:
    for quantity in (1, 2):
        _add(env, "events_week_02.zip", _week("02", quantity))
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    kept = json.loads(sales_pipeline("gc", "--json", env=env).stdout)
    numbers = "extracts merged results bytes reports report_bytes blocks runs snapshots"
    nothing = dict.fromkeys(numbers.split(), 0)
    assert kept == {**nothing, "dry_run": False, "run_under_way": ""}
    seen = json.loads(
        sales_pipeline("gc", "--keep-runs", "1", "--dry-run", "--json", env=env).stdout
    )
    assert (seen["extracts"], seen["results"], seen["dry_run"]) == (1, 1, True)
    assert seen["bytes"] > 0
    done = sales_pipeline("gc", "--keep-runs", "1", env=env)
    assert (
        f"Removed 1 file of extracts, 1 file of partials and rejects; {seen['bytes']:,} bytes."
    ) in done.stdout
    none = sales_pipeline("gc", "--keep-runs", "1", env=env)
    assert "Removed nothing; 0 bytes." in none.stdout
    again = json.loads(sales_pipeline("run", "--json", env=env).stdout)
    assert again["bytes_read"] == 0


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
    assert b"in 1 archive " in seen
    assert b"run_planned" not in seen, "log lines tear the display"


@pytest.mark.parametrize("moment", ["manifest.json", "attempts/0*.json"])
def test_interrupt_stops_cleanly(env: dict[str, str], moment: str) -> None:
    """While processes are being started, and while they are at work."""
    huge = part([purchase()] * 300_000)
    for week in range(2, 8):
        day = {f"events_2024-04-0{week}.zip": day_zip({"part.json": huge + b" " * week})}
        _add(env, f"events_week_{week:02}.zip", archive_zip(day))
    process = started(
        "console.command",
        "run",
        "--jobs",
        "2",
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


def test_an_interrupt_that_python_drops_is_heard(env: dict[str, str], tmp_path: Path) -> None:
    """As in the weakref callbacks of imports: what they raise is printed, and all goes on."""
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "class Careless:\n"
        "    def __del__(self):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "def watch(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('manifest.json'):\n"
        "        Careless()\n"
        "sys.addaudithook(watch)\n"
    )
    path = f"{tmp_path}{os.pathsep}{PROJECT}"
    stopped = sales_pipeline("run", env=env | {"PYTHONPATH": path})
    assert stopped.returncode == 130, stopped.stderr
    assert "Exception ignored" not in stopped.stderr
    assert not (Path(env["SALES_REPORTS"]) / "latest").exists()


def test_help_explains_every_option(env: dict[str, str]) -> None:
    for command in cli.commands:
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
    from tests.support.oracle import compute

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
    assert "has no table or view products in its search_path (public)" in done.stderr
    assert "sql/tables.sql makes" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", ""),
        ("rejects", ""),
        ("explain", ""),
        ("verify", ""),
        ("diff", ""),
        ("rebuild", ""),
        ("resume", ""),
        ("publish", ""),
        ("report", "--from", "2024-03-01", "--to", "2024-03-01", "--run", ""),
    ],
)
def test_a_variable_that_is_not_set_is_not_the_newest_run(
    env: dict[str, str], arguments: tuple[str, ...]
) -> None:
    done = sales_pipeline(*arguments, env=env)
    assert done.returncode == 2
    assert "No run has an empty name" in done.stderr
