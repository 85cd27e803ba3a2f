"""Whoever can write the state, and has no SALES_STATE_KEY: what they put there is not used.

They have this very program, the archives, and everything that honest runs left; so they make
their forgeries by runs of their own, over archives that say more, and put those in the place of the
honest ones. Digests, names and references are all as they should be.
"""

from __future__ import annotations

import atexit
import json
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pipeline_core import frames, pipeline
from pipeline_core.errors import ConfigError, ContractError, DamagedRecord
from pipeline_core.kept.extract_files import ListedDay, list_of, spans
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.publications import mark_published
from pipeline_core.messages import Manifest
from pipeline_core.running.local import run_locally
from pipeline_core.vouching import signed
from pipeline_core.vouching.key import StateKey, use_state_key
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PRODUCTS, Fleet, archive
from tests.support.processes import eventually, local_environment, published_csvs, sales_pipeline
from tests.support.run import plan_local, process_local

OURS, THEIRS = "ours: 32 random bytes of a sort", "theirs: as good as any of those"
RUN, NEXT = "20240401T030000000000Z-000001", "20240402T030000000000Z-000002"
WEEKS = {f"events_week_0{week}.zip": archive(week) for week in (1, 2, 3)}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return write_shop(tmp_path / "shop", WEEKS, CUSTOMERS, PRODUCTS)


@pytest.fixture
def their_shop(tmp_path: Path) -> Shop:
    """Archives of the same names, in which everybody buys a hundred times as much."""
    more = [purchase(f"c{number}", f"p{number % 20 + 1}", 100) for number in range(30)]
    archives = {
        name: archive_zip({f"events_2024-0{week}-01.zip": day_zip({"part-001.json": part(more)})})
        for week, name in enumerate(WEEKS, start=1)
    }
    return write_shop(tmp_path / "their shop", archives, CUSTOMERS, PRODUCTS)


@pytest.fixture(autouse=True)
def _no_key_is_left() -> Iterator[None]:
    yield
    _use(None)
    atexit.unregister(signed._refused.tell_number)  # this process ends without a log


def _use(key: str | None) -> None:
    """As another process would, that remembers nothing."""
    use_state_key(None if key is None else StateKey(key.encode()))
    processing = import_module("pipeline_core.processing.process")  # the function has the name, too
    processing.manifest_of.cache_clear()
    processing._dimensions.cache_clear()


def _kept(folder: Path, key: str | None) -> Path:
    state = folder / "state"
    return state if key is None else state / "keyed" / StateKey(key.encode()).mark


