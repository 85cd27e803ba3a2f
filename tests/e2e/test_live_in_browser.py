"""The live page of ``serve`` as a person has it: a real server, a real Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline_core import pipeline
from pipeline_core.ledger import RunLedger, lease, slots
from pipeline_core.ledger.attempts import Worker
from pipeline_core.messages import Manifest, Work
from pipeline_core.processing.process import process
from pipeline_core.running.schedule import name_of
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import write_shop
from tests.support.chromium import Browser, browser
from tests.support.processes import eventually
from tests.support.run import note_attempt, plan_local, run_local, sales, week
from tests.support.serving import Site, site

__all__ = ["browser"]

HOSTILE = "<img src=x onerror=window.hit=1>" + "W" * 150 + ".zip"
LOST = 100.0  # seconds: longer than a lease
STATES = {
    "done.zip": "done",
    HOSTILE: "running",
    "kept.zip": "reused",
    "lost.zip": "retried",
    "no.zip": "unreadable",
    "same.zip": "duplicate",
    "spent.zip": "quarantined",
    "wait.zip": "waiting",
}


def _site(folder: Path, *arguments: str) -> Iterator[Site]:
    places = {f"SALES_{name.upper()}": str(folder / name) for name in ("reports", "state")}
    with site({**os.environ, **places}, *arguments) as running:
        yield running


@pytest.fixture(scope="module")
def under_way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A run with an archive in every state there is, after one that was published."""
    folder = tmp_path_factory.mktemp("live")
    archives = {name: week(sales(units=n)) for n, name in enumerate(STATES, start=1)}
    shop = write_shop(folder / "shop", {"kept.zip": archives["kept.zip"]})
    run_local(shop, folder)
    for name in STATES.keys() - {"kept.zip"}:
        (shop.data / name).write_bytes(archives["done.zip" if name == "same.zip" else name])
    manifest = plan_local(shop, folder)
    (shop.data / "no.zip").write_bytes(b"no zip")
    state = open_storage(str(folder / "state"))
    slots.schedule_since(state, name_of(load_settings({})), datetime.now(UTC).isoformat())
    lease.acquire(state, manifest.run_id, "elsewhere:1", 3600)
    ledger = RunLedger(state, manifest.run_id)
    note_attempt(ledger, _id(manifest, HOSTILE), age=5)
    note_attempt(ledger, _id(manifest, "lost.zip"), age=LOST)
    for number in (1, 2, 3):
        note_attempt(ledger, _id(manifest, "spent.zip"), number, age=LOST)
    for name in ("done.zip", "no.zip", "spent.zip"):
        process(state.uri, manifest.run_id, Work(_id(manifest, name)), Worker("w:1"))
    yield from _site(folder, "--flower-url", "http://flower.example:5555/")


def _id(manifest: Manifest, name: str) -> str:
    return next(each.id for each in manifest.archives if each.name == name)


@pytest.fixture
def nothing_yet(tmp_path: Path) -> Iterator[Site]:
    yield from _site(tmp_path)


def _open(browser: Browser, served: Site, *, width: int = 1280, dark: bool = False) -> None:
    browser.open(f"http://127.0.0.1:{served.port}/live", width=width, dark=dark)
    eventually(lambda: browser.one("#title").text != "" and _is_drawn(browser), "the progress")


def _is_drawn(browser: Browser) -> bool:
    return bool(browser.all("#archives li")) or browser.one("#title").text == "No run yet"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_axe_finds_nothing(browser: Browser, under_way: Site, width: int, *, dark: bool) -> None:
    _open(browser, under_way, width=width, dark=dark)
    shown = {each.find_element("class name", "name").text for each in browser.all("#archives li")}
    assert shown == set(STATES)
    assert {str(each.get_dom_attribute("class")) for each in browser.all("#archives li")} == set(
        STATES.values()
    )
    browser.screenshot(f"live-{width}-{'dark' if dark else 'light'}")
    assert browser.findings() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run("return window.hit") is None
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("page", ["latest/", "by_category"])
def test_a_report_leads_here_and_to_flower(
    browser: Browser, under_way: Site, page: str, width: int
) -> None:
    start = f"http://127.0.0.1:{under_way.port}"
    browser.open(f"{start}/latest/", width=width)
    if page == "by_category":
        category = browser.run("return document.querySelector('a[href^=by_category]').href")
        browser.open(category, width=width)
    live, flower = browser.all("nav[aria-label='This server'] a")
    assert flower.get_property("href") == "http://flower.example:5555/"
    assert live.is_displayed()
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.findings() == []
    assert browser.complaints() == []
    browser.screenshot(f"served-{page.strip('/')}-{width}")
    live.click()
    eventually(lambda: browser.run("return location.href") == f"{start}/live", "the live page")


