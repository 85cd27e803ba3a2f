"""Delivery by mail, to a real server: what arrives, and what is on record where it may not."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.doctor.destinations import check_delivery
from pipeline_core.addresses.mail import Mailer, parse_mail_server
from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery import deliver as deliver_module
from pipeline_core.delivery import mail as mail_module
from pipeline_core.delivery.records import deliveries_of, save_delivery
from pipeline_core.delivery.send import try_out
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.messages.delivery import Delivery
from pipeline_core.running.deliveries import deliver_by_hand, deliver_newest, deliver_published
from pipeline_core.settings import Settings, load_settings
from pipeline_core.smtp import client, conversation
from tests.support.archives import part, purchase
from tests.support.mail_server import PASSWORD, Authority, Postman, authority, mail_server
from tests.support.processes import eventually
from tests.support.run import run_local, shop_of
from tests.support.workbooks import converted, sheets

_TO = "boss@shop.test"
_SHOP = "Toys & Co <b>\u202e"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("mail"))


@pytest.fixture(scope="module")
def _server(known: Authority) -> Iterator[Postman]:
    with mail_server(known) as postman:
        yield postman


@pytest.fixture
def postman(_server: Postman) -> Postman:
    """The module's server, which behaves well and has no mail yet."""
    fresh = Postman(port=_server.port, ca=_server.ca)
    vars(_server).update(vars(fresh))
    return _server


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one published run, of which each test has its own copy."""
    folder = tmp_path_factory.mktemp("published")
    shop = shop_of(
        folder,
        part([purchase("c1", "p1", 2), purchase("c2", "p2", 3), purchase("c1", "gone")]),
        customers=[("c1", "2020-01-01", "=1+1"), ("c2", "2020-01-01", "VIP")],
        products=[
            ("p1", "Pen", "A\r\nBcc: x@y.test <script>", "0.10"),
            ("p2", "Odd", "007", "1234567890.45"),
        ],
    )
    assert run_local(shop, folder, shop=_SHOP, currency="EUR").state == "published"
    return folder


def _newest(folder: Path) -> RunLedger:
    [*_, run_id] = sorted(path.name for path in (folder / "state" / "runs").iterdir())
    return RunLedger(open_state(str(folder / "state")), run_id)


@pytest.fixture
def ledger(published: Path) -> Iterator[RunLedger]:
    """The published run, with nothing on record of deliveries."""
    found = _newest(published)
    yield found
    for path in (published / "state" / "runs" / found.run_id / "deliveries").glob("*"):
        path.unlink()


def _settings(ledger: RunLedger, url: str, to: str = f"mailto:{_TO}", **more: Any) -> Settings:
    return load_settings(
        {
            "state": ledger.state.uri.removeprefix("file://"),
            "reports": ledger.manifest().reports,
            "deliver": to,
            "smtp_url": url,
            "mail_from": "Sales reports <reports@shop.test>",
            **more,
        }
    )


def _delivered(ledger: RunLedger, postman: Postman, **more: Any) -> Delivery:
    [found] = deliver_published(_settings(ledger, postman.url(), **more), ledger)
    return found


def _by_hand(ledger: RunLedger, settings: Settings, *, again: bool = False) -> Delivery:
    [found] = deliver_by_hand(
        ledger,
        settings.destinations(),
        settings.hooks(),
        repeated=settings.destinations(),
        again=again,
    )
    return found


def _body(mail: EmailMessage, kind: str) -> str:
    part_ = mail.get_body((kind,))
    assert part_ is not None
    return str(part_.get_content())


def _attached(mail: EmailMessage) -> dict[str, bytes]:
    found = {}
    for each in mail.iter_attachments():
        content = each.get_content()
        name = each.get_filename() or ""
        found[name] = content if isinstance(content, bytes) else content.encode()
    return found


def test_a_mail_says_what_the_report_says(ledger: RunLedger, postman: Postman) -> None:
    found = _delivered(ledger, postman)
    assert (found.state, found.tries, found.cause) == ("done", 1, "")
    assert found.shown == f"mailto:{_TO}"
    [(to, mail)] = postman.received
    assert (to, postman.senders, postman.logins) == (_TO, ["reports@shop.test"], 1)
    assert mail["To"] == _TO
    assert mail["From"] == "Sales reports <reports@shop.test>"
    assert mail["Bcc"] is None
    assert mail["Subject"] == (
        "Sales report of Toys & Co <b>\\u202e, 2024-03-01: complete, revenue EUR 3,703,703,671.55"
    )
    assert ledger.run_id in mail["Message-ID"]
    assert "@shop.test>" in mail["Message-ID"]
    text, page = _body(mail, "plain"), _body(mail, "html")
    for said in (text, page.replace("&lt;", "<").replace("&amp;", "&")):
        for figure in ("3,703,703,671.55", "Distinct customers", "The report is complete."):
            assert figure in said
        assert "1 of 3 are left out" in said
        assert "Unknown product" in said
        assert f"/runs/{ledger.run_id}/index.html" in said
        assert f"Run {ledger.run_id}" in said
    assert "<script" not in page
    assert "<b>" not in page
    [book, index] = _attached(mail).items()
    assert index[1].startswith(b"<!doctype html>") or b"<html" in index[1][:200]
    assert book[0] == f"sales_report_{ledger.run_id}.xlsx"


def test_the_same_run_and_recipient_have_the_same_message_id(
    ledger: RunLedger, postman: Postman
) -> None:
    settings = _settings(ledger, postman.url(), f"mailto:{_TO},other@shop.test")
    deliver_published(settings, ledger)
    for found in deliver_by_hand(
        ledger,
        settings.destinations(),
        settings.hooks(),
        repeated=settings.destinations(),
        again=True,
    ):
        assert (found.state, found.tries) == ("done", 2)
    ids = [(to, mail["Message-ID"]) for to, mail in postman.received]
    assert len(ids) == 4
    assert len({*ids}) == len({told for _, told in ids}) == 2


def test_what_was_sent_is_sent_again_only_if_that_is_asked_for(
    ledger: RunLedger, postman: Postman
) -> None:
    settings = _settings(ledger, postman.url())
    assert _by_hand(ledger, settings).state == "done"
    assert _by_hand(ledger, settings).tries == 1
    assert len(postman.received) == 1
    assert _by_hand(ledger, settings, again=True).tries == 2
    assert len(postman.received) == 2


def test_the_workbook_that_arrives_has_the_figures(
    ledger: RunLedger, postman: Postman, tmp_path: Path
) -> None:
    _delivered(ledger, postman)
    [book, _] = _attached(postman.received[0][1]).values()
    path = tmp_path / "report.xlsx"
    path.write_bytes(book)
    assert sheets(path)["Report"][1] == ["007", "VIP", 3703703671.35, 3.0, 1.0]
    report = converted(path, tmp_path)
    assert report["Report"][1] == ["007", "VIP", "3703703671.35", "3", "1"]


def test_what_changed_stands_in_the_mail(tmp_path: Path, postman: Postman) -> None:
    for bought in (2, 3):
        shop = shop_of(
            tmp_path / f"of {bought}",
            part([purchase("c1", "p1", bought)]),
            customers=[("c1", "2020-01-01", "VIP")],
            products=[("p1", "Pen", "Of<fice", "0.10")],
        )
        run_local(shop, tmp_path, currency="EUR")
    ledger = _newest(tmp_path)
    _delivered(ledger, postman, reports_url="https://reports.shop.test/")
    [(_, mail)] = postman.received
    text, page = _body(mail, "plain").replace("\u00a0", " "), _body(mail, "html")
    assert "revenue rose by EUR 0.10 (+50.0 %) from EUR 0.20 to EUR 0.30." in text
    assert "Since the report of 2" in text
    assert re.search(r"- \+0\.10, \+1 units: .*Of<fice / VIP", text), text
    assert "Of&lt;fice / VIP" in page
    link = f"https://reports.shop.test/runs/{ledger.run_id}/index.html"
    assert f'<a href="{link}">' in page
    assert link in text
    assert "No purchase was left out." in text


def test_an_incomplete_report_says_so_first(tmp_path: Path, postman: Postman) -> None:
    shop = shop_of(tmp_path, part([purchase("c1", "p1", 2)]), b"[torn")
    run_local(shop, tmp_path, allow_incomplete=True)
    _delivered(_newest(tmp_path), postman)
    [(_, mail)] = postman.received
    assert ": INCOMPLETE, revenue" in mail["Subject"]
    assert "THIS REPORT IS INCOMPLETE. 1 input could not be read" in _body(mail, "plain")
    assert "<strong>This report is incomplete.</strong>" in _body(mail, "html")


def test_what_is_too_large_is_linked_and_said_to_be(ledger: RunLedger, postman: Postman) -> None:
    _delivered(ledger, postman, mail_max_bytes=20_000)
    [(_, mail)] = postman.received
    assert [*_attached(mail)] == [f"sales_report_{ledger.run_id}.xlsx"]
    assert re.search(
        rf"Not attached, since it has [\d,]+ bytes: sales_report_{ledger.run_id}\.html",
        _body(mail, "plain"),
    )


def test_the_server_has_a_word_on_the_size(ledger: RunLedger, known: Authority) -> None:
    with mail_server(known, data_size_limit=200_000) as postman:
        assert _delivered(ledger, postman).state == "done"
        [(_, mail)] = postman.received
    assert [*_attached(mail)] == [f"sales_report_{ledger.run_id}.xlsx"]


@pytest.mark.parametrize(
    ("kind", "url", "how"),
    [
        ("tls", {"scheme": "smtps"}, "TLSv1"),
        ("starttls", {}, "TLSv1"),
        ("plain", {"login": False, "more": "&tls=none"}, "without TLS"),
    ],
)
def test_each_way_to_a_server(
    ledger: RunLedger, known: Authority, kind: str, url: dict[str, Any], how: str
) -> None:
    with mail_server(known, kind) as postman:
        settings = _settings(ledger, postman.url(**url))
        told = check_delivery(settings)
        assert (told.state, how in told.found) == ("ok", True), told
        assert postman.received == []
        [found] = deliver_published(settings, ledger)
        assert found.state == "done", found
        assert len(postman.received) == 1


@pytest.mark.parametrize(
    ("kind", "url", "cause", "remedy"),
    [
        ("other_name", {}, "is not trusted: Hostname mismatch", "?ca=FILE"),
        ("starttls", {"ca": False}, "is not trusted: ", "?ca=FILE"),
        ("plain", {}, "offers no STARTTLS", "?tls=none"),
        ("starttls", {"login": False}, "530", "SALES_MAIL_FROM"),
    ],
)
def test_a_server_that_cannot_be_trusted_gets_nothing(
    ledger: RunLedger,
    known: Authority,
    kind: str,
    url: dict[str, Any],
    cause: str,
    remedy: str,
) -> None:
    with mail_server(known, kind) as postman:
        given = postman.url(login=url.get("login", True))
        if not url.get("ca", True):
            given = given.partition("?")[0]
        settings = _settings(ledger, given)
        [found] = deliver_published(settings, ledger)
        assert (found.state, found.next_at) == ("failed", None), found
        assert cause in found.cause
        assert remedy in found.remedy
        assert (postman.received, postman.logins) == ([], 0)
        told = check_delivery(settings)
        assert (told.state, cause in told.found) == ("failed", True)
    assert PASSWORD not in repr([found, told])


def test_a_wrong_login_is_told_without_it(ledger: RunLedger, postman: Postman) -> None:
    settings = _settings(ledger, postman.url().replace("cret", "crab"))
    [found] = deliver_published(settings, ledger)
    assert found.state == "failed"
    assert "refuses the login: 535" in found.cause
    assert "Correct user and password in SALES_SMTP_URL" in found.remedy
    assert "canary" not in repr([found, settings, check_delivery(settings)])


def test_one_recipient_of_two_is_refused(ledger: RunLedger, postman: Postman) -> None:
    postman.rcpt["gone@shop.test"] = "550 5.1.1 No such user"
    settings = _settings(ledger, postman.url(), f"mailto:{_TO},gone@shop.test")
    for _ in range(2):
        one, other = deliver_published(settings, ledger)
        assert (one.state, one.tries) == ("done", 1)
        assert (other.state, other.tries) == ("failed", 1)
    assert other.cause == ("The mail server refuses the recipient: 550 5.1.1 No such user.")
    assert [to for to, _ in postman.received] == [_TO]
    # Once it is mended, who has the mail does not get it twice.
    del postman.rcpt["gone@shop.test"]
    deliver_by_hand(
        ledger, settings.destinations(), settings.hooks(), repeated=settings.destinations()
    )
    assert [to for to, _ in postman.received] == [_TO, "gone@shop.test"]


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_what_is_refused_for_now_is_tried_again(
    ledger: RunLedger, postman: Postman, where: str
) -> None:
    settings = _settings(ledger, postman.url())
    if where == "rcpt":
        postman.rcpt[_TO] = "451 4.7.1 Greylisted"
    else:
        postman.data = "451 4.7.1 Greylisted"
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.tries) == ("pending", 1), found
    assert "451 4.7.1 Greylisted" in found.cause
    assert found.next_at is not None
    assert postman.received == []
    postman.rcpt, postman.data = {}, "250 OK"
    past = datetime.now(UTC) - timedelta(seconds=1)
    save_delivery(ledger, msgspec.structs.replace(found, next_at=past))
    deliver_newest(settings, ledger.state)
    assert [(each.state, each.tries) for each in deliveries_of(ledger)] == [("done", 2)]
    assert len(postman.received) == 1


def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    ledger: RunLedger, postman: Postman
) -> None:
    postman.data = "554 5.7.1 Looks like spam\x1b[2J"
    found = _delivered(ledger, postman)
    assert (found.state, found.next_at) == ("failed", None)
    assert "refuses the mail: 554 5.7.1 Looks like spam\\x1b[2J" in found.cause


def _expire_once_received(postman: Postman, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is left for the server's word on a mail, from when it has the whole of it: however
    slow the two are until then."""
    send = client.Client.send

    def then_expire(self: client.Client, data: bytes | str) -> None:
        send(self, data)
        if data == b".\r\n":
            eventually(lambda: postman.received, "the mail")
            self._deadline._end = time.monotonic() + 1

    monkeypatch.setattr(client.Client, "send", then_expire)


