"""The names that ``serve`` answers to: a page of elsewhere may make its own lead here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.processes import sales_pipeline
from tests.support.published import publish
from tests.support.serving import Site, site

EVERYWHERE = "0.0.0.0"  # noqa: S104  (the subject)
# A port may be empty (RFC 3986, 3.2.3).
ADDRESSES = ("127.0.0.1", "127.0.0.1:", "192.0.2.7:8080", "[::1]:8080", "[::1]:", "[2001:db8::7]")
MINE = ("localhost", "localhost:", "LOCALHOST:8080", "localhost.:8080", "localhost.:")
LISTED = (
    "reports.example",
    "reports.example:",
    "Reports.Example:8080",
    "reports.example.",
    "shop:80",
)
FOREIGN = (
    "evil.example",
    "evil.example:8080",
    "evil.example:",
    "localhost::",
    ":",
    "evil.reports.example",
    "reports.example.evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "xlocalhost",
    "2130706433",
    "0x7f.1",
    "reports.example@evil.example",
    "[::1].evil.example",
    "",
)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("names")
    publish(str(folder / "reports"), {"index.html": b"<html></html>"})
    places = {"SALES_REPORTS": str(folder / "reports"), "SALES_STATE": str(folder / "state")}
    return {n: v for n, v in os.environ.items() if not n.startswith("SALES_")} | places


@pytest.fixture(scope="module")
def to_others(env: dict[str, str]) -> Iterator[Site]:
    with site(env, "--host", EVERYWHERE) as running:
        yield running


@pytest.fixture(scope="module")
def listed(env: dict[str, str]) -> Iterator[Site]:
    names = {"SALES_SERVE_NAMES": "reports.example, [2001:db8::7],SHOP,"}
    with site(env | names | {"SALES_SERVE_HOST": EVERYWHERE}) as running:
        yield running


def test_others_see_it_by_an_address_but_by_no_name(to_others: Site) -> None:
    for host in (*ADDRESSES, *MINE):
        assert to_others.ask("/latest/", Host=host).status == 200, host
    for host in (*FOREIGN, *LISTED):
        for path in ("/", "/live", "/latest/", "/runs/x/", "/api/progress", "/x", "/live.js"):
            assert to_others.ask(path, Host=host).status in {400, 403}, (host, path)


def test_a_refusal_names_the_setting_and_the_log_says_it_once(to_others: Site) -> None:
    for _ in range(30):
        answer = to_others.ask("/latest/", Host="evil.example")
        assert answer.status == 403
        assert b"SALES_SERVE_NAMES" in answer.body
        assert b"evil" not in answer.body
    refused = [line for line in to_others.log().splitlines() if "name_refused" in line]
    assert len(refused) < 3
    assert "SALES_SERVE_NAMES" in refused[0]
    assert "SALES_SERVE_NAMES" in to_others.log().splitlines()[0], "told at the start"


def test_names_that_are_listed_are_answered_to(listed: Site) -> None:
    for host in (*LISTED, *MINE, *ADDRESSES):
        assert listed.ask("/latest/", Host=host).status == 200, host
    for host in FOREIGN:
        assert listed.ask("/latest/", Host=host).status in {400, 403}, host


def test_this_machine_may_have_names_too(env: dict[str, str]) -> None:
    """As behind a proxy that passes on the name it was asked for."""
    with site(env, "--names", "reports.example") as running:
        for host in (*MINE, "127.0.0.1:80", "[::1]", "reports.example:443"):
            assert running.ask("/latest/", Host=host).status == 200, host
        for host in (*FOREIGN, "192.0.2.7"):
            assert running.ask("/latest/", Host=host).status in {400, 403}, host


@pytest.mark.parametrize(
    "names",
    [
        "http://reports.example",
        "reports.example:8080",
        "reports.example/",
        "*",
        "*.example",
        "a b",
        "bücher.example",
        "user@reports.example",
        "a..b",
        "x" * 300,
    ],
)
def test_what_no_browser_sends_exits_2(env: dict[str, str], names: str) -> None:
    done = sales_pipeline("serve", env=env | {"SALES_SERVE_NAMES": names})
    assert (done.returncode, done.stdout) == (2, "")
    assert "SALES_SERVE_NAMES" in done.stderr
    assert "reports.example,shop.example" in done.stderr
    assert "Traceback" not in done.stderr