def _finish(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    state = str(folder / "state")
    outcome = run_locally(state, manifest, 1)
    assert outcome.exit_code == 0, outcome.reason
    return published_csvs(folder)


def _run(shop: Shop, folder: Path, run_id: str = RUN) -> dict[str, bytes]:
    return _finish(folder, plan_local(shop, folder, run_id=run_id))


def _forge(source: Path, target: Path, name: str) -> None:
    shutil.copytree(source / name, target / name, dirs_exist_ok=True)


@pytest.fixture
def honest(shop: Shop, tmp_path: Path) -> dict[str, bytes]:
    _use(None)
    return _run(shop, tmp_path / "honest")


@pytest.mark.parametrize("key", [OURS, None])
@pytest.mark.parametrize("names", [("receipts",), ("manifest.json",)])
def test_results_and_plans_of_another_are_not_published(
    shop: Shop,
    their_shop: Shop,
    tmp_path: Path,
    honest: dict[str, bytes],
    key: str | None,
    names: tuple[str, ...],
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    their_key = THEIRS if key else None
    _use(their_key)
    theirs = _run(their_shop, there)
    assert theirs != honest
    _use(key)
    manifest = plan_local(shop, here, run_id=RUN)
    if names != ("manifest.json",):
        process_local(here, manifest)
    source, target = (_kept(*each) / "runs" / RUN for each in ((there, their_key), (here, key)))
    for name in names:
        if (source / name).is_dir():
            _forge(source, target, name)
        else:
            text = (source / name).read_bytes().replace(b"there/reports", b"here//reports")
            (target / name).write_bytes(text)
    _use(key)
    if key is None:  # whoever writes the state of such a place is trusted
        again = RunLedger(open_state(str(here / "state")), RUN).manifest()
        assert _finish(here, again) == theirs
        return
    if names == ("manifest.json",):
        with pytest.raises(DamagedRecord, match="damaged, or not vouched for"):
            pipeline.publish(str(here / "state"), RUN)
        manifest = plan_local(shop, here, run_id=RUN)
    assert _finish(here, manifest) == honest


@pytest.mark.parametrize("key", [OURS, None])
def test_extracts_of_another_are_not_counted(
    shop: Shop, their_shop: Shop, tmp_path: Path, honest: dict[str, bytes], key: str | None
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    their_key = THEIRS if key else None
    _use(their_key)
    theirs = _run(their_shop, there)
    _use(key)
    assert _run(shop, here) == honest
    forged, ours = (
        sorted(_kept(*place).glob("kept/extracts/*/*/*"))
        for place in ((there, their_key), (here, key))
    )
    for extract in ours:
        extract.write_bytes(_as_if_of_the_days_in(extract.read_bytes(), forged[0].read_bytes()))
    (_kept(here, key) / "kept" / "archives.json").unlink()
    found = _run(shop, here, NEXT)
    assert (found == honest) == (key is not None)
    assert found["sales_report.csv"] != theirs["sales_report.csv"]


def _as_if_of_the_days_in(ours: bytes, theirs: bytes) -> bytes:
    """The extract of their day, and the tag behind it, in a file that says it is of our days."""
    (day,) = (spans(theirs) or {}).values()
    days = [ListedDay(digest, day.size) for digest in spans(ours) or {}]
    extract, tag = theirs[day.begin :][: day.size], theirs[day.begin + day.size :]
    return list_of(days) + extract * len(days) + tag


@pytest.mark.parametrize("key", [OURS, None])
def test_what_another_remembers_is_not_reused(
    shop: Shop, their_shop: Shop, tmp_path: Path, honest: dict[str, bytes], key: str | None
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    their_key = THEIRS if key else None
    _use(their_key)
    theirs = _run(their_shop, there)
    _use(key)
    assert _run(shop, here) == honest
    tag = 32 if key else 0
    ours, forged = _kept(here, key), _kept(there, their_key)
    memory, lies = (
        json.loads(each.read_bytes()[: each.stat().st_size - tag])
        for each in (ours / "kept/archives.json", forged / "kept/archives.json")
    )
    for known, lie in zip(memory["archives"], lies["archives"], strict=True):
        known["done"] = lie["done"]
    (ours / "kept/archives.json").write_bytes(json.dumps(memory).encode() + bytes(tag))
    for name in ("receipts",):
        _forge(forged / "runs" / RUN, ours / "runs" / RUN, name)
    found = _run(shop, here, NEXT)
    assert found["sales_report.csv"] == (honest if key else theirs)["sales_report.csv"]


def test_customers_and_products_of_another_stop_the_run_and_are_mended_by_the_next_plan(
    shop: Shop, tmp_path: Path, honest: dict[str, bytes]
) -> None:
    _use(THEIRS)
    theirs = plan_local(shop, tmp_path / "there", run_id=RUN)
    _use(OURS)
    manifest = plan_local(shop, tmp_path / "here", run_id=RUN)
    assert manifest.dimensions_digest == theirs.dimensions_digest
    _forge(_kept(tmp_path / "there", THEIRS), _kept(tmp_path / "here", OURS), "dimensions")
    with pytest.raises(ContractError, match="gone"):
        process_local(tmp_path / "here", manifest)
    assert _run(shop, tmp_path / "here", NEXT) == honest


def test_records_are_of_the_run_they_were_made_in(
    shop: Shop, their_shop: Shop, tmp_path: Path, honest: dict[str, bytes]
) -> None:
    """Vouched for, and put into another run, or in the place of another archive."""
    _use(OURS)
    _run(their_shop, tmp_path)
    manifest = plan_local(shop, tmp_path, run_id=NEXT)
    process_local(tmp_path, manifest)
    before, after = (_kept(tmp_path, OURS) / "runs" / run_id for run_id in (RUN, NEXT))
    for name in ("receipts", "attempts"):
        if (before / name).is_dir():
            _forge(before, after, name)
    shutil.copyfile(after / "receipts" / "00000.result", after / "receipts" / "00001.result")
    for name in ("verdict.json", "outcome.json", "told.json", "changes.json"):
        if (before / name).exists():
            shutil.copyfile(before / name, after / name)
    _use(OURS)
    assert _finish(tmp_path, manifest) == honest


def test_a_run_that_another_calls_published_is_not_the_latest(
    shop: Shop, tmp_path: Path, honest: dict[str, bytes]
) -> None:
    """Of a time past, say: it is a report, and not the newest one."""
    _use(OURS)
    assert _run(shop, tmp_path) == honest
    use_state_key(StateKey(THEIRS.encode()))
    mark_published(open_state(str(tmp_path / "state")), NEXT)
    _forge(_kept(tmp_path, THEIRS), _kept(tmp_path, OURS), "published")
    _use(OURS)
    state = open_state(str(tmp_path / "state"))
    assert pipeline.last_publication(state) is not None
    assert pipeline.publish(str(tmp_path / "state"), RUN).run_id == RUN
    assert (tmp_path / "reports" / "latest").readlink() == Path("runs", RUN)


def _leases(kept: Path) -> Path:
    return kept / "leases" / "00000001.json"


def _slots(kept: Path) -> Path:
    return kept / "slots" / "tonight.json"


@pytest.mark.parametrize("place", [_leases, _slots])
def test_nobody_waits_for_a_turn_that_another_took(
    shop: Shop, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    forged = place(_kept(tmp_path, OURS))
    forged.parent.mkdir(parents=True)
    forged.write_text(
        '{"token": 1, "run_id": "none", "owner": "elsewhere:1", '
        '"acquired_at": "2024-01-01T00:00:00Z", "expires_at": "2999-01-01T00:00:00Z"}'
    )
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS)
    done = sales_pipeline("run", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert sales_pipeline("runs", env=env).stdout.count("published") == 1


def test_the_command_keeps_everything_under_its_key(
    shop: Shop, tmp_path: Path, honest: dict[str, bytes]
) -> None:
    """Also what its processes write; a second run reads nothing again."""
    env = local_environment(shop, tmp_path, jobs=2, SALES_STATE_KEY=OURS)
    first = sales_pipeline("run", "--json", env=env)
    assert first.returncode == 0, first.stderr
    assert published_csvs(tmp_path) == honest
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["keyed"]
    assert [each.name for each in (tmp_path / "state" / "keyed").iterdir()] == [
        StateKey(OURS.encode()).mark
    ]
    again = json.loads(sales_pipeline("run", "--json", env=env).stdout)
    assert (again["bytes_read"], again["archives"]["reused"]) == (0, 3)
    for arguments in (("show",), ("diff",), ("gc",), ("verify",), ("plan",), ("recover",)):
        done = sales_pipeline(*arguments, env=env)
        assert done.returncode == 0, (arguments, done.stderr)
        assert OURS not in done.stdout + done.stderr
    checks = json.loads(sales_pipeline("doctor", "--json", env=env).stdout)
    (found,) = (each["found"] for each in checks if each["name"] == "state")
    assert "vouched for by SALES_STATE_KEY" in found
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or OURS.encode() not in file.read_bytes(), file


def test_a_key_that_is_forgotten_is_missed(shop: Shop, tmp_path: Path) -> None:
    """In one of two shells, say: whoever may write there would be trusted from then on."""
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS)
    run_id = json.loads(sales_pipeline("run", "--json", env=env).stdout)["run_id"]
    del env["SALES_STATE_KEY"]
    cell = ["--category", "Category 1", "--segment", "VIP"]
    for command in (
        *(["run"], ["recover"], ["gc"], ["plan"], ["runs"], ["show"], ["rejects"], ["diff"]),
        *(["resume", run_id], ["publish", run_id], ["rebuild", run_id], ["verify"]),
        *(["explain", *cell], ["doctor", "--fresh", "1d"], ["serve", "--port", "0"]),
    ):
        done = sales_pipeline(*command, env=env, timeout=30)
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "is kept under a key, and SALES_STATE_KEY is not set here" in done.stderr, command
    (found,) = (
        each
        for each in json.loads(sales_pipeline("doctor", "--json", env=env).stdout)
        if each["name"] == "state"
    )
    assert found["state"] == "failed"
    assert "SALES_STATE_KEY is not set here" in found["found"]
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["keyed"]
    shutil.rmtree(tmp_path / "state" / "keyed")  # it is given up
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0


@pytest.mark.parametrize(("before", "after"), [("", OURS), (OURS, THEIRS)])
def test_under_another_key_all_begins_anew(
    shop: Shop, tmp_path: Path, honest: dict[str, bytes], before: str, after: str
) -> None:
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=before)
    old = json.loads(sales_pipeline("run", "--json", env=env).stdout)
    kept = {file: file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file()}
    env["SALES_STATE_KEY"] = after
    for command in ("show", "explain", "diff", "verify", "rebuild", "resume"):
        named = {"explain": ["--category", "Category 1", "--segment", "VIP"]}
        done = sales_pipeline(command, *named.get(command, []), old["run_id"], env=env)
        assert done.returncode == 2, (command, done.stdout, done.stderr)
        assert "not vouched for" in done.stderr, command
        assert "Traceback" not in done.stderr
    listed = sales_pipeline("runs", env=env)
    assert old["run_id"] not in listed.stdout
    assert "not vouched for: 1" in listed.stderr
    doctor = sales_pipeline("doctor", "--json", env=env).stdout
    (found,) = (each["found"] for each in json.loads(doctor) if each["name"] == "state")
    assert "not vouched for: 1" in found
    new = json.loads(sales_pipeline("run", "--json", env=env).stdout)
    assert new["bytes_read"] == old["bytes_read"] > 0
    assert published_csvs(tmp_path) == honest
    assert {file: file.read_bytes() for file in kept} == kept, "nobody touches what is not theirs"


def test_a_notebook_has_its_key_among_its_settings(shop: Shop, tmp_path: Path) -> None:
    places = {"state": str(tmp_path / "state"), "reports": str(tmp_path / "reports")}
    shop_of_files = {"data": str(shop.data), "dimensions": str(shop.dimensions)}
    made = frames.run(**places, **shop_of_files, state_key=OURS, jobs=1)  # type: ignore[arg-type]
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["keyed"]
    with pytest.raises(ConfigError, match="is kept under a key"):
        frames.runs(state=places["state"])
    (found,) = frames.runs(state=places["state"], state_key=OURS)
    assert found.run_id == made.run_id


def test_a_key_that_is_too_short_is_refused(shop: Shop, tmp_path: Path) -> None:
    short = "canaryofakey"
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=short)
    for command in ("run", "doctor", "serve"):
        done = sales_pipeline(command, env=env)
        assert done.returncode == 2
        assert "SALES_STATE_KEY: shorter than 16 bytes" in done.stderr
        assert short not in done.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (" " * 32, "blanks"),
        (f" {OURS}", "blanks"),
        (f"{OURS} ", "blanks"),
        (f"{OURS}\r", "a line's end"),
        (f"{OURS}\t", "control characters"),
        (f"'{OURS}'", "a quote"),
        (f'"{OURS}"', "a quote"),
        (f"\u201c{OURS}\u201d", "a quote"),
        (f"canary-{chr(0xDCE9)}-of-a-key-that-is-Latin-1", "UTF-8"),
    ],
)
def test_a_key_that_another_file_or_shell_would_read_as_another_is_refused(
    shop: Shop, tmp_path: Path, key: str, what: str
) -> None:
    done = sales_pipeline("run", env=local_environment(shop, tmp_path, SALES_STATE_KEY=key))
    assert done.returncode == 2
    assert what in done.stderr
    assert "Traceback" not in done.stderr
    assert OURS not in done.stderr
    assert "canary" not in done.stderr
    assert not (tmp_path / "state").exists()


