"""Whoever may write into a folder, or send a message, makes no worker do what it should not."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from celery import Celery
from redis import Redis

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.ledger import RunLedger, lease, mark_published
from pipeline_core.ledger.attempts import PLAN, PUBLISH
from pipeline_core.messages import Manifest, Verdict, to_json
from pipeline_core.running.local import process_outstanding
from pipeline_core.storage import open_storage
from tests.support.archives import Shop
from tests.support.fleet import ARCHIVES, PATIENT, Fleet, kill_tree
from tests.support.processes import eventually, sales_pipeline
from tests.support.run import note_attempt

RUN = "20240301T030000000000Z-1a2b3c"
CHORD = ("workers.process_archive", "workers.publish_run", "workers.fail_run")


def _planned(ships: Fleet, shop: Shop, folder: Path, **other: str) -> Manifest:
    """A run on Celery with its records in a folder, of the fleet's places or of others."""
    env = ships.env
    places = Places(
        other.get("data", env["SALES_DATA"]),
        other.get("reports", env["SALES_REPORTS"]),
        str(folder),
        str(shop.dimensions),
        "",
    )
    order = pipeline.Order(run_id=RUN, places=places, engine="celery", processes=lambda: 2)
    return pipeline.plan(order)


def _send(ships: Fleet, task: str, **message: Any) -> None:
    """As somebody who has the broker's password would."""
    with Celery(broker=ships.redis.url) as app:
        app.send_task(task, kwargs=message)


def _send_work(ships: Fleet, state: object, run_id: object = RUN) -> None:
    """Everything that there is for a run."""
    where = {"state": state, "run_id": run_id}
    _send(ships, "workers.process_archive", **where, archive="00000")
    _send(ships, "workers.publish_run", **where, _archives=[])
    _send(ships, "workers.fail_run", **where, failed="nobody")


def _refused(ships: Fleet, count: int) -> list[str]:
    """What the worker says of the messages that it refused, once they are so many."""
    lines = eventually(
        lambda: found if len(found := ships.log_lines("message_refused")) >= count else None,
        f"{count} refusals, of {ships.logs()}",
        30,
    )
    assert len(lines) == count
    assert "Traceback" not in ships.logs()
    return [f"{line['cause']} {line['remedy']}" for line in lines]


def _minute(when: datetime) -> str:
    return f"{when:%Y%m%dT%H%M}"


@contextmanager
def _untouched(*folders: Path) -> Iterator[None]:
    """Nothing is written, removed or made there."""

    def files() -> dict[str, bytes | None]:
        found = (path for folder in folders for path in [folder, *folder.rglob("*")])
        return {str(each): each.read_bytes() if each.is_file() else None for each in found}

    before = {name: data for name, data in files().items() if Path(name).exists()}
    yield
    assert {name: data for name, data in files().items() if Path(name).exists()} == before


