"""The local engine: poison, interruptions, two commands at once, and resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_STORED

import psutil
import pytest

from pipeline_core.ledger import RunLedger, lease, run_ids
from pipeline_core.messages import Work
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.archives import (
    Shop,
    archive_zip,
    packed_entry,
    part,
    purchase,
    raw_zip,
    write_shop,
)
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive, kill_tree
from tests.support.processes import eventually, local_environment, published_csvs, sales_pipeline
from tests.support.run import note_attempt, plan_local
from tests.support.starting import started

VICTIM = "events_week_02.zip"
LONG = "events_week_09.zip"

# A foreign program's sitecustomize: processing the victim ends the process that opens it.
_POISON = """
import os, signal, sys
def is_processed(frame):
    code = frame.f_code
    return code.co_name == "process" and code.co_filename.endswith("process.py") or (
        frame.f_back is not None and is_processed(frame.f_back))
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith({victim!r}) and os.environ.get("POISON"):
        if is_processed(sys._getframe(1)):
            {action}
sys.addaudithook(watch)
"""
KILLED, NO_MEMORY = "os.kill(os.getpid(), signal.SIGKILL)", "raise MemoryError"
# As often as the file that POISON names has bytes.
NO_ANSWER = """
            left = os.stat(os.environ["POISON"]).st_size
            if left:
                os.truncate(os.environ["POISON"], left - 1)
                raise OSError(5, "Input/output error")"""
# For as long as there is the file that POISON names.
HOLD = """
            import time
            while os.path.exists(os.environ["POISON"]):
                time.sleep(0.05)"""
# The first try dies; the second waits for as long as there is the file that POISON names.
KILLED_THEN_HELD = """
            import time
            died = os.environ["POISON"] + ".died"
            if not os.path.exists(died):
                os.mkdir(died)
                os.kill(os.getpid(), signal.SIGKILL)
            open(os.environ["POISON"] + ".again", "w").close()
            while os.path.exists(os.environ["POISON"]):
                time.sleep(0.05)"""
# The first archive, at its first try, is under way when the second kills its process.
KILLED_IN_COMPANY = """
            import time
            if str(arguments[0]).endswith("events_week_01.zip"):
                if not os.path.exists(os.environ["POISON"]):
                    os.mkdir(os.environ["POISON"])
                    time.sleep(60)
            elif str(arguments[0]).endswith("events_week_02.zip"):
                while not os.path.exists(os.environ["POISON"]):
                    time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGKILL)"""

# Whoever opens a file of that name waits, marked by another file, until both are gone.
_PAUSE = """
import os, sys, time
NAME, MARK = os.environ["PAUSE"], os.environ["PAUSE"] + ".reached"
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith(os.path.basename(NAME)):
        if os.path.exists(NAME):
            os.mkdir(MARK)
            while os.path.exists(NAME):
                time.sleep(0.05)
sys.addaudithook(watch)
"""

# A program that has its stdin for its terminal.
_WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2, 3)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    return local_environment(shop, tmp_path, jobs=2, SALES_STALL_AFTER="3", SALES_LEASE="2")


@pytest.fixture(scope="module")
def some_seconds_of_work() -> bytes:
    """An archive; of one day, so that it is not cut into shares."""
    content = part([purchase(f"c{n % 30}", f"p{1 + n % 19}", 1 + n % 3) for n in range(100_000)])
    entry = packed_entry("", content)
    day = raw_zip([replace(entry, name=f"{n}.json") for n in range(30)])
    return archive_zip({"events_2024-09-01.zip": day}, compression=ZIP_STORED)


@pytest.fixture
def long_archive(env: dict[str, str], some_seconds_of_work: bytes) -> str:
    """A fourth archive, at which work goes on for long."""
    (Path(env["SALES_DATA"]) / LONG).write_bytes(some_seconds_of_work)
    return LONG


@pytest.fixture
def held(env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a run that stops at its fourth archive, LONG, while the file that POISON
    names is there."""
    (Path(env["SALES_DATA"]) / LONG).write_bytes(archive(9))
    hold = tmp_path / "hold"
    hold.touch()
    return _poisoned(env, tmp_path, HOLD, LONG) | {"POISON": str(hold)}


def _state(env: dict[str, str]) -> RunLedger:
    """Of the newest run."""
    state = open_storage(env["SALES_STATE"])
    return RunLedger(state, run_ids(state)[-1])


@contextmanager
def _started(
    env: dict[str, str], *arguments: str, own_interpreter: bool = False
) -> Iterator[subprocess.Popen[str]]:
    process = started(
        "console.command",
        *arguments,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        own_interpreter=own_interpreter,
    )
    with ExitStack() as stack:
        stack.callback(kill_tree, process)
        yield process