def test_however_many_files_are_planted_a_few_have_a_line(shop: Shop, tmp_path: Path) -> None:
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    for number in range(40):
        (_kept(tmp_path, OURS) / "leases" / f"{number + 2:08d}.json").write_text("{}")
    done = sales_pipeline("run", env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" not_vouched_for ") == 5
    (_kept(tmp_path, OURS) / "leases" / "00000100.json").write_text("{}")
    told = sales_pipeline("recover", env=env).stderr
    assert told.count(" not_vouched_for ") == 5
    assert "number=40" in told.splitlines()[-1], told
    assert "There is no run yet" not in told


def test_workers_with_another_key_end_a_command_before_anything_is_planned(ships: Fleet) -> None:
    ships.env["SALES_STATE_KEY"] = OURS
    ships.worker(SALES_STATE_KEY=THEIRS)
    done = ships.run(timeout=30)
    assert done.returncode == 2, done.stderr
    assert "w0@test has another SALES_STATE_KEY than this machine" in done.stderr
    assert "Set SALES_STATE_KEY alike everywhere." in done.stderr
    assert not list(Path(ships.env["SALES_STATE"]).glob("**/manifest.json"))
    ships.kill_workers()
    ships.worker()
    first = json.loads(ships.run().stdout)["run_id"]
    assert ships.csvs()
    kept = Path(ships.env["SALES_STATE"]) / "keyed" / StateKey(OURS.encode()).mark / "runs" / first
    for name in ("outcome.json", "verdict.json"):
        (kept / name).unlink()
    shutil.rmtree(kept.parent.parent / "leases")  # it does not move
    ships.kill_workers()
    ships.worker(SALES_STATE_KEY=THEIRS)
    done = sales_pipeline("resume", first, env=ships.env, timeout=30)
    assert done.returncode == 2, done.stderr
    assert "has another SALES_STATE_KEY" in done.stderr