def test_a_state_that_only_a_message_names_is_not_obeyed(
    ships: Fleet, fleet_shop: Shop, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Its records are sound, and all that is missing is the publication."""
    data = tmp_path / "data"
    shutil.copytree(fleet_shop.data, data)
    forged = data / "forged"
    _planned(ships, fleet_shop, forged)
    ships.env["SALES_DATA"] = str(data)
    ships.worker(concurrency=1)
    with _untouched(data, tmp_path / "reports", tmp_path / "state"):
        _send_work(ships, str(forged))
        told = _refused(ships, 3)
    assert all(f"'{forged}' is none that this worker serves" in each for each in told)
    assert all("SALES_STATES" in each for each in told)
    assert ships.run().returncode == 0, "it lives on"
    assert ships.csvs() == expected


@pytest.mark.parametrize("place", ["data", "reports"])
def test_a_manifest_names_no_places_but_the_workers(
    ships: Fleet, fleet_shop: Shop, tmp_path: Path, place: str
) -> None:
    elsewhere, state = tmp_path / "elsewhere", Path(ships.env["SALES_STATE"])
    if place == "data":
        shutil.copytree(fleet_shop.data, elsewhere)
    _planned(ships, fleet_shop, state, **{place: str(elsewhere)})
    ships.worker(concurrency=1)
    with _untouched(elsewhere, state, tmp_path / "reports"):
        _send_work(ships, str(state))
        told = _refused(ships, 3)
    assert all(f"The worker w0@test does not serve the state {state} " in each for each in told)
    assert all(f"with SALES_STATES='{state}|" in each for each in told)


def test_a_link_in_a_manifest_is_followed_by_nobody(
    ships: Fleet, fleet_shop: Shop, tmp_path: Path
) -> None:
    """Whoever made it could let it lead elsewhere a moment later."""
    link, state = tmp_path / "link", Path(ships.env["SALES_STATE"])
    link.symlink_to(ships.env["SALES_REPORTS"])
    _planned(ships, fleet_shop, state, reports=str(link))
    ships.worker(concurrency=1)
    with _untouched(state):
        _send_work(ships, str(state))
        _refused(ships, 3)


def test_the_manifest_of_another_run_is_none(
    ships: Fleet, fleet_shop: Shop, tmp_path: Path
) -> None:
    state = Path(ships.env["SALES_STATE"])
    manifest = _planned(ships, fleet_shop, state)
    other = RUN.replace("1a2b3c", "ffffff")
    open_storage(str(state)).write(f"runs/{other}/manifest.json", to_json(manifest))
    ships.worker(concurrency=1)
    with _untouched(state, tmp_path / "reports"):
        _send_work(ships, str(state), other)
        _refused(ships, 3)


def test_nothing_is_made_for_a_run_that_does_not_exist(ships: Fleet, tmp_path: Path) -> None:
    names = [RUN, "../../outside", "", ".", "a/b", "x" * 65, 7, None, {"run": RUN}, f"{RUN}\n"]
    ships.worker(concurrency=1)
    state = Path(ships.env["SALES_STATE"])
    with _untouched(tmp_path / "outside", state, tmp_path / "reports"):
        for name in names:
            _send_work(ships, str(state), name)
        told = _refused(ships, 3 * len(names))
    assert sum("There is no run" in each for each in told) == 3
    assert not state.exists()


def test_a_run_that_is_planned_yet_is_not_ended_by_a_message(ships: Fleet, tmp_path: Path) -> None:
    state = Path(ships.env["SALES_STATE"])
    ledger = RunLedger(open_storage(str(state)), RUN)
    note_attempt(ledger, PLAN)
    ships.worker(concurrency=1)
    with _untouched(state, tmp_path / "reports"):
        _send_work(ships, str(state))
        _refused(ships, 3)


def test_a_state_of_any_other_kind_is_none(ships: Fleet, tmp_path: Path) -> None:
    state = ships.env["SALES_STATE"]
    places = ["", ".", "state", f"{state}/runs", f"{tmp_path}/x/../state", "s3://bucket/state", 7]
    places += [None, [state], f"file://{state}/../data", f"{state}\0", "http://localhost/state"]
    ships.worker(concurrency=1)
    with _untouched(Path(state), tmp_path / "reports"):
        for place in places:
            _send(ships, "workers.publish_run", _archives=[], state=place, run_id=RUN)
        _refused(ships, len(places))
    assert not Path(state).exists()


def test_work_that_a_run_does_not_have_is_refused_and_the_run_goes_on(
    ships: Fleet, fleet_shop: Shop, expected: dict[str, bytes], tmp_path: Path
) -> None:
    state = Path(ships.env["SALES_STATE"])
    manifest = _planned(ships, fleet_shop, state)
    works: list[dict[str, Any]] = [
        {"archive": "99999"},
        {"archive": "../../../outside"},
        {"archive": "\u0660" * 5},
        {"archive": 0},
        {"archive": "00000", "share": 7},
        {"archive": "00000", "share": -1},
        {"archive": "00000", "share": True},
        {"archive": "00000", "share": "../../x"},
        {"archive": "00000", "skip": [0]},
        {"archive": "00000", "skip": "0"},
        {"archive": "00000", "skip": ["../x"]},
    ]
    ships.worker(concurrency=1)
    with _untouched(state, tmp_path / "outside"):
        for work in works:
            _send(ships, "workers.process_archive", state=str(state), run_id=RUN, **work)
        _refused(ships, len(works))
    for each in manifest.planned_work():
        _send(ships, "workers.process_archive", state=f"{state}/", run_id=RUN, archive=each.archive)
    ledger = ships.ledger(RUN)
    eventually(lambda: len(ledger.receipt_ids()) == len(manifest.planned_work()), "the work")
    _send(ships, "workers.publish_run", state=f"file://{state}", run_id=RUN, _archives=[])
    eventually(ledger.outcome, "the end")
    assert ships.csvs() == expected


def test_messages_use_up_none_of_the_tries_of_a_run_that_moves(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(PATIENT)
    ships.worker(concurrency=2)
    ships.plan_fault(ARCHIVES[0], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    ledger = ships.ledger()
    where = {"state": ships.env["SALES_STATE"], "run_id": ledger.run_id}
    for _ in range(6):
        _send(ships, "workers.publish_run", **where, _archives=[])
    _send(ships, "workers.fail_run", **where, failed="nobody")
    eventually(lambda: ships.log_lines("work_failed"), "the last message")
    ships.lift_fault(ARCHIVES[0])
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    assert len(ledger.dispatches()) == 1
    assert len(ledger.attempts(PUBLISH)) == 1


def _raw(task: Any, args: Any = (), **headers: Any) -> dict[str, Any]:
    """A message as it stands in the queue, of Celery's protocol 2."""
    body = json.dumps([args, {}, {"chord": None, "callbacks": None, "errbacks": None}])
    return {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": task, "id": "nobody-1", "retries": 0} | headers,
        "properties": {
            "delivery_tag": "tag-1",
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "body_encoding": "base64",
        },
    }


def _push(ships: Fleet, *items: Any) -> None:
    with Redis.from_url(ships.redis.url) as client:
        for each in items:
            client.lpush("celery", each if isinstance(each, (str, bytes)) else json.dumps(each))


def test_what_has_ended_or_was_taken_over_is_not_done_again(ships: Fleet) -> None:
    ships.worker(concurrency=1)
    for _ in range(2):
        assert ships.run().returncode == 0
    ledger = ships.ledger()
    assert ledger.reused()
    place = ships.env["SALES_STATE"]
    with _untouched(Path(place)):
        for archive in ("00000", "00001"):
            where = {"state": place, "run_id": ledger.run_id, "archive": archive}
            _send(ships, "workers.process_archive", **where)
        eventually(lambda: ships.logs().count("process_archive[") >= 4 + 2 * len(ARCHIVES), "both")


def test_a_message_of_another_form_is_one_line_and_the_worker_goes_on(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    task = "workers.reconcile"
    follows = {"task": "workers.start_run", "args": [], "kwargs": {}, "options": {}}
    embedded = base64.b64encode(json.dumps([[], {}, {"callbacks": [follows]}]).encode()).decode()
    far = datetime.now(UTC) + timedelta(days=1)
    sound = _raw(task)
    names: list[Any] = [[], None, 7, "celery.chord_unlock", "celery.map", "x" * 100_000]
    items: list[Any] = [
        *(_raw(each) for each in names),
        *(_raw(task, **{name: []}) for name in ("eta", "expires", "id", "retries", "group")),
        _raw(task, id="x" * 100_000),
        _raw(task, id="a\nb"),
        _raw(task, eta=far.isoformat()),
        _raw(task, eta="9999-12-31T23:59:59-14:00"),
        _raw(task, eta="0001-01-01T00:00:00+14:00"),
        _raw(task, expires="0001-01-01T00:00:00+14:00"),
        _raw(task, args=[1]),
        _raw("workers.publish_run"),
        _raw(task, args={}),
        sound | {"content-type": None},
        sound | {"content-type": []},
        sound | {"content-type": "application/x-python-serialize"},
        sound | {"content-encoding": 7},
        {name: value for name, value in sound.items() if name != "content-type"},
        sound | {"body": embedded},
        sound | {"body": "!"},
        sound | {"body": "\ud800", "properties": sound["properties"] | {"body_encoding": None}},
        sound | {"headers": []},
        sound | {"headers": {}},
        sound | {"headers": sound["headers"] | {"compression": "zlib"}},
        sound | {"properties": []},
        sound | {"properties": sound["properties"] | {"body_encoding": "rot13"}},
        sound | {"properties": sound["properties"] | {"delivery_tag": []}},
        sound | {"properties": sound["properties"] | {"delivery_info": []}},
        *("[]", "7", "null", "no JSON", b"\xff", "[" * 100_000),
    ]
    worker = ships.worker(concurrency=1)
    _push(ships, *items)
    told = _refused(ships, len(items))
    assert all(len(each) < 400 for each in told)
    assert worker.poll() is None
    assert ships.run().returncode == 0
    assert ships.csvs() == expected
    assert len(ships.logs()) < 40_000
    with Redis.from_url(ships.redis.url) as client:
        # The command sees the report before the worker acknowledges the task that wrote it.
        eventually(lambda: not client.exists("unacked", "celery"), "nothing to give to another")


def test_a_refusal_by_a_task_is_one_line_beside_that_of_its_arrival(ships: Fleet) -> None:
    ships.worker(concurrency=1)
    before = ships.logs()
    _send(ships, "workers.start_run", slot="../x")
    _refused(ships, 1)
    _send(ships, "workers.reconcile")
    eventually(lambda: "workers.reconcile" in ships.logs(), "the next message")
    new = ships.logs().removeprefix(before).partition("workers.reconcile")[0].splitlines()
    assert len([line for line in new if "start_run" in line or "message_refused" in line]) == 2


def test_remote_control_shows_and_changes_nothing(ships: Fleet, expected: dict[str, bytes]) -> None:
    worker = ships.worker(concurrency=1)
    commands: dict[str, dict[str, Any]] = {
        "x" * 9999: {},
        "shutdown": {},
        "pool_shrink": {"n": 1},
        "cancel_consumer": {"queue": "celery"},
        "time_limit": {"task_name": "workers.process_archive", "hard": 1, "soft": 1},
        "rate_limit": {"task_name": "workers.process_archive", "rate_limit": "1/h"},
        "revoke": {"task_id": "x"},
        "election": {"id": "x", "topic": "task", "action": {}},
    }
    with Celery(broker=ships.redis.url) as app:
        for command, arguments in commands.items():
            app.control.broadcast(command, arguments=arguments)
        asked = app.control.inspect(timeout=1)
        assert asked.stats()
        assert asked.active() == {"w0@test": []}
        assert asked.revoked() == {"w0@test": []}
    assert ships.run().returncode == 0
    assert ships.csvs() == expected
    assert len(ships.log_lines("command_refused")) == len(commands)
    assert "Traceback" not in ships.logs()
    assert "x" * 200 not in ships.logs()
    assert worker.poll() is None


def test_the_limits_of_time_are_those_of_the_settings(
    ships: Fleet, fleet_shop: Shop, expected: dict[str, bytes]
) -> None:
    manifest = _planned(ships, fleet_shop, Path(ships.env["SALES_STATE"]))
    ships.worker(concurrency=1)
    state, process = ships.env["SALES_STATE"], "workers.process_archive"
    for limits in ([0.02, 0.01], 5, "x"):
        for each in manifest.planned_work():
            _push(
                ships, _raw(process, [state, RUN, each.archive], timelimit=limits, shadow="x" * 999)
            )
    ledger = ships.ledger(RUN)
    eventually(lambda: len(ledger.receipt_ids()) == len(manifest.planned_work()), "the work")
    _push(ships, _raw("workers.publish_run", [[], state, RUN], timelimit=[0.02, 0.01]))
    eventually(ledger.outcome, "the end")
    assert ships.csvs() == expected
    assert "xxxxx" not in ships.logs()


def test_slots_are_plain_words(ships: Fleet, tmp_path: Path) -> None:
    names = ["../../outside", "a/b", ".hidden", " ", "", "x" * 101, 0, 7, [], {"slot": "x"}]
    ships.worker(concurrency=1)
    with _untouched(Path(ships.env["SALES_STATE"]), tmp_path / "outside"):
        for name in names:
            _send(ships, "workers.start_run", slot=name)
        _refused(ships, len(names))


def test_a_slot_that_is_not_due_is_taken_by_nobody(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    """It would have no run of its own when its time has come."""
    now = datetime.now(UTC)
    ships.env.update(SALES_SCHEDULE="* * * * *", SALES_CATCH_UP="3600")
    times = [timedelta(minutes=3), timedelta(days=1), -timedelta(hours=2), -timedelta(days=400)]
    names = ["9999-12-31T03:00", "CON", "99991231T0300", "00010101T0000", "20240230T0300", "task-x"]
    names += ["20240301T03:0", *(_minute(now + each) for each in times)]
    ships.worker(concurrency=1)
    with _untouched(Path(ships.env["SALES_STATE"])):
        for name in names:
            _send(ships, "workers.start_run", slot=name)
        told = _refused(ships, len(names))
    assert all("slot" in each for each in told)
    ships.send("workers.start_run", slot=_minute(now - timedelta(minutes=5)))
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    assert ships.csvs() == expected


def test_a_run_whose_turn_is_over_is_published_nowhere_else(
    ships: Fleet, fleet_shop: Shop, tmp_path: Path
) -> None:
    """The next run ends the one before, and shows what of it was published."""
    state, elsewhere = open_storage(ships.env["SALES_STATE"]), tmp_path / "elsewhere"
    manifest = _planned(ships, fleet_shop, Path(state.uri), reports=str(elsewhere))
    process_outstanding(state.uri, manifest, 1)
    past = datetime.now(UTC) - timedelta(seconds=9)
    RunLedger(state, RUN).create_verdict(Verdict(state="published", finished_at=past))
    mark_published(state, RUN)
    lease.acquire(state, RUN, "nobody:1", seconds=-9)
    ships.worker(concurrency=1)
    ships.send("workers.start_run", slot=ships.slot())
    assert "is none that this worker serves" in _refused(ships, 1)[0]
    assert not elsewhere.exists()


def test_a_worker_serves_several_shops(
    ships: Fleet, fleet_shop: Shop, expected: dict[str, bytes], tmp_path: Path
) -> None:
    other = ships.env | {
        "SALES_DATA": str(tmp_path / "other data"),
        "SALES_REPORTS": str(tmp_path / "other" / "reports"),
        "SALES_STATE": str(tmp_path / "other" / "state"),
    }
    shutil.copytree(fleet_shop.data, other["SALES_DATA"])
    places = "|".join(other[name] for name in ("SALES_STATE", "SALES_DATA", "SALES_REPORTS"))
    ships.worker(concurrency=1, SALES_STATES=f"s3://another/state, {places}/ ,")
    for env in (ships.env, other):
        done = sales_pipeline("run", "--json", env=env)
        assert done.returncode == 0, done.stderr
    assert ships.csvs() == expected
    latest = Path(other["SALES_REPORTS"]) / "latest"
    assert {name: (latest / name).read_bytes() for name in expected} == expected
    said = sales_pipeline("doctor", env=ships.env).stdout
    assert f"w0@test serves {ships.env['SALES_STATE']}, s3://another/state, " in said


def test_the_command_says_at_once_that_a_worker_would_refuse_its_run(
    ships: Fleet, tmp_path: Path
) -> None:
    """And what it says to set is what helps."""
    ships.worker(concurrency=1)
    other = str(tmp_path / "other")
    began = time.monotonic()
    done = ships.run("--state", other)
    assert time.monotonic() - began < 20
    assert done.returncode == 2
    assert f"The worker w0@test does not serve the state {other} with data" in done.stderr
    assert not Path(other).exists(), "there is no run that it would be of"
    remedy = done.stderr.partition("SALES_STATES='")[2].partition("'")[0]
    assert remedy.startswith(f"{other}|")
    told = sales_pipeline("doctor", "--state", other, env=ships.env)
    assert told.returncode == 1
    assert f"It serves {ships.env['SALES_STATE']}." in " ".join(told.stdout.split())
    ships.kill_workers()
    ships.worker(concurrency=1, SALES_STATES=remedy)
    assert ships.run("--state", other).returncode == 0


def test_the_run_of_a_slot_fails_clearly_if_some_worker_would_refuse_its_work(
    ships: Fleet,
) -> None:
    ships.worker(concurrency=1)
    ships.worker(concurrency=1, SALES_REPORTS=f"{ships.folder}/others")
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    outcome = eventually(lambda: ships.ledger().outcome(), "its end")
    assert outcome.state == "failed"
    assert "does not serve the state" in outcome.reason
    assert "SALES_STATES" in outcome.remedy


def test_a_run_says_which_worker_refused_its_work(
    ships: Fleet, fleet_shop: Shop, expected: dict[str, bytes]
) -> None:
    """One that was started while the run was under way: the errback tells one that serves it."""
    state = ships.env["SALES_STATE"]
    _planned(ships, fleet_shop, Path(state))
    stranger = ships.worker(concurrency=1, SALES_REPORTS=f"{ships.folder}/others")
    with Celery(broker=ships.redis.url) as app:
        where = {"state": state, "run_id": RUN, "archive": "00000"}
        app.send_task("workers.process_archive", kwargs=where, task_id="refused")
    _refused(ships, 1)
    stored = Celery(backend=ships.redis.url).AsyncResult("refused")
    eventually(stored.ready, "what the refusal left behind")  # it is stored after it is told
    kill_tree(stranger)
    ships.worker(concurrency=2)
    _send(ships, "workers.fail_run", state=state, run_id=RUN, failed="refused")
    eventually(ships.ledger(RUN).outcome, "the end")
    assert "The worker w0@test does not serve the state" in ships.ledger().dispatches()[0].why
    assert ships.csvs() == expected


@pytest.mark.parametrize("command", ["resume", "recover"])
def test_a_run_of_other_places_is_not_taken_up_through_a_worker(
    ships: Fleet, fleet_shop: Shop, tmp_path: Path, command: str
) -> None:
    state, elsewhere = open_storage(ships.env["SALES_STATE"]), str(tmp_path / "elsewhere")
    _planned(ships, fleet_shop, Path(state.uri), reports=elsewhere)
    lease.acquire(state, RUN, "nobody:1", seconds=-9)
    ships.worker(concurrency=1)
    given = [command, RUN, "--reports", elsewhere] if command == "resume" else [command]
    with _untouched(Path(state.uri), tmp_path / "elsewhere"):
        done = sales_pipeline(*given, env=ships.env)
    assert done.returncode == 2, done.stderr
    assert "does not serve the state" in done.stderr


def test_a_record_that_names_no_run_is_not_followed(ships: Fleet, tmp_path: Path) -> None:
    state = open_storage(ships.env["SALES_STATE"])
    outside = {"run_id": "../../outside"}
    now = datetime.now(UTC).isoformat()
    turn = {"token": 1, "owner": "h:1", "acquired_at": now, "expires_at": now, **outside}
    state.write("leases/00000001.json", msgspec.json.encode(turn))
    state.write(f"slots/{ships.slot()}.json", msgspec.json.encode(outside))
    (tmp_path / "state" / "runs" / ".x y").mkdir(parents=True)
    ships.worker(concurrency=1)
    ships.send("workers.reconcile")
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    assert not (tmp_path / "outside").exists()
