"""Delivery by Apprise, to a real HTTP server: what arrives, what is not known, and that no token is
shown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from console.doctor.destinations import check_delivery
from pipeline_core.addresses import notification_url
from pipeline_core.delivery import notification
from pipeline_core.delivery.records import deliveries_of
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.messages.delivery import Delivery
from pipeline_core.running.deliveries import deliver_by_hand, deliver_newest, deliver_published
from pipeline_core.settings import Settings, load_settings
from tests.support.archives import part, purchase
from tests.support.run import run_local, shop_of

_TOKEN = "canary7token"


@dataclass
class Service:
    """A web hook, which answers each request with the next status, and the last one for ever; 0 is
    none."""

    port: int = 0
    statuses: list[int] = field(default_factory=lambda: [200])
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"apprise+json://127.0.0.1:{self.port}/{_TOKEN}?rto=2"


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append({"path": self.path, **json.loads(body)})
            status = found.statuses.pop(0) if len(found.statuses) > 1 else found.statuses[0]
            if status == 0:
                time.sleep(3)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def ledger(tmp_path: Path) -> RunLedger:
    shop = shop_of(tmp_path, part([purchase("c1", "p1", 2), purchase("c1", "gone")]))
    outcome = run_local(shop, tmp_path, shop="Toys", currency="EUR")
    return RunLedger(open_state(str(tmp_path / "state")), outcome.run_id)


def _settings(ledger: RunLedger, url: str, **more: Any) -> Settings:
    places = {"state": ledger.state.uri.removeprefix("file://"), "deliver": url}
    return load_settings({**places, "reports": ledger.manifest().reports, **more})


def _delivered(ledger: RunLedger, url: str) -> Delivery:
    [found] = deliver_published(_settings(ledger, url), ledger)
    return found


def test_a_notification_says_the_figures(ledger: RunLedger, service: Service) -> None:
    settings = _settings(ledger, service.url, reports_url="https://reports.shop.test")
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.tries, found.cause) == ("done", 1, "")
    [told] = service.heard
    assert told["title"].startswith("Sales report of Toys, 2024-03-01: complete, revenue EUR")
    for said in ("The report is complete.", "1 of 2 are left out", "Units sold: 2"):
        assert said in told["message"]
    assert f"https://reports.shop.test/runs/{ledger.run_id}/index.html" in told["message"]
    # Once: neither beat nor the command sends it again, unless it is named.
    deliver_newest(settings, ledger.state)
    deliver_by_hand(
        ledger, settings.destinations(), settings.hooks(), repeated=settings.destinations()
    )
    assert len(service.heard) == 1
    deliver_by_hand(
        ledger,
        settings.destinations(),
        settings.hooks(),
        repeated=settings.destinations(),
        again=True,
    )
    assert len(service.heard) == 2


def test_no_token_is_shown(ledger: RunLedger, service: Service, tmp_path: Path) -> None:
    service.statuses = [403]
    settings = _settings(ledger, service.url)
    [found] = deliver_published(settings, ledger)
    assert found.shown.startswith("apprise+json://***/")
    told = [found, settings, settings.destinations(), check_delivery(settings)]
    kept = "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    )
    assert _TOKEN not in repr(told) + kept


@pytest.mark.parametrize(
    ("statuses", "state", "cause"),
    [
        ([401], "failed", "refuses: it answers 401"),
        ([404], "failed", "refuses: it answers 404"),
        ([302], "failed", "refuses: it answers 302"),
        ([429], "pending", "cannot now: it answers 429"),
        ([503], "pending", "cannot now: it answers 503"),
        ([504], "unknown", "it was sent, and not answered"),
        ([0], "unknown", "it was sent, and not answered"),
    ],
)
def test_what_became_of_it_is_told_apart(
    ledger: RunLedger, service: Service, statuses: list[int], state: str, cause: str
) -> None:
    service.statuses = statuses
    settings = _settings(ledger, service.url)
    [found] = deliver_published(settings, ledger)
    assert (found.state, cause in found.cause) == (state, True), found
    assert (found.next_at is not None) == (state == "pending")
    deliver_newest(settings, ledger.state)
    assert len(service.heard) == 1


def test_a_service_that_is_away_is_tried_again(ledger: RunLedger) -> None:
    found = _delivered(ledger, f"apprise+json://127.0.0.1:1/{_TOKEN}")
    assert (found.state, found.cause) == ("pending", "The notification service does not answer.")


def test_what_apprise_does_not_know_is_told(ledger: RunLedger) -> None:
    found = _delivered(ledger, f"apprise+slak://{_TOKEN}/b/c")
    assert (found.state, "no such service" in found.cause) == ("failed", True)
    assert _TOKEN not in repr(found)


def test_doctor_looks_and_sends_nothing(ledger: RunLedger, service: Service) -> None:
    found = check_delivery(_settings(ledger, service.url))
    assert (found.state, "its server answers; nothing was sent" in found.found) == ("ok", True)
    slack = "apprise+slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/%23sales"
    found = check_delivery(_settings(ledger, slack))
    assert (found.state, "knows the service (Slack)" in found.found) == ("ok", True), found
    for url in (f"apprise+slak://{_TOKEN}", f"apprise+json://127.0.0.1:1/{_TOKEN}"):
        assert check_delivery(_settings(ledger, url)).state == "failed"
    assert service.heard == []


def test_apprise_is_not_waited_for_without_an_end(
    ledger: RunLedger, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification, "_MOST_SECONDS", 0.1)
    found = _delivered(ledger, service.url)
    assert (found.state, "it takes over" in found.cause) == ("unknown", True)
    assert [each.state for each in deliveries_of(ledger)] == ["unknown"]


def test_without_apprise_the_settings_say_what_to_install(
    ledger: RunLedger, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(ledger, service.url)
    [destination] = settings.destinations()
    monkeypatch.setattr(notification, "has_apprise", lambda: False)
    monkeypatch.setattr(notification_url, "has_apprise", lambda: False)
    with pytest.raises(ConfigError, match="need Apprise, which is not installed") as raised:
        load_settings({"deliver": service.url})
    assert "apprise" in str(raised.value)
    assert _TOKEN not in str(raised.value)
    with pytest.raises(ConfigError, match="not installed"):
        notification.try_out_notification(destination)
