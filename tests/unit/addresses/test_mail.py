"""Mail: what is taken for a server, a sender and a recipient, and that no login is shown."""

from __future__ import annotations

import pytest

from pipeline_core.addresses.mail import MailServer, parse_mail_server, parse_sender
from pipeline_core.configuration.destinations import parse_destinations


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.test", MailServer("mail.test", 587, "starttls")),
        ("smtps://mail.test", MailServer("mail.test", 465, "tls")),
        ("smtp://[::1]:25?tls=none", MailServer("::1", 25, "none")),
        ("smtp://[::1]", MailServer("::1", 587, "starttls")),
        (
            "SMTPS://me%40shop.test:a%2Fb@mail.test:4465/?ca=/etc/a%20b.pem",
            MailServer("mail.test", 4465, "tls", "me@shop.test", "a/b", "/etc/a b.pem"),
        ),
    ],
)
def test_a_server(url: str, server: MailServer) -> None:
    assert parse_mail_server(url) == server
    assert "a/b" not in repr(server)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mail.test:25", "not a mail server's URL"),
        ("http://mail.test", "not a mail server's URL"),
        ("smtp://me:canary@", "no host"),
        ("smtp://canary@mail.test", "a user has a password"),
        ("smtp://me:canary@mail.test:99999", "1 to 65535"),
        ("smtp://me:canary@mail.test?tls=none", "over TLS alone"),
        ("smtps://mail.test?tls=none", "leave one of them out"),
        ("smtp://mail.test?tls=no", "tls is none, or left out"),
        ("smtp://mail.test?verify=no", "each once at most"),
        ("smtp://mail.test?ca=a&ca=b", "each once at most"),
        ("smtp://mail.test?ca=", "ca names no file"),
        ("smtp://me:can%ary@mail.test", "escapes nothing"),
    ],
)
def test_what_is_no_server_is_told_without_its_login(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        parse_mail_server(url)
    assert "can" not in str(raised.value).replace("cannot", "")


def test_a_sender() -> None:
    assert parse_sender("a.b+c@Shop.Test") == ("", "a.b+c@shop.test")
    assert parse_sender('"Toys, Sales" <a@b.test>') == ("Toys, Sales", "a@b.test")


@pytest.mark.parametrize(
    "text",
    ["", "Sales", "a@b.test, c@d.test", "a@b.test\r\nBcc: c@d.test", "A <a@b.test> <c@d.test>"],
)
def test_what_is_no_sender(text: str) -> None:
    with pytest.raises(ValueError, match="write reports@"):
        parse_sender(text)


def test_each_recipient_is_a_destination() -> None:
    one, other, third = parse_destinations(
        "mailto:Boss+x@Shop.test, b@shop.test, postgresql://db/bi"
    )
    assert [one.shown, other.shown] == ["mailto:Boss%2Bx@shop.test", "mailto:b@shop.test"]
    assert (one.recipient, other.kind, third.kind) == ("Boss+x@shop.test", "mail", "tables")
    assert len({one.id, other.id, third.id}) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("mailto:", "not a mail address"),
        ("mailto:a@b@c.test", "not a mail address"),
        ("mailto:a b@c.test", "not a mail address"),
        ("mailto:a%0d%0aBcc:x@c.test", "not a mail address"),
        ("mailto:a@b.test?subject=x", "nothing stands behind"),
        ("mailto:ä@b.test", "is of ASCII"),
        ("mailto:a@b.test,a@B.test", "is named twice"),
        (
            "postgresql://db/bi,a@b.test",
            "destination 2: a mail address is a URL, too; write mailto:",
        ),
        ("apprise:slack://canary", "not a notification service"),
        ("apprise+slack", "not a notification service"),
        ("apprise+slack://***/12ab34", "are hidden"),
    ],
)
def test_what_is_no_destination(given: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        parse_destinations(given)
    assert "canary" not in str(raised.value)


def test_a_notification_is_told_from_others_without_its_tokens() -> None:
    one, other = parse_destinations("apprise+slack://canary1/a%2Cb,apprise+slack://canary2/a")
    assert one.url == "slack://canary1/a,b"
    assert one.shown.startswith("apprise+slack://***/")
    assert one.shown != other.shown
    assert "canary" not in repr([one, other])