def test_a_worker_without_the_key_of_its_state_does_not_start(ships: Fleet, tmp_path: Path) -> None:
    (Path(ships.env["SALES_STATE"]) / "keyed" / StateKey(OURS.encode()).mark).mkdir(parents=True)
    log = tmp_path / "keyless.log"
    assert ships.start("worker", "--concurrency=1", log=log).wait(30) == 2
    assert "is kept under a key, and SALES_STATE_KEY is not set here" in log.read_text()


def _all_but_one(folder: Path) -> list[Path] | None:
    found = list(_kept(folder, OURS).glob("runs/*/receipts/*.result"))
    return found if len(found) == len(ARCHIVES) - 1 else None


def test_a_fleet_does_not_publish_what_another_put_into_its_state(
    ships: Fleet, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """While it is at work on the last archive."""
    ships.env["SALES_STATE_KEY"] = OURS
    ships.worker()
    ships.plan_fault(ARCHIVES[-1], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[-1])
    for receipt in eventually(lambda: _all_but_one(tmp_path), "the other archives"):
        text = receipt.read_bytes()
        receipt.write_bytes(text.replace(b'"counted": ', b'"counted": 1'))
    ships.lift_fault(ARCHIVES[-1])
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert json.loads(out)["status"] == "complete"
    assert ships.csvs() == expected
    assert ships.log_lines("not_vouched_for")
    assert OURS not in ships.logs()


@pytest.mark.parametrize("key", [OURS, None])
@pytest.mark.parametrize(
    "planted",
    ["99991231T235959999999Z-ffffff", "20269999T999999999999Z-ffffff", "29991231T000000000000Z-0a"],
)
def test_a_folder_that_is_called_as_a_run_of_no_clock_stops_no_run(
    shop: Shop, tmp_path: Path, key: str | None, planted: str
) -> None:
    (_kept(tmp_path, key) / "runs" / planted).mkdir(parents=True)
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=key or "")
    done = sales_pipeline("run", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run_id"] < "2100"
    if not planted.endswith("0a"):  # the others are called as the program calls its runs
        assert planted in done.stderr


def test_copies_of_a_run_under_other_names_are_no_runs(
    shop: Shop, tmp_path: Path, honest: dict[str, bytes]
) -> None:
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS, SALES_KEEP_RUNS="1")
    first = json.loads(sales_pipeline("run", "--json", env=env).stdout)["run_id"]
    runs = _kept(tmp_path, OURS) / "runs"
    copies = [f"20{year}0101T000000000000Z-00000{year % 10}" for year in (40, 41, 42)]
    for name in copies:
        shutil.copytree(runs / first, runs / name)
    listed = sales_pipeline("runs", env=env)
    assert [
        each["run_id"] for each in json.loads(sales_pipeline("runs", "--json", env=env).stdout)
    ] == [first]
    assert (
        "3 folders are called as a run is, with nothing that the key of the state vouches for"
        in listed.stderr
    )
    assert first in sales_pipeline("show", env=env).stdout + sales_pipeline("show", env=env).stderr
    assert json.loads(sales_pipeline("show", "--json", env=env).stdout)["run_id"] == first
    named = sales_pipeline("show", copies[0], env=env)
    assert named.returncode == 1
    assert "damaged, or not vouched for" in named.stderr
    results = sorted((runs / first / "receipts").iterdir())
    assert sales_pipeline("gc", env=env).returncode == 0
    assert sorted((runs / first / "receipts").iterdir()) == results
    second = json.loads(sales_pipeline("run", "--json", env=env).stdout)
    assert first < second["run_id"] < "2040"
    assert second["bytes_read"] == 0