def _expected(env: dict[str, str], folder: Path) -> dict[str, bytes]:
    places = {"SALES_REPORTS": f"{folder}/reports", "SALES_STATE": f"{folder}/state"}
    assert sales_pipeline("run", "--quiet", env=env | places).returncode == 0
    return published_csvs(folder)


def _poisoned(
    env: dict[str, str], folder: Path, action: str, victim: str = VICTIM
) -> dict[str, str]:
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_POISON.format(victim=victim, action=action))
    return env | {"PYTHONPATH": f"{site}{os.pathsep}{PROJECT}", "POISON": "1"}


@pytest.mark.parametrize(
    ("action", "jobs", "cause"),
    [
        (KILLED, "2", "its process died"),
        (NO_MEMORY, "2", "not enough memory"),
        (NO_MEMORY, "1", "not enough memory"),
    ],
)
def test_a_killer_is_quarantined_and_the_others_count(
    env: dict[str, str], tmp_path: Path, action: str, jobs: str, cause: str
) -> None:
    expected = _expected(env, tmp_path / "other")
    poisoned = _poisoned(env, tmp_path, action)
    refused = sales_pipeline("run", "--json", "--jobs", jobs, env=poisoned)
    assert refused.returncode == 1, refused.stderr
    assert VICTIM in refused.stderr
    assert "quarantined after 3 attempts" in refused.stderr
    assert cause in refused.stderr
    assert "Traceback" not in refused.stderr
    summary = json.loads(refused.stdout)
    assert summary["archives"]["read"] == 2
    assert summary["archives"]["unreadable"] == 1
    assert not (tmp_path / "reports" / "latest").exists()

    resumed = sales_pipeline("resume", _state(env).run_id, "--json", env=env)
    assert resumed.returncode == 0, resumed.stderr
    assert published_csvs(tmp_path) == expected


@pytest.mark.parametrize(("signum", "code"), [(None, 0), (signal.SIGTERM, 143)])
def test_nothing_stays_of_the_server_of_processes(
    env: dict[str, str], tmp_path: Path, signum: int | None, code: int
) -> None:
    """It takes the place of processes that died, and has a socket in the folder of temporary
    files. What is cleared at Python's end needs an interpreter that is not forked."""
    hold = tmp_path / "hold"
    hold.touch()
    poisoned = _poisoned(env, tmp_path, KILLED_THEN_HELD)
    with TemporaryDirectory(dir="/tmp") as room:  # a short name: it takes a socket's path
        poisoned |= {"POISON": str(hold), "TMPDIR": room}
        with _started(poisoned, "run", "--quiet", own_interpreter=True) as command:
            eventually(hold.with_name("hold.again").exists, "the second try")
            assert list(Path(room).rglob("listener-*"))
            if signum is None:
                hold.unlink()
            else:
                command.send_signal(signum)
            _, err = command.communicate(timeout=100)
        assert command.returncode == code, err
        assert not list(Path(room).iterdir())


def test_a_temporary_folder_of_a_long_name_takes_no_process_away(
    env: dict[str, str], tmp_path: Path
) -> None:
    expected = _expected(env, tmp_path / "other")
    room = tmp_path / ("long" * 30)
    room.mkdir()
    poisoned = _poisoned(env, tmp_path, KILLED_THEN_HELD)
    poisoned |= {"POISON": str(tmp_path / "gone"), "TMPDIR": str(room)}
    with _started(poisoned, "run", "--quiet", own_interpreter=True) as command:
        _, err = command.communicate(timeout=100)
    assert command.returncode == 0, err
    assert published_csvs(tmp_path) == expected
    assert not list(room.iterdir())


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.long), "2"])
@pytest.mark.parametrize(("times", "code"), [(2, 0), (3, 1)])
def test_what_does_not_answer_is_asked_again_a_few_times(
    env: dict[str, str], tmp_path: Path, jobs: str, times: int, code: int
) -> None:
    left = tmp_path / "left"
    left.write_bytes(b"x" * times)
    troubled = _poisoned(env, tmp_path, NO_ANSWER) | {"POISON": str(left), "SALES_JOBS": jobs}
    done = sales_pipeline("run", env=troubled)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("trying_again") == 2
    assert "Traceback" not in done.stderr
    assert left.stat().st_size == 0
    outcome = _state(env).outcome()
    assert outcome is not None
    assert outcome.state == ("published" if code == 0 else "failed")
    if code == 0:
        assert published_csvs(tmp_path) == _expected(env, tmp_path / "other")
        assert not any(each.culpable for each in _state(env).attempts("00001"))


