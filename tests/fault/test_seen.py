"""Who watches a run, at a terminal or in a browser, sees what its workers go through."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.fleet import ARCHIVES, PATIENT, Fleet
from tests.support.processes import sales_pipeline
from tests.support.serving import Site, site
from tests.support.terminal import Terminal, shows

FIRST = ARCHIVES[0]


@contextmanager
def _watched(ships: Fleet) -> Iterator[tuple[Terminal, Site]]:
    """A run at a terminal, and a server beside it."""
    env = {**ships.env, "CI": "", "NO_COLOR": "", "SALES_LOG_FORMAT": "pretty"}
    with site(env) as running, Terminal("run", env=env, columns=120) as terminal:
        yield terminal, running


def _until(watched: tuple[Terminal, Site], states: Callable[[dict[str, str]], bool]) -> list[str]:
    """The screen as soon as the server tells of such states."""
    terminal, running = watched

    def look(_: list[str]) -> bool:
        answer = running.ask("/api/progress")
        return answer.status == 200 and states(running.states())

    return terminal.until(look, "these states")


def test_archives_move_from_waiting_to_done(ships: Fleet) -> None:
    ships.env.update(PATIENT)
    ships.worker(concurrency=1)
    ships.plan_fault(FIRST, "pause")
    ships.plan_fault(ARCHIVES[1], "pause")
    with _watched(ships) as watched:
        terminal, running = watched
        held = set(ARCHIVES[:2])
        _until(watched, lambda states: any(states.get(name) == "running" for name in held))
        seen = running.progress()
        assert (seen["phase"], seen["engine"]) == ("processing", "celery")
        assert seen["counts"]["running"] == 1
        assert seen["counts"]["waiting"] >= 1
        [owner] = seen["workers"]
        [at_work] = [each for each in seen["archives"] if each["state"] == "running"]
        assert at_work["workers"] == [owner]
        pid = ships.reached(at_work["name"])
        assert owner.endswith(f":{pid}"), "the process that has it"
        terminal.until(
            shows("celery engine, 1 process at work", rf"running +{at_work['name']} .*{owner}"),
            "it, and whose it is",
        )
        for name in ARCHIVES[:2]:
            ships.lift_fault(name)
        assert terminal.wait() == 0
        done = running.progress()
        while done["phase"] != "published":
            done = running.progress()
        assert set(running.states().values()) == {"done"}
        assert (done["pieces"], done["pieces_done"], done["workers"]) == (8, 8, [])
    again = sales_pipeline("run", "--quiet", env=ships.env)
    assert again.returncode == 0, again.stderr
    with site(ships.env) as running:
        assert Counter(running.states().values()) == {"reused": 8}


def test_a_poisonous_archive_is_retried_then_quarantined(ships: Fleet) -> None:
    ships.worker(concurrency=1)
    ships.plan_fault(FIRST, "kill")
    with _watched(ships) as watched:
        terminal, running = watched
        _until(watched, lambda states: states.get(FIRST) == "retried")
        terminal.until(shows(rf"retried +{FIRST} .*(attempt \d|lost with)"), "another attempt")
        assert terminal.wait() == 1
        seen = running.progress()
        while seen["phase"] != "refused":
            seen = running.progress()
        assert FIRST in seen["reason"]
        [bad] = [each for each in seen["archives"] if each["state"] == "quarantined"]
        assert "quarantined after 3 attempts" in bad["cause"]
    assert len(ships.ledger().attempts("00000")) == 3


def test_a_run_that_nobody_works_on_has_stopped(ships: Fleet) -> None:
    ships.worker(concurrency=1)
    ships.plan_fault(FIRST, "pause")
    command = ships.run_in_background()
    ships.reached(FIRST)
    with site(ships.env) as running:
        assert running.progress()["phase"] == "processing"
        command.kill()
        command.communicate()
        ships.kill_workers()
        phases = [running.progress()["phase"]]
        while phases[-1] == "processing":
            phases.append(running.progress()["phase"])
        assert phases[-1] == "stopped"
        assert running.states()[FIRST] == "retried", "whoever had it died"


def test_a_browser_shows_the_page(ships: Fleet, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here (on Debian: apt-get install chromium)")
    hostile = "<img src=x onerror=document.title=1>.zip"
    data = tmp_path / "data"
    shutil.copytree(ships.env["SALES_DATA"], data)
    (data / hostile).write_bytes(b"no zip")
    env = {**ships.env, "SALES_DATA": str(data)}
    assert sales_pipeline("run", "--engine", "local", "--quiet", env=env).returncode == 1
    with site(env) as running:
        done = subprocess.run(
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"),
                f"http://127.0.0.1:{running.port}/live",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "<title>The last run was refused</title>" in done.stdout, done.stderr
    assert "&lt;img src=x onerror=document.title=1&gt;.zip" in done.stdout
    assert "<img" not in done.stdout
    assert done.stdout.count('<li class="done">') == 8
    assert '<li class="unreadable">' in done.stdout
    assert re.search(r'role="status" aria-live="polite">The last run was refused: \d', done.stdout)