@pytest.mark.parametrize("name", ["manifest.json", "outcome.json"])
def test_what_is_damaged_is_called_damaged(shop: Shop, tmp_path: Path, name: str) -> None:
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS)
    run_id = json.loads(sales_pipeline("run", "--json", env=env).stdout)["run_id"]
    record = _kept(tmp_path, OURS) / "runs" / run_id / name
    data = record.read_bytes()
    record.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    cell = ["--category", "Category 1", "--segment", "VIP"]
    shown = [["show"]] if name == "outcome.json" else []
    for command in (*shown, ["verify"], ["rebuild"], ["explain", *cell]):
        done = sales_pipeline(*command, run_id, env=env)
        assert done.returncode == 1, (command, done.stdout, done.stderr)
        assert "is damaged, or not vouched for" in done.stderr, command
    if name == "outcome.json":  # as the remedy says
        assert f"sales-pipeline resume {run_id}" in done.stderr
        assert sales_pipeline("resume", run_id, env=env).returncode == 0
        assert sales_pipeline("verify", run_id, env=env).returncode == 0


def test_a_record_under_a_key_of_what_is_published_that_is_damaged_is_told(
    shop: Shop, tmp_path: Path
) -> None:
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    (mark,) = (_kept(tmp_path, OURS) / "published").iterdir()
    mark.write_bytes(b"{ }\n" + mark.read_bytes()[4:])
    cell = ["--category", "Category 1", "--segment", "VIP"]
    done = sales_pipeline("explain", *cell, env=env)
    assert done.returncode == 0
    assert "published_record_lost" in done.stderr


def test_every_command_says_that_runs_are_under_another_key(shop: Shop, tmp_path: Path) -> None:
    env = local_environment(shop, tmp_path, SALES_STATE_KEY=OURS)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    env["SALES_STATE_KEY"] = THEIRS
    for command in (["recover"], ["gc"], ["plan"], ["doctor", "--fresh", "1d"], ["show"], ["runs"]):
        done = sales_pipeline(*command, env=env)
        assert "Runs there that are not vouched for: 1." in done.stdout + done.stderr, command