@pytest.mark.parametrize("name", ["customers.csv", "index.html"])
def test_a_long_plan_and_a_long_publication_keep_their_turn(
    env: dict[str, str], tmp_path: Path, name: str
) -> None:
    site, pause = tmp_path / "site", tmp_path / name
    site.mkdir()
    (site / "sitecustomize.py").write_text(_PAUSE)
    pause.touch()
    paused = env | {"PYTHONPATH": f"{site}{os.pathsep}{PROJECT}", "PAUSE": str(pause)}
    with _started(paused, "run", "--quiet") as first:
        eventually(pause.with_name(f"{name}.reached").exists, "the pause")
        turn = lease.newest(open_storage(env["SALES_STATE"]))
        assert turn is not None
        eventually(partial(_is_past, turn.expires_at), "the end of the lease, were it not renewed")
        second = sales_pipeline("run", env=env)
        assert second.returncode == 1
        assert f"Run {turn.run_id} is under way" in second.stderr
        pause.unlink()
        _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert run_ids(open_storage(env["SALES_STATE"])) == [turn.run_id]


def test_nothing_counts_against_the_company_of_a_killer(
    env: dict[str, str], tmp_path: Path
) -> None:
    """What a command of before left open is none of its company: its lease tells of it."""
    poisoned = _poisoned(env, tmp_path, KILLED_IN_COMPANY, ".zip")
    shop = Shop(Path(env["SALES_DATA"]), Path(env["SALES_DIMENSIONS"]))
    run_id = plan_local(shop, tmp_path).run_id
    note_attempt(_state(env), "00002")
    (before,) = _state(env).attempts("00002")
    together = {"POISON": str(tmp_path / "together")}
    refused = sales_pipeline("resume", run_id, env=poisoned | together)
    assert refused.returncode == 1, refused.stderr
    assert _state(env).attempts("00002")[0] == before
    assert f"first {VICTIM}: quarantined after 3 attempts" in refused.stderr
    interrupted, alone = _state(env).attempts("00000")
    assert (interrupted.state, interrupted.culpable) == ("failed", False)
    assert not alone.culpable
    receipt = _state(env).receipt(Work("00000"))
    assert receipt is not None
    assert not receipt.quarantined


def test_processes_that_die_before_they_begin_anything_end_the_run(
    env: dict[str, str], tmp_path: Path
) -> None:
    failed = sales_pipeline("run", env=_poisoned(env, tmp_path, KILLED, "manifest.json"))
    assert failed.returncode == 1, failed.stderr
    assert "3 times in a row a process died before it began any work" in failed.stderr
    assert not any(_state(env).attempts(f"0000{n}") for n in range(3))


def _is_past(moment: datetime) -> bool:
    return datetime.now(UTC) > moment


def test_a_killer_of_the_command_itself_is_quarantined(env: dict[str, str], tmp_path: Path) -> None:
    """With one job the command does the work, and dies of it as often as it is recovered, also
    before the lease of the one before it is over."""
    poisoned = _poisoned(env, tmp_path, KILLED) | {"SALES_JOBS": "1", "SALES_LEASE": "6"}
    codes = [sales_pipeline("run", env=poisoned).returncode]
    while codes[-1] == -signal.SIGKILL and len(codes) < 8:
        recovered = sales_pipeline("recover", env=poisoned)
        codes.append(recovered.returncode)
    assert codes == [-signal.SIGKILL] * 3 + [1]
    assert "waiting_for_leases" in recovered.stderr
    assert VICTIM in recovered.stderr
    assert "quarantined after 3 attempts" in recovered.stderr
    outcome = _state(env).outcome()
    assert outcome is not None
    assert outcome.state == "refused"

    resumed = sales_pipeline("resume", outcome.run_id, env=env)
    assert resumed.returncode == 0, resumed.stderr
    assert published_csvs(tmp_path) == _expected(env, tmp_path / "other")


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_stopping_says_how_to_go_on(
    env: dict[str, str], long_archive: str, tmp_path: Path, signum: int, code: int
) -> None:
    env["SALES_STALL_AFTER"] = "100"
    with _started(env, "run") as command:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        eventually(lambda: len(_state(env).receipt_ids()) >= 3, "the small archives")
        command.send_signal(signum)
        _, err = command.communicate(timeout=30)
    assert command.returncode == code, err
    turn = lease.newest(open_storage(env["SALES_STATE"]))
    assert turn is not None
    assert _is_past(turn.expires_at), "another machine need not wait for it"
    run_id = _state(env).run_id
    assert f"`sales-pipeline resume {run_id}` goes on" in err
    assert "Done: 3 of 4 archives." in err
    assert _state(env).attempts("00003")[-1].state == "handed_back", "no mark against the archive"
    assert "Traceback" not in err
    before = {work: _state(env).attempts(work) for work in _state(env).receipt_ids()}

    resumed = sales_pipeline("resume", run_id, "--json", env=env)
    assert resumed.returncode == 0, resumed.stderr
    assert {work: _state(env).attempts(work) for work in before} == before, "done once"
    assert published_csvs(tmp_path) == _expected(env, tmp_path / "other")


