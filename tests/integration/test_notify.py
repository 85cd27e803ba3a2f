"""Hooks: a real HTTP server and a real program."""

from __future__ import annotations

import base64
import json
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Outcome
from pipeline_core.messages.notification import Event
from pipeline_core.notify import hook_process, hooks
from pipeline_core.notify.hooks import (
    Hooks,
    Notification,
    event_of,
    notify_hooks,
    parse_events,
)
from pipeline_core.running.notifications import (
    fail_and_notify,
    notify_of_late_slot,
    notify_of_outcome,
)
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.archives import part, purchase
from tests.support.processes import eventually
from tests.support.run import run_local, sales, shop_of, week

NOTIFICATION = Notification(
    "failed", "run-1", "The disk is full.", "Make room.", datetime(2026, 1, 2, tzinfo=UTC)
)
ALL: frozenset[Event] = parse_events("published,failed,refused,incomplete,recovered,late")


class Listener(HTTPServer):
    """Keeps what it is told; answers with ``status``."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.told: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/very-secret"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        assert self.headers["Content-Type"] == "application/json"
        self.server.told.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def listening(status: int = 200) -> Iterator[Listener]:
    with Listener(status) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _hooks(url: str | None = None, command: str | None = None) -> Hooks:
    return Hooks(url, command, ALL)


def test_a_webhook_is_told_as_slack_expects() -> None:
    with listening() as server:
        assert notify_hooks(_hooks(server.url), NOTIFICATION)
    (told,) = server.told
    assert told["text"] == "Sales report, run run-1: failed. The disk is full. Make room."
    assert told["event"] == "failed"
    assert told["run_id"] == "run-1"
    assert told["at"] == "2026-01-02T00:00:00+00:00"


def test_a_name_rings_nobody() -> None:
    named = Notification(
        "failed", "run-1", "", "", NOTIFICATION.at, changes=("Revenue of <!channel> rose.",)
    )
    told = json.loads(named.as_json())
    assert told["text"] == "Sales report, run run-1: failed. Revenue of &lt;!channel&gt; rose."
    assert told["changes"] == ["Revenue of <!channel> rose."]


def _heard(folder: Path, run_id: str) -> dict[str, Any]:
    told = folder / f"{run_id}.json"
    ledger = RunLedger(open_storage(str(folder / "state")), run_id)
    notify_of_outcome(ledger, _hooks(command=f"tee {told}"))
    return dict(json.loads(told.read_text()))


def test_who_is_told_hears_figures_and_where_the_report_is(tmp_path: Path) -> None:
    shop = shop_of(
        tmp_path, part([purchase(quantity=12345), purchase("x"), {"event_type": "view"}])
    )
    first = run_local(shop, tmp_path)
    page = f"{tmp_path}/reports/runs/{first.run_id}/index.html"
    heard = _heard(tmp_path, first.run_id)
    left_out = (
        "Bought 1,234.60 = 1,234.50 counted + 0.10 (unknown customers, unknown_customer). "
        "1 of 2 are left out: 50.0 % of purchases, 0.01 % of revenue."
    )
    assert heard["text"] == (
        f"Sales report, run {first.run_id}: published. Revenue 1,234.50, 12,345 units, "
        f"1 customer; 1 of 3 events counted, 1 rejected. {left_out} Report: {page}"
    )
    assert heard["report"] == page
    assert Path(page).is_file()
    assert heard["figures"] == {
        "run_id": first.run_id,
        "total_revenue": "1234.50",
        "units_sold": 12345,
        "unique_customers": 1,
        "events_seen": 3,
        "events_counted": 1,
        "returns_counted": 0,
        "events_rejected": 1,
        "unreadable": 0,
        "ignored": 0,
        "left_out": left_out,
        "left_out_share": "0.500000",
        "left_out_revenue_share": "0.000081",
        "left_out_purchases": 1,
        "left_out_revenue": "0.10",
        "left_out_unknown_revenue": 0,
    }
    (shop.data / "week.zip").write_bytes(week(part([]), b"[oops"))
    (shop.data / "notes.txt").touch()
    second = run_local(shop, tmp_path, publish_incomplete=False)
    heard = _heard(tmp_path, second.run_id)
    passed_over = "counted 1 purchase. Passed over without being read: 1 .txt."
    assert f"{passed_over} {second.remedy} Revenue 0.00" in heard["text"]
    assert heard["text"].endswith(
        "0 of 0 events counted, 0 rejected, 1 input unreadable, 1 file passed over. "
        f"The report that stands: {page}"
    )
    assert (heard["report"], heard["figures"]["run_id"]) == (page, second.run_id)
    third = run_local(shop, tmp_path)
    heard = _heard(tmp_path, third.run_id)
    assert heard["event"] == "incomplete"
    assert heard["report"] == f"{tmp_path}/reports/runs/{third.run_id}/index.html"
    assert heard["figures"]["total_revenue"] == "0.00"


def test_who_is_told_of_a_run_without_figures_hears_of_the_report_that_stands(
    tmp_path: Path,
) -> None:
    first = run_local(shop_of(tmp_path, sales(7)), tmp_path)
    page = f"{tmp_path}/reports/runs/{first.run_id}/index.html"
    ledger = RunLedger(open_storage(str(tmp_path / "state")), "run-2")
    fail_and_notify(
        ledger, _hooks(command=f"tee {tmp_path / 'failed'}"), ConfigError("No data.", "Bring.")
    )
    notify_of_late_slot(
        ledger.state, _hooks(command=f"tee {tmp_path / 'late'}"), "2026-01-02T03:00", ""
    )
    for event in ("failed", "late"):
        heard = json.loads((tmp_path / event).read_text())
        assert (heard["event"], heard["report"]) == (event, page)
        assert heard["figures"]["units_sold"] == 7
        assert heard["text"].endswith(
            f"The report of run {first.run_id} stands. Revenue 0.70, 7 units, 1 customer; "
            f"1 of 1 event counted, 0 rejected. The report that stands: {page}"
        )


def test_without_any_report_there_are_no_figures(tmp_path: Path) -> None:
    ledger = RunLedger(open_storage(str(tmp_path / "state")), "run-1")
    fail_and_notify(
        ledger, _hooks(command=f"tee {tmp_path / 'failed'}"), ConfigError("No data.", "Bring.")
    )
    heard = json.loads((tmp_path / "failed").read_text())
    assert (heard["figures"], heard["report"]) == (None, None)
    assert heard["text"] == "Sales report, run run-1: failed. No data. Bring."


def test_an_answer_of_500_is_not_told(logged: pytest.LogCaptureFixture) -> None:
    with listening(500) as server:
        assert not notify_hooks(_hooks(server.url), NOTIFICATION)
    assert "500" in logged.text
    assert "very-secret" not in logged.text


def test_nobody_there(logged: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/very-secret"
        assert not notify_hooks(_hooks(url), NOTIFICATION)
    assert "webhook_not_told" in logged.text
    assert "very-secret" not in logged.text


@pytest.mark.parametrize("url", ["no url, very-secret", "ftp:/very-secret", "http://very secret/"])
def test_no_url(url: str, logged: pytest.LogCaptureFixture) -> None:
    assert not notify_hooks(_hooks(url), NOTIFICATION)
    assert "very" not in logged.text


def test_one_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "WEBHOOK_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert not notify_hooks(_hooks(url), NOTIFICATION)


def test_a_command_gets_the_notice_on_its_standard_input(tmp_path: Path) -> None:
    hook, told = tmp_path / "a hook.py", tmp_path / "told"
    hook.write_text("import sys; open(sys.argv[1], 'w').write(sys.stdin.read())")
    command = f"{sys.executable} {str(hook)!r} {told} '; touch nothing'"
    assert notify_hooks(_hooks(command=command), NOTIFICATION)
    assert json.loads(told.read_text())["reason"] == "The disk is full."
    assert not Path("nothing").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{sys.executable} -c 'import sys; sys.exit(\"no pager\")'", "no pager"),
        ("/nowhere/hook", "No such file"),
    ],
)
def test_a_command_that_fails(command: str, said: str, logged: pytest.LogCaptureFixture) -> None:
    assert not notify_hooks(_hooks(command=command), NOTIFICATION)
    assert said in logged.text


def test_a_token_of_the_command_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    python = f"{sys.executable} -c"
    assert not notify_hooks(
        _hooks(command=f"{python} 'import sys; sys.exit(3)' --token=canary"), NOTIFICATION
    )
    assert "exit code 3" in logged.text
    monkeypatch.setattr(hook_process, "MOST_SECONDS", 0.3)
    sleep = f"{python} 'import time; time.sleep(9)' --token=canary"
    assert not notify_hooks(_hooks(command=sleep), NOTIFICATION)
    assert "it takes over 0.3 s" in logged.text
    assert "canary" not in logged.text


@pytest.mark.parametrize(
    "arguments",
    [
        "--token=canary",
        "--token canary",
        "https://canary@hook.example/x",
        "https://hook.example/canary?x=y",
        "'Authorization: Bearer canary'",
    ],
)
def test_a_token_that_a_command_repeats_is_not_logged(
    arguments: str, logged: pytest.LogCaptureFixture
) -> None:
    failing = "import sys; print(sys.argv[1:], *(a.split('/') for a in sys.argv), file=sys.stderr)"
    command = f"{sys.executable} -c {failing + '; sys.exit(4)'!r} {arguments}"
    assert not notify_hooks(_hooks(command=command), NOTIFICATION)
    assert "exit code 4" in logged.text
    assert sys.executable in logged.text
    assert "canary" not in logged.text.replace("Bearer canary", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOOK_TOKEN", "canary"),
        ("HOOK_HEADER", "Authorization: Bearer canary"),
        ("HOOK_URL", "https://hook.example/canary?x=canary"),
        ("HOOK_KEY", "-----BEGIN KEY-----\ncanary\n-----END KEY-----"),
        ("https_proxy", "http://user:canary@proxy.example:3128"),
        ("ALL_PROXY", "socks5://canary@proxy.example"),
    ],
)
def test_a_secret_of_its_environment_that_a_command_repeats_is_not_logged(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    """As it stands, by its words, and as others write it."""
    monkeypatch.setenv(name, value)
    said = (
        "import base64, os, re, sys; from urllib.parse import quote;"
        f"said = os.environ[{name!r}];"
        "login = re.sub(r'.*://|@.*', '', said);"
        "words = re.split(r'[ /?=@:&]|\\n', said);"
        "print(said, *words, repr(said), quote(said, safe=''), file=sys.stderr);"
        "print(base64.b64encode(login.encode()).decode(), file=sys.stderr);"
        "sys.exit('the pager is away')"
    )
    assert not notify_hooks(_hooks(command=shlex.join([sys.executable, "-c", said])), NOTIFICATION)
    assert "the pager is away" in logged.text
    assert "canary" not in logged.text
    assert base64.b64encode(b"user:canary").decode() not in logged.text


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_process, "MOST_SECONDS", 0.5)
    started = tmp_path / "started"
    shell = f"sleep 60 & echo $! > {started}; wait; true"
    assert not notify_hooks(_hooks(command=shlex.join(["sh", "-c", shell])), NOTIFICATION)
    number = int(started.read_text())
    eventually(lambda: not _is_running(number), "its end", 5)


def _is_running(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_how_long_a_command_may_take_is_in_the_docs() -> None:
    told = (PROJECT / "docs" / "operations.md").read_text()
    assert f"ended after {hook_process.MOST_SECONDS} s" in " ".join(told.split())


def test_a_program_that_is_not_there_is_named_without_its_arguments(
    logged: pytest.LogCaptureFixture,
) -> None:
    assert not notify_hooks(_hooks(command="/nowhere/hook --token=canary"), NOTIFICATION)
    assert "/nowhere/hook" in logged.text
    assert "canary" not in logged.text


def test_a_command_gets_no_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        *("SALES_DB_PASSWORD", "SALES_DATABASE_URL", "SALES_BROKER_URL", "SALES_WEBHOOK_URL"),
        *("SALES_FLOWER_PASSWORD", "SALES_STATE_KEY", "SALES_SOMETHING", "FLOWER_BASIC_AUTH"),
        *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY"),
        *("AZURE_STORAGE_ACCOUNT_KEY", "PGPASSWORD", "PGSERVICE", "REDIS_PASSWORD"),
        *("REDISCLI_AUTH", "CELERY_BROKER_URL", "POSTGRES_PASSWORD", "SMTP_PASSWORD"),
    }
    for name in secrets:
        monkeypatch.setenv(name, "canary")
    passed = {"HOOK_TOKEN": "mine", "LANG": "C.UTF-8", "LC_ALL": "C", "https_proxy": "http://p:1"}
    for name, value in passed.items():
        monkeypatch.setenv(name, value)
    told = tmp_path / "told"
    assert notify_hooks(_hooks(command=f"sh -c 'env > {told}'"), NOTIFICATION)
    got = dict(line.split("=", 1) for line in told.read_text().splitlines())
    assert "canary" not in got.values()
    assert secrets.isdisjoint(got)
    assert got.items() >= passed.items()
    assert "PATH" in got


def test_only_what_was_asked_for() -> None:
    with listening() as server:
        assert notify_hooks(Hooks(server.url, None, parse_events("late")), NOTIFICATION)
    assert server.told == []


def test_the_url_is_not_shown() -> None:
    assert "very-secret" not in repr(_hooks("http://localhost/very-secret"))


def test_an_unknown_event_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match=r"SALES_NOTIFY_ON.*'sometimes' is none of"):
        load_settings({"notify_on": "failed, sometimes"})
    assert load_settings({"notify_on": " late , "}).hooks().events == {"late"}


@pytest.mark.parametrize(
    ("state", "status", "event"),
    [
        ("published", "complete", "published"),
        ("published", "incomplete", "incomplete"),
        ("refused", "incomplete", "refused"),
        ("failed", "incomplete", "failed"),
    ],
)
def test_events_of_outcomes(state: str, status: str, event: str) -> None:
    assert event_of(Outcome(run_id="1", state=state, status=status)) == event  # type: ignore[arg-type]


def test_a_run_is_told_once_and_again_until_it_was_heard(tmp_path: Path) -> None:
    ledger = RunLedger(open_storage(str(tmp_path)), "run-1")
    ledger.write_outcome(Outcome(run_id="run-1", state="refused", status="incomplete", reason="R."))
    with listening(503) as server:
        notify_of_outcome(ledger, _hooks(server.url))
        notify_of_outcome(ledger, _hooks(server.url))
        assert len(server.told) == 2
        server.status = 200
        notify_of_outcome(ledger, _hooks(server.url))
        notify_of_outcome(ledger, _hooks(server.url))
    assert [each["event"] for each in server.told] == ["refused"] * 3


def test_a_failure_that_cannot_be_recorded_is_told(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    ledger = RunLedger(open_storage(str(tmp_path / "state")), "run-1")
    (tmp_path / "state" / "runs").write_bytes(b"a file where a folder should be")
    with listening() as server:
        fail_and_notify(ledger, _hooks(server.url), ConfigError("No data.", "Bring some."))
    assert server.told[0]["reason"] == "No data."
    assert "failure_not_recorded" in logged.text
