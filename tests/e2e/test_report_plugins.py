"""A report by a package that is installed beside this program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.stack import Stack
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.packages import install
from tests.support.processes import celery, environment, eventually, local_environment
from tests.support.processes import sales_pipeline as command

GROUP = "sales_pipeline.reports"
SEGMENTS = """
import pyarrow as pa
from pipeline_core.transform.reports.base import (
    Report, group_rows, label_column, revenue_column, sum_measures,
)

SCHEMA = pa.schema([
    pa.field("segment", pa.string(), nullable=False),
    pa.field("units", pa.int64(), nullable=False),
    pa.field("revenue_hi", pa.int64(), nullable=False),
    pa.field("revenue_lo", pa.int64(), nullable=False),
])

def aggregate(sales, labels):
    print("for standard error, of whichever process")
    groups = group_rows([sales["segment"].combine_chunks()])
    names = label_column(labels.segments, groups.keys[0])
    return pa.Table.from_arrays([names, *sum_measures(sales, groups)], schema=SCHEMA)

def merge(partials):
    table = pa.concat_tables([SCHEMA.empty_table(), *partials])
    groups = group_rows([table["segment"].combine_chunks()])
    return pa.Table.from_arrays([*groups.keys, *sum_measures(table, groups)], schema=SCHEMA)

def finish(partial, scale):
    partial = partial.sort_by("segment")
    return pa.table({
        "customer_segment": partial["segment"],
        "UNITS": partial["units"],
        "revenue": revenue_column(partial, scale),
    })

REPORT = Report("segments", SCHEMA, aggregate, merge, finish)
"""
# Counts each unit twice, and so its partials are others.
TWICE = SEGMENTS.replace(
    "return pa.Table.from_arrays([names, *sum_measures(sales, groups)]",
    "units, *money = sum_measures(sales, groups)\n"
    "    import pyarrow.compute as pc\n"
    "    return pa.Table.from_arrays([names, pc.multiply(units, 2), *money]",
)
BROKEN = """
from dataclasses import replace
from acme_reports import REPORT, SCHEMA

def fails(sales, labels):
    raise KeyError("no such thing")