def test_a_terminal_that_is_gone_stops_as_ctrl_c_does(
    env: dict[str, str], held: dict[str, str]
) -> None:
    ours, its = os.openpty()
    command = [sys.executable, "-c", _WITH_TERMINAL, sys.executable, "-m", "console.command", "run"]
    with subprocess.Popen(
        command, env=held, stdin=its, stdout=its, stderr=its, start_new_session=True
    ) as shown:
        os.close(its)
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        eventually(lambda: len(_state(env).receipt_ids()) >= 3, "the small archives")
        os.close(ours)
        assert shown.wait(30) == 129
    assert _state(env).attempts("00003")[-1].state == "handed_back", "no mark against the archive"
    assert _state(env).outcome() is None, "it may be gone on with"


def test_what_nohup_started_does_not_hear_of_its_terminal(
    env: dict[str, str], held: dict[str, str]
) -> None:
    command = ["nohup", sys.executable, "-m", "console.command", "run", "--quiet"]
    with subprocess.Popen(command, env=held, stdout=subprocess.DEVNULL) as deaf:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        eventually(lambda: len(_state(env).receipt_ids()) >= 3, "the small archives")
        deaf.send_signal(signal.SIGHUP)
        Path(held["POISON"]).unlink()
        assert deaf.wait(60) == 0


def test_a_second_run_says_so_and_wait_follows(env: dict[str, str], held: dict[str, str]) -> None:
    with _started(held, "run", "--quiet") as first:
        eventually(lambda: lease.newest(open_storage(env["SALES_STATE"])), "the first run's turn")
        second = sales_pipeline("run", env=env)
        assert second.returncode == 1
        assert "is under way" in second.stderr
        assert "--wait" in second.stderr
        with _started(env, "run", "--wait", "--json") as waiting:
            assert waiting.stderr is not None
            assert "following it" in waiting.stderr.readline()
            Path(held["POISON"]).unlink()
            told, err = waiting.communicate(timeout=60)
            assert waiting.returncode == 0, err
        first.communicate(timeout=60)
        assert first.returncode == 0
    run_id = json.loads(told)["run_id"]
    assert run_ids(open_storage(env["SALES_STATE"])) == [run_id]


def test_a_killed_command_loses_its_turn_and_is_recovered(
    env: dict[str, str], held: dict[str, str], tmp_path: Path
) -> None:
    with _started(held, "run", "--quiet") as first:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        eventually(lambda: len(_state(env).receipt_ids()) >= 3, "the small archives")
        kill_tree(first)
    told = tmp_path / "told"
    hook = tmp_path / "hook.py"
    hook.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')")
    hooked = env | {"SALES_HOOK_COMMAND": f"{sys.executable} {hook}"}
    recovered = sales_pipeline("recover", "--json", env=hooked)
    assert recovered.returncode == 0, recovered.stderr
    (notice,) = [json.loads(line) for line in told.read_text().splitlines()]
    assert notice["event"] == "recovered"
    assert notice["reason"] == "It had stopped, and was taken up again: events_week_09.zip."
    assert json.loads(recovered.stdout)["run_id"] == _state(env).run_id
    assert published_csvs(tmp_path) == _expected(env, tmp_path / "other")


def test_who_waits_for_a_stopped_run_is_not_kept_waiting(
    env: dict[str, str], held: dict[str, str]
) -> None:
    with _started(held, "run", "--quiet") as first:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        eventually(lambda: _state(env).attempts("00003"), f"an attempt at {LONG}")
        with _started(env, "run", "--wait") as second, _started(env, "run", "--wait") as third:
            for each in (second, third):
                assert each.stderr is not None
                assert "following it" in each.stderr.readline()
            second.send_signal(signal.SIGINT)
            _, err = second.communicate(timeout=30)
            assert second.returncode == 130
            assert f"Stopped following. Run {_state(env).run_id}" in err
            first.send_signal(signal.SIGINT)
            _, err = third.communicate(timeout=25)
    assert third.returncode == 1
    assert f"sales-pipeline resume {_state(env).run_id}" in err


