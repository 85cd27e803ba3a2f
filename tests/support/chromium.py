"""A headless Chromium, and what a test asks of a page in it."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.support import PROJECT

SCREENSHOTS = PROJECT / "build" / "screenshots"
_AXE = (PROJECT / "tests" / "e2e" / "axe" / "axe.min.js").read_text(encoding="utf-8")
_PROGRAMS = (shutil.which("chromium"), shutil.which("chromedriver"))
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """One window. ``open`` forgets what the page before said and asked for."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path | str, *, width: int = 1280, dark: bool = False) -> None:
        """A file, or a URL; ``width`` in CSS pixels, below 500 as on a phone."""
        url = page if isinstance(page, str) else page.absolute().as_uri()
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self._log(kind)
        self._emulate("screen", dark=dark)
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.cdp("Emulation.setDeviceMetricsOverride", **metrics)
        self.driver.get(url)

    def print(self) -> bytes:
        """The page as a PDF."""
        self._emulate("print", dark=False)
        return base64.b64decode(self.cdp("Page.printToPDF")["data"])

    def complaints(self) -> list[str]:
        """Everything on the console, whatever its level."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> set[str]:
        """What the page asked for, itself included."""
        events = [json.loads(entry["message"]) for entry in self._log("performance")]
        sent = (each["message"] for each in events)
        return {
            each["params"]["request"]["url"]
            for each in sent
            if each["method"] == "Network.requestWillBeSent"
        } - {"about:blank"}

    def findings(self) -> list[str]:
        """What axe-core calls a violation: rule, impact and first place."""
        self.driver.execute_script(_AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document).then(r => done(r.violations))"
        )
        return [
            f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]} "
            f"{each['nodes'][0]['failureSummary']}"
            for each in found
        ]

    def picture(self, most: int = 16_000, *, top: str = "", kind: str = "png") -> bytes:
        """The page from an element on, and at most so many pixels high."""
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        place = "return document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY"
        above = max(0, round(self.run(place, top)) - 24) if top else 0
        clip = size | {"y": above, "height": min(size["height"] - above, most), "scale": 1}
        how = {"quality": 70} if kind == "webp" else {}
        shot = self.cdp(
            "Page.captureScreenshot", captureBeyondViewport=True, clip=clip, format=kind, **how
        )
        return base64.b64decode(shot["data"])

    def screenshot(self, name: str) -> None:
        """The whole page, into build/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / f"{name}.png").write_bytes(self.picture())

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        """Keys, to whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, what: WebElement) -> None:
        """By the keyboard alone."""
        for _ in range(200):
            self.press(Keys.TAB)
            if self.driver.switch_to.active_element == what:
                return
        pytest.fail("Tab does not lead there.")

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def _log(self, kind: str) -> list[dict[str, Any]]:
        """What was not read yet of it."""
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call]

    def _emulate(self, media: str, *, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[scheme])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Skips where there is none."""
    if None in _PROGRAMS:
        pytest.skip("There is no Chromium; on Debian: apt-get install chromium chromium-driver")
    with start_browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@contextmanager
def start_browser(profile: Path) -> Iterator[Browser]:
    """A Chromium that keeps what it must in the folder ``profile``."""
    chromium, driver = _PROGRAMS
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium)
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as started:
        yield Browser(started)
