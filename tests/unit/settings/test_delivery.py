"""Settings of deliveries: what a mail needs, and that no login is shown."""

from __future__ import annotations

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings

_MAIL = {"deliver": "mailto:a@b.test"}
_SERVER = {"smtp_url": "smtps://me:canary@mail.test"}


@pytest.mark.parametrize("more", [{}, _SERVER, {"mail_from": "a@b.test"}])
def test_a_mail_needs_a_server_and_a_sender(more: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="SALES_SMTP_URL and SALES_MAIL_FROM") as raised:
        load_settings(_MAIL | more)
    assert "SALES_DELIVER" in str(raised.value)
    assert "canary" not in str(raised.value)


def test_each_destination_knows_what_the_settings_say_of_it() -> None:
    found = load_settings(
        _MAIL
        | _SERVER
        | {"mail_from": "Reports <r@b.test>", "mail_max_bytes": 7, "reports_url": "https://r.test"}
    )
    [mail] = found.destinations()
    assert mail.mailer is not None
    assert (mail.mailer.sender, mail.mailer.most_bytes) == (("Reports", "r@b.test"), 7)
    assert (mail.mailer.server.password, mail.reports_url) == ("canary", "https://r.test")
    assert "canary" not in repr([found, mail])
    [to] = found.destinations_of("mailto:c@d.test")
    assert to.mailer == mail.mailer


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("smtp_url", "smtp://me:canary@", "there is no host in it"),
        ("mail_from", "nobody", "not a mail address"),
        ("mail_max_bytes", "0", "1"),
        ("reports_url", "reports", "not an http:// or https:// URL"),
    ],
)
def test_a_wrong_setting_is_told(name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=f"SALES_{name.upper()}: .*{told}") as raised:
        load_settings({name: value})
    assert "canary" not in str(raised.value)