def test_a_bug_ends_the_run(env: dict[str, str], tmp_path: Path) -> None:
    """Here: memory that runs out outside of any archive."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "def watch(event, arguments):\n"
        "    if event == 'open' and str(arguments[0]).endswith('sales_report.csv'):\n"
        "        raise MemoryError\n"
        "sys.addaudithook(watch)\n"
    )
    path = f"{site}{os.pathsep}{PROJECT}"
    failed = sales_pipeline("run", env=env | {"PYTHONPATH": path})
    assert failed.returncode == 1
    assert "not enough memory" in failed.stderr
    outcome = _state(env).outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert sales_pipeline("resume", outcome.run_id, env=env).returncode == 0


def test_the_processes_of_a_killed_command_end_too(
    env: dict[str, str], held: dict[str, str]
) -> None:
    with _started(held, "run", "--quiet") as first:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        eventually(lambda: _state(env).attempts("00003"), f"an attempt at {LONG}")
        family = psutil.Process(first.pid).children(recursive=True)
        assert len(family) >= 2, "two processes"
        first.kill()
        _, alive = psutil.wait_procs(family, timeout=15)
        for each in alive:
            each.kill()
    assert not alive


def test_a_new_run_ends_what_a_killed_command_left(
    env: dict[str, str], held: dict[str, str], tmp_path: Path
) -> None:
    with _started(held, "run", "--quiet") as first:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        kill_tree(first)
    abandoned = _state(env)
    (Path(env["SALES_DATA"]) / LONG).unlink()
    done = sales_pipeline("run", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    outcome = abandoned.outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert "took its turn" in outcome.reason


def test_there_is_nothing_to_recover(env: dict[str, str]) -> None:
    found = sales_pipeline("recover", "--json", env=env)
    assert (found.returncode, json.loads(found.stdout)["run_id"]) == (0, None)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    done = sales_pipeline("recover", env=env)
    assert done.returncode == 0
    assert "has ended." in done.stderr
    failed = sales_pipeline("run", "--data", "nowhere", env=env)
    assert failed.returncode != 0
    done = sales_pipeline("recover", env=env)
    outcome = _state(env).outcome()
    assert outcome is not None
    assert f"has ended, failed: {outcome.reason}" in done.stderr


def test_a_command_that_was_killed_while_it_planned(env: dict[str, str], tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    os.mkfifo(blocked / "customers.csv")
    with _started(env | {"SALES_DIMENSIONS": str(blocked)}, "run", "--quiet") as command:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        kill_tree(command)
    run_id = _state(env).run_id
    for _ in range(2):
        assert sales_pipeline("recover", env=env).returncode == 1
        assert run_ids(open_storage(env["SALES_STATE"])) == [run_id], "no other run is made up"
    outcome = _state(env).outcome()
    assert outcome is not None
    assert outcome.reason == "It stopped before it was planned."
    for command_name in ("resume", "publish"):
        done = sales_pipeline(command_name, run_id, env=env)
        assert done.returncode == 2
        assert "it was not planned" in done.stderr
        assert "sales-pipeline run" in done.stderr


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_was_stopped_while_it_planned_alarms_nobody_later(
    env: dict[str, str], tmp_path: Path, signum: int
) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    os.mkfifo(blocked / "customers.csv")
    with _started(env | {"SALES_DIMENSIONS": str(blocked)}, "run", "--quiet") as command:
        eventually(lambda: run_ids(open_storage(env["SALES_STATE"])), "the run")
        stopped = _state(env)
        eventually(lambda: stopped.attempts("plan"), "its plan")
        command.send_signal(signum)
        _, err = command.communicate(timeout=30)
    assert command.returncode == 128 + signum
    assert "Stopped before anything was read." in err
    outcome = stopped.outcome()
    assert outcome is not None
    assert outcome.reason == "It was stopped before it was planned."
    told = tmp_path / "told.json"
    done = sales_pipeline("run", env=env | {"SALES_HOOK_COMMAND": f"tee -a {told}"})
    assert done.returncode == 0, done.stderr
    assert "run_abandoned" not in done.stderr
    assert not told.exists()


def test_resuming_what_is_no_run(env: dict[str, str]) -> None:
    done = sales_pipeline("resume", "nonsense", env=env)
    assert done.returncode == 2
    assert "There is no run 'nonsense'" in done.stderr