@pytest.mark.parametrize("manner", ["drop_after_data", "silent_after_data", "drip_after_data"])
def test_nobody_knows_what_became_of_a_mail_that_was_not_answered(
    ledger: RunLedger, postman: Postman, monkeypatch: pytest.MonkeyPatch, manner: Any
) -> None:
    _expire_once_received(postman, monkeypatch)
    postman.manner = manner
    settings = _settings(ledger, postman.url())
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.tries, found.next_at) == ("unknown", 1, None)
    assert "nobody knows whether it arrives" in found.cause
    assert f"deliver {ledger.run_id} --to mailto:{_TO}`" in found.remedy
    # Neither beat nor the command sends it a second time.
    postman.manner = "good"
    deliver_newest(settings, ledger.state)
    assert _by_hand(ledger, settings).state == "unknown"
    assert len(postman.received) == 1
    monkeypatch.undo()
    assert _by_hand(ledger, settings, again=True).state == "done"
    one, other = postman.received
    assert one[1]["Message-ID"] == other[1]["Message-ID"]


def test_who_dies_while_sending_leaves_it_unknown(
    ledger: RunLedger, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(conversation.Conversation, "hand_over", die)
    settings = _settings(ledger, postman.url())
    with pytest.raises(KeyboardInterrupt):
        deliver_published(settings, ledger)
    monkeypatch.undo()
    [found] = deliveries_of(ledger)
    assert (found.state, "ended in the midst" in found.cause) == ("unknown", True)
    assert [each.state for each in deliver_published(settings, ledger)] == ["unknown"]
    assert postman.received == []


def test_an_older_run_never_follows_a_newer_one(tmp_path: Path, postman: Postman) -> None:
    shop = shop_of(tmp_path, part([purchase("c1", "p1", 2)]))
    ledgers = []
    for _ in range(2):
        run_local(shop, tmp_path)
        ledgers.append(_newest(tmp_path))
    older, newer = ledgers
    settings = _settings(newer, postman.url())
    assert _by_hand(newer, settings).state == "done"
    found = _by_hand(older, settings, again=True)
    assert (found.state, newer.run_id in found.cause) == ("superseded", True)
    assert len(postman.received) == 1


def test_a_newer_run_that_is_quicker_is_not_followed(
    tmp_path: Path, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path, part([purchase("c1", "p1", 2)]))
    run_local(shop, tmp_path)
    older = _newest(tmp_path)
    settings = _settings(older, postman.url())
    asked = []

    def overtaken(ledger: RunLedger, destination: str) -> str | None:
        asked.append(destination)
        return None if len(asked) == 1 else "r9999"

    monkeypatch.setattr(deliver_module, "newer_told", overtaken)
    found = _by_hand(older, settings)
    assert (found.state, "r9999" in found.cause) == ("superseded", True)
    assert postman.received == []


def test_doctor_sends_nothing_and_says_who_is_refused(ledger: RunLedger, postman: Postman) -> None:
    [destination] = _settings(ledger, postman.url()).destinations()
    assert "takes mails to it (TLSv1.3, logged in)" in try_out(destination)
    postman.rcpt[_TO] = "550 No such user"
    with pytest.raises(ConfigError, match="refuses the recipient: 550 No such user"):
        try_out(destination)
    assert postman.received == []


@contextmanager
def _speaker(*said: bytes, pause: float = 0.0) -> Iterator[int]:
    """A port at which each connection gets these, one after the other, and then silence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def speak() -> None:
            connection, _ = listener.accept()
            with connection:
                for each in said:
                    if ended.wait(pause):
                        return
                    try:
                        connection.sendall(each)
                    except OSError:
                        return
                ended.wait(30)

        thread = threading.Thread(target=speak)
        thread.start()
        yield listener.getsockname()[1]
        ended.set()
        thread.join(10)


def _to(port: int, more: str = "") -> Destination:
    server = parse_mail_server(f"smtp://127.0.0.1:{port}{more}")
    mailer = Mailer(server, ("", "reports@shop.test"), 1)
    return Destination("id", "shown", "mail", recipient=_TO, mailer=mailer)


@pytest.mark.parametrize(
    ("said", "pause", "cause"),
    [
        ([], 0.0, "timed out"),
        ([b"2"] * 1000, 0.01, "timed out"),
        ([b"220-and more\r\n"] * 40_000, 0.0, "no end"),
        ([b"220 hello\r\n250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b"no TLS\r\n"], 0.2, "SSL"),
    ],
)
def test_a_server_that_never_comes_to_an_end_is_left(
    monkeypatch: pytest.MonkeyPatch, said: list[bytes], pause: float, cause: str
) -> None:
    seconds = 2.0 if cause == "timed out" else 60.0
    monkeypatch.setattr(client, "_WHOLE_SECONDS", seconds)
    with _speaker(*said, pause=pause) as port:
        with pytest.raises(RetryableError, match="does not answer") as raised:
            try_out(_to(port))
        assert cause in str(raised.value)
        assert "closed: timed out" not in str(raised.value)


def test_nobody_is_at_home() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RetryableError, match="does not answer: Connection refused"):
        try_out(_to(port))


def test_a_file_of_authorities_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name, cause in (("ca.pem", "holds no certificate"), ("gone.pem", "No such file")):
        with pytest.raises(ConfigError, match=cause):
            try_out(_to(1, f"?ca={tmp_path}/{name}"))


def test_a_server_that_repeats_the_login_is_not_shown() -> None:
    server = parse_mail_server("smtp://me:canary%2F1@127.0.0.1:25")
    for said in ("canary/1 is wrong", "bWU6Y2FuYXJ5LzE= AG1lAGNhbmFyeS8x Y2FuYXJ5LzE="):
        told = conversation._shown(said.encode(), server)
        assert "canary" not in told
        assert "AG1lAGNhbmFyeS8x" not in told
        assert "Y2FuYXJ5LzE=" not in told


def test_a_report_without_room_for_a_workbook_is_mailed_without(
    ledger: RunLedger, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ConfigError("The sheet Daily has no room.", "")

    monkeypatch.setattr(mail_module, "save_workbook", full)
    assert _delivered(ledger, postman).state == "done"
    [(_, mail)] = postman.received
    assert [*_attached(mail)] == [f"sales_report_{ledger.run_id}.html"]
    assert "There is no workbook. The sheet Daily has no room." in _body(mail, "plain")


def test_a_report_of_a_time_past_says_of_which(tmp_path: Path, postman: Postman) -> None:
    shop = shop_of(tmp_path, part([purchase("c1", "p1", 2)]))
    run_local(shop, tmp_path, as_of=date(2024, 3, 1))
    ledger = _newest(tmp_path)
    assert _by_hand(ledger, _settings(ledger, postman.url())).state == "done"
    [(_, mail)] = postman.received
    assert "as of 2024-03-01: complete" in mail["Subject"]