def test_what_is_said_is_what_is_shown(browser: Browser, under_way: Site) -> None:
    """To a screen reader: the same words, each once."""
    _open(browser, under_way)
    said, done = browser.one("#said").get_property("textContent"), browser.one("#done").text
    assert done == "4 of 7 archives"
    assert said == f"{browser.one('#title').text}: {done} done."
    bar = browser.one("#bar")
    assert bar.get_dom_attribute("aria-hidden") == "true", "the same is said beside it"
    assert (bar.get_property("value"), bar.get_property("max")) == (4, 7)
    thousands = browser.run(
        "return doneOf({pieces_done: 1234, pieces: 56789, work_unit: 'archives'})"
    )
    assert thousands == "1,234 of 56,789 archives"


def test_what_was_and_what_comes(browser: Browser, under_way: Site) -> None:
    _open(browser, under_way)
    told = under_way.progress()
    assert told["last_ended"]["state"] == "published"
    due = datetime.fromisoformat(told["next_run_at"])
    assert timedelta(0) < due - datetime.now(UTC) <= timedelta(days=1)
    assert browser.one("#last").text.startswith("Last result: published, ")
    assert browser.one("#next").text.startswith("The next run starts ")
    assert browser.one("a[href='http://flower.example:5555/']").is_displayed()


def test_the_last_result_says_why_a_run_failed(
    browser: Browser, nothing_yet: Site, tmp_path: Path
) -> None:
    manifest = plan_local(write_shop(tmp_path / "shop", {"a.zip": week(sales())}), tmp_path)
    no_room = OSError(28, "No space left on device")
    pipeline.fail(str(tmp_path / "state"), manifest.run_id, no_room)
    _open(browser, nothing_yet)
    last = browser.one("#last").text
    assert last.startswith("Last result: failed, ")
    assert "No space left on device. The log says where it happened" in last
    assert browser.findings() == []


def test_it_asks_its_own_server_only(browser: Browser, under_way: Site) -> None:
    _open(browser, under_way)
    own = f"http://127.0.0.1:{under_way.port}/"
    assert {each.removeprefix(own) for each in browser.requests()} == {
        "live",
        "live.css",
        "live.js",
        "api/progress",
    }


def test_before_the_first_run(browser: Browser, nothing_yet: Site) -> None:
    _open(browser, nothing_yet)
    assert browser.findings() == []
    assert "Nothing is published yet." in browser.one("main").text
    assert not browser.one("#run").is_displayed()
    assert browser.one("#last").text == "No run has ended yet."
    assert "`sales-pipeline run` starts a run" in browser.one("#next").text
    assert browser.all("a[href*='flower']") == []


def test_a_run_that_stopped_says_how_to_go_on(
    browser: Browser, nothing_yet: Site, tmp_path: Path
) -> None:
    manifest = plan_local(write_shop(tmp_path / "shop", {"a.zip": week(sales())}), tmp_path)
    _open(browser, nothing_yet)
    assert browser.one("#title").text == "The run has stopped"
    assert f"sales-pipeline resume {manifest.run_id}" in browser.one("#trouble").text
    assert browser.findings() == []


def test_a_server_that_went_away_is_told(browser: Browser, nothing_yet: Site) -> None:
    _open(browser, nothing_yet)
    nothing_yet.process.terminate()
    nothing_yet.process.wait(15)
    browser.run("return look()")
    eventually(lambda: browser.one("#trouble").is_displayed(), "the trouble")
    assert browser.one("#trouble").text == "The server does not answer; it is asked again."
    assert browser.findings() == []