failing = replace(REPORT, name="failing", aggregate=fails)
lawless = replace(REPORT, name="lawless", merge=lambda all: [*all, SCHEMA.empty_table()][0])
other = replace(REPORT, name="none_of_it", finish=lambda partial, scale: None)
"""
ENTRIES = """
segments = "acme_reports:REPORT"
unimported = "acme_reports.missing:REPORT"
no_report = "acme_reports:SCHEMA"
renamed = "acme_reports:REPORT"
failing = "acme_reports.broken:failing"
lawless = "acme_reports.broken:lawless"
none_of_it = "acme_reports.broken:other"
sales_report = "acme_reports:REPORT"
rejects = "acme_reports:REPORT"
"../up" = "acme_reports:REPORT"
con = "acme_reports:REPORT"
"""


def _site(folder: Path, version: str, source: str = SEGMENTS) -> Path:
    site = folder / f"site-{version}"
    modules = {"__init__": source, "broken": BROKEN}
    install(site, "acme-reports", version, GROUP, ENTRIES, modules)
    return site


def _with(env: dict[str, str], site: Path, names: str = "segments") -> dict[str, str]:
    path = os.pathsep.join([env["PYTHONPATH"], str(site)])
    return env | {"SALES_REPORT_PLUGINS": names, "PYTHONPATH": path}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where two versions are installed."""
    folder = tmp_path_factory.mktemp("packages")
    return {"1.2": _site(folder, "1.2"), "1.3": _site(folder, "1.3", TWICE)}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Three sales in two archives."""
    archives = {
        f"week_{n}.zip": archive_zip(
            {f"events_2024-03-0{n}.zip": day_zip({"a.json": part([purchase("c1", "p1", n)] * n)})}
        )
        for n in (1, 2)
    }
    return write_shop(
        tmp_path / "shop", archives, [("c1", "2023-01-01", "VIP")], [("p1", "One", "Toys", "0.10")]
    )


@pytest.fixture
def env(shop: Shop, tmp_path: Path) -> dict[str, str]:
    return local_environment(shop, tmp_path)


def _run(env: dict[str, str], *arguments: str) -> dict[str, object]:
    done = command("run", "--json", *arguments, env=env)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _csv(env: dict[str, str]) -> list[str]:
    return (Path(env["SALES_REPORTS"]) / "latest" / "segments.csv").read_text().splitlines()


def test_a_report_is_published_beside_ours_and_named_by_the_run(
    env: dict[str, str], sites: dict[str, Path]
) -> None:
    ours = _with(env, sites["1.2"])
    said = _run(ours)
    assert _csv(env) == ["customer_segment,UNITS,revenue", "VIP,5,0.50"]
    named = [{"name": "segments", "package": "acme-reports", "version": "1.2"}]
    assert said["report_plugins"] == named
    assert "segments of acme-reports 1.2" in command("show", env=ours).stdout
    page = (Path(env["SALES_REPORTS"]) / "latest" / "index.html").read_text()
    assert 'href="segments.csv" download' in page
    checked = command("verify", env=env)
    assert checked.returncode == 0, "it needs no plug-in"
    assert "Made by plug-ins, and not counted again: segments.csv." in checked.stdout
    assert "1.2" in command("doctor", env=ours).stdout
    assert command("explain", "--category", "Toys", "--segment", "VIP", env=env).returncode == 0, (
        "nor does this"
    )


def test_what_is_installed_and_not_named_changes_nothing(
    env: dict[str, str], sites: dict[str, Path]
) -> None:
    given = _with(env, sites["1.2"], names="")
    assert _run(given)["report_plugins"] == []
    assert not (Path(env["SALES_REPORTS"]) / "latest" / "segments.csv").exists()
    told = " ".join(command("doctor", env=given).stdout.split())
    assert "installed, and not in SALES_REPORT_PLUGINS: ../up, con" in told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "No package that is installed has the plug-in nowhere."),
        ("unimported", "unimported of acme-reports 1.2 cannot be used: ModuleNotFoundError"),
        ("no_report", "acme_reports:SCHEMA is no Report"),
        ("renamed", "its Report is called 'segments'"),
        ("sales_report", "names sales_report, and every run has a file that is called so"),
        ("rejects", "names rejects, and every run has a file that is called so"),
        ("../up", "'../up', which is no name for a report's file"),
        ("con", "'con', which is no name for a report's file"),
    ],
)
def test_one_that_cannot_be_used_stops_the_plan_and_is_named(
    env: dict[str, str], sites: dict[str, Path], name: str, said: str
) -> None:
    given = _with(env, sites["1.2"], f"segments,{name}")
    done = command("run", env=given)
    assert (done.returncode, said in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert not Path(env["SALES_REPORTS"], "latest").exists()
    checked = command("doctor", "--json", env=given)
    (plugins,) = [each for each in json.loads(checked.stdout) if each["name"] == "plug-ins"]
    assert (plugins["state"], said in plugins["found"], bool(plugins["remedy"])) == (
        ("failed", True, True)
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("failing", "failing of acme-reports 1.2 failed: KeyError('no such thing')"),
        ("none_of_it", "none_of_it of acme-reports 1.2 failed: TypeError"),
    ],
)
def test_one_that_fails_ends_the_run_by_its_name_and_no_archive_is_to_blame(
    env: dict[str, str], sites: dict[str, Path], name: str, said: str
) -> None:
    given = _with(env, sites["1.2"], name)
    done = command("run", env=given)
    assert (done.returncode, said in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert not Path(env["SALES_REPORTS"], "latest").exists()
    assert _run(env)["status"] == "complete"


def test_doctor_names_one_that_breaks_a_law(env: dict[str, str], sites: dict[str, Path]) -> None:
    checked = command("doctor", env=_with(env, sites["1.2"], "lawless"))
    assert checked.returncode == 1
    assert "The report lawless breaks a law" in " ".join(checked.stdout.split())


def test_another_version_makes_its_report_of_all_archives_again_and_reads_none(
    env: dict[str, str], sites: dict[str, Path]
) -> None:
    old, new = _with(env, sites["1.2"]), _with(env, sites["1.3"])
    _run(old)
    assert _run(new)["bytes_read"] == 0
    assert _csv(env)[1] == "VIP,10,0.50"
    told = " ".join(command("diff", env=env).stdout.split())
    assert (
        "Rules are others: reports by plug-ins are now segments of acme-reports 1.3, before "
        "segments of acme-reports 1.2." in told
    )
    assert _run(env)["bytes_read"] == 0, "without any"
    _run(old)
    assert _csv(env)[1] == "VIP,5,0.50"


def test_a_past_run_is_rebuilt_with_the_plug_in_it_had(
    env: dict[str, str], sites: dict[str, Path]
) -> None:
    ours = _with(env, sites["1.2"])
    run_id = str(_run(ours)["run_id"])
    published = _csv(env)
    (Path(env["SALES_REPORTS"]) / "latest" / "segments.csv").unlink()
    for given, said in (
        (env, "No package that is installed has the plug-in segments."),
        (_with(env, sites["1.3"]), "and this process has segments of acme-reports 1.3."),
    ):
        refused = command("rebuild", run_id, env=given)
        assert refused.returncode == 2
        assert "The run was planned with segments of acme-reports 1.2" in refused.stderr
        assert said in " ".join(refused.stderr.split())
    rebuilt = command("rebuild", run_id, env=ours)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert _csv(env) == published
    assert command("gc", "--keep-runs", "1", env=env).returncode == 0


@pytest.mark.parametrize("program", ["worker", "beat", "flower"])
def test_nothing_of_celery_starts_with_one_that_is_not_installed(
    env: dict[str, str], program: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "workers", program],
        env=env | {"SALES_BROKER_URL": "redis://127.0.0.1:1/0", "SALES_REPORT_PLUGINS": "nope"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "Error: No package that is installed has the plug-in nope.\n" in ended.stderr
    assert "correct SALES_REPORT_PLUGINS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_workers_make_it_and_those_with_another_version_refuse(
    stack: Stack, shop: Shop, tmp_path: Path, sites: dict[str, Path]
) -> None:
    env = environment(stack, shop, tmp_path)
    old, new = _with(env, sites["1.2"]), _with(env, sites["1.3"])
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=old, log=log):
        eventually(lambda: b"ready" in log.read_bytes(), f"a worker that is ready in {log}")
        _run(old)
        assert _csv(env) == ["customer_segment,UNITS,revenue", "VIP,5,0.50"]
        refused = command("run", "--quiet", env=new)
        assert refused.returncode == 1, refused.stderr
        told = " ".join(refused.stderr.split())
        assert "The run was planned with segments of acme-reports 1.3, and this process has" in told
        assert "Install acme-reports 1.3 wherever runs are made, start workers again" in told
    assert _csv(env) == ["customer_segment,UNITS,revenue", "VIP,5,0.50"], "it stands"
    newest = max((tmp_path / "state" / "runs").iterdir())
    assert list(newest.glob("attempts/0*")) == [], "the archives are not to blame"


def test_frames_have_it_too(
    env: dict[str, str], sites: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "from pipeline_core import frames\n"
        "from acme_reports import REPORT\n"
        "run = frames.run()\n"
        "found = run.added_report('segments')\n"
        "print(found['revenue'].tolist(), found['UNITS'].dtype)\n"
        "shop = frames.DimensionLoader(run.summary and 'DIMENSIONS')\n"
        "counted = frames.DataTransformer(shop.customers(), shop.products(), reports=[REPORT])\n"
        "events = frames.EventExtractor('DATA').to_frame()\n"
        "print(counted.transform(events)['segments'].to_csv(index=False))\n"
    )
    script = script.replace("DIMENSIONS", env["SALES_DIMENSIONS"])
    script = script.replace("'DATA'", repr(env["SALES_DATA"]))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=_with(env, sites["1.2"]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The report that is handed over is the caller's own, and so is what it prints.
    told = [line for line in done.stdout.splitlines() if not line.startswith("for standard error")]
    assert told == [
        "[Decimal('0.50')] int64",
        "customer_segment,UNITS,revenue",
        "VIP,5,0.50",
        "",
    ]
