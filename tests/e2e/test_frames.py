"""Runs of the notebook's face in processes of all kinds: no file, no guard, no main thread."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.storage import open_storage
from tests.support import archives as build
from tests.support.run import sales, week

RUN = """
import os
from pipeline_core import frames
made = frames.run(data="shop/data", dimensions="shop/dimensions", jobs=2)
print(made.run_id, os.getpid(), made.status, len(made.sales_report()))
"""

IN_A_THREAD = """
import os, signal, threading, warnings
from pipeline_core import frames
def look():
    handlers = [repr(signal.getsignal(each)) for each in sorted(signal.valid_signals())]
    return handlers, dict(os.environ), list(warnings.filters), signal.pthread_sigmask(0, [])
made = []
def work():
    before = look()
    made.append(frames.run(data="shop/data", dimensions="shop/dimensions", jobs=2))
    assert look() == before
thread = threading.Thread(target=work)
thread.start()
thread.join()
(run,) = made
print(run.run_id, os.getpid(), run.status, len(run.sales_report()))
"""

# As in a task of somebody's pool, which may not start processes.
IN_A_DAEMON = """
import multiprocessing, os
def work(told):
    from pipeline_core import frames
    made = frames.run(data="shop/data", dimensions="shop/dimensions", jobs=2)
    told.put((made.run_id, made.status, len(made.sales_report())))
if __name__ == "__main__":
    told = multiprocessing.Queue()
    process = multiprocessing.Process(target=work, args=(told,), daemon=True)
    process.start()
    run_id, status, rows = told.get(timeout=60)
    process.join()
    print(run_id, process.pid, status, rows)
"""

# A real Ctrl-C, while the second archive is opened to be processed.
INTERRUPTED = """
import signal, sys
from pipeline_core import frames
def run():
    return frames.run(data="shop/data", dimensions="shop/dimensions", jobs=1)
seen = []
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith("b.zip"):
        seen.append(event)
        if len(seen) == 2:  # the plan was the first who opened it
            signal.raise_signal(signal.SIGINT)
sys.addaudithook(watch)
try:
    run()
except KeyboardInterrupt:
    made = run()
    print(made.state, [each.state for each in frames.runs()])
"""

# Ctrl-C while the engine's processes wait, beside a process of the program's own.
WITH_A_CHILD = """
import multiprocessing, os, signal, threading, time
from pathlib import Path
from pipeline_core import frames
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
child.start()
def stop():
    while len(list(Path("state/runs").glob("*/attempts/0*"))) < 2:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=stop).start()
try:
    frames.run(data="shop/data", dimensions="shop/dimensions", jobs=2)
except KeyboardInterrupt:
    print([each.pid == child.pid for each in multiprocessing.active_children()])
child.kill()
"""
WAITING = """
import sys, time
if "-c" in sys.orig_argv:  # of multiprocessing's
    sys.addaudithook(
        lambda event, names: event == "open" and str(names[0]).endswith(".zip") and time.sleep(60)
    )
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a shop of two archives, its rows of one cell."""
    archives = {"a.zip": week(sales(2)), "b.zip": week(sales(3), day="2024-03-08.zip")}
    build.write_shop(tmp_path / "shop", archives)
    return tmp_path


def said(folder: Path, code: str, how: str, warned: tuple[str, ...] = (), **env: str) -> str:
    """What Python prints of the code, and nothing else but lines that begin so."""
    command, text = [sys.executable, "-W", "error"], textwrap.dedent(code)
    if how == "-c":
        command += ["-c", text]
    elif how == "-":
        command += ["-"]
    else:
        (folder / how).write_text(text)
        command += [how]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | env,
        input=text if how == "-" else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines] == list(warned), done.stderr
    return done.stdout


def assert_run(folder: Path, line: str, *, in_own_processes: bool) -> None:
    run_id, pid, *rest = line.split()
    assert rest == ["complete", "1"]
    ledger = RunLedger(open_storage(str(folder / "state")), run_id)
    work = [each.id for each in ledger.manifest().planned_work()]
    assert len(work) == 2
    owners = {
        attempt.owner.rpartition(":")[2] for each in work for attempt in ledger.attempts(each)
    }
    assert (pid not in owners) == in_own_processes


@pytest.mark.parametrize("how", ["-", "-c", "no_guard.py"])
def test_a_program_runs_in_processes_of_its_own_whatever_it_is_read_from(
    shop: Path, how: str
) -> None:
    assert_run(shop, said(shop, RUN, how), in_own_processes=True)


def test_a_thread_runs_it_and_the_process_stays_as_it_was(shop: Path) -> None:
    assert_run(shop, said(shop, IN_A_THREAD, "thread.py"), in_own_processes=True)


def test_a_daemon_which_may_have_no_processes_does_the_work_itself(shop: Path) -> None:
    assert_run(shop, said(shop, IN_A_DAEMON, "daemon.py"), in_own_processes=False)


def test_one_that_was_interrupted_leaves_its_turn_to_the_next(shop: Path) -> None:
    told = said(shop, INTERRUPTED, "stop.py", warned=("run_abandoned", "run_ended"))
    assert told == "published ['published', 'failed']\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_one_that_was_interrupted_ends_its_own_processes_and_no_others(shop: Path) -> None:
    (shop / "waiting").mkdir()
    (shop / "waiting" / "sitecustomize.py").write_text(WAITING)
    told = said(shop, WITH_A_CHILD, "child.py", PYTHONPATH=str(shop / "waiting"))
    assert told == "[True]\n"


@pytest.mark.parametrize("how", ["-", "-c", "spawn.py"])
def test_it_runs_where_there_is_no_fork_server(shop: Path, how: str) -> None:
    spawning = """
    import multiprocessing
    multiprocessing.get_all_start_methods = lambda: ["spawn"]
    """
    assert_run(shop, said(shop, textwrap.dedent(spawning) + RUN, how), in_own_processes=True)


def test_its_environment_settings_are_the_commands(shop: Path) -> None:
    code = """
    from pipeline_core import frames
    print(frames.run(jobs=1).summary.totals.units_sold, len(frames.runs(newest=1)))
    """
    (shop / ".env").write_text("SALES_DATA=shop/data\nSALES_DIMENSIONS=shop/dimensions\n")
    assert said(shop, code, "settings.py") == "5 1\n"
    assert "SALES_DATA" not in os.environ
