"""SALES_WEBHOOK_URL, SALES_FLOWER_URL, SALES_HOOK_COMMAND: wrong at the start, and not shown."""

from __future__ import annotations

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings

_LOGIN = "a user or a password before the host is not supported"


def _refused(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({name: value})
    assert caught.value.message.startswith(f"Wrong settings: SALES_{name.upper()}: {said}")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["webhook_url", "flower_url"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("hooks.example/canary", "not an http:// or https:// URL; write https://host/path"),
        ("ftp://h/canary", "not an http:// or https:// URL"),
        ("file:///canary", "not an http:// or https:// URL"),
        ("javascript:canary", "not an http:// or https:// URL"),
        ("http:/h/canary", "not an http:// or https:// URL"),
        ("https:///canary", "there is no host in it"),
        ("https://:443/canary", "there is no host in it"),
        ("https://u:canary@h/", _LOGIN),
        ("https://canary@h/", _LOGIN),
        ("https://h:0/canary", "the port is no number"),
        ("https://h:x/canary", "its host or its port is none"),
        ("https://h/can ary", "a blank stands in it"),
        ("'https://h/canary'", "blanks or quotes stand around it"),
        ("https://...", "its host is no name and no address"),
        ("https://canary..b/", "its host is no name and no address"),
        ("https://.canary/", "its host is no name and no address"),
        ("https://-canary/", "its host is no name and no address"),
        (f"https://{64 * 'c'}.canary/", "its host is no name and no address"),
        ("https://300.1.1.1/canary", "its host is no name and no address"),
        ("https://1.2.3.4.5/canary", "its host is no name and no address"),
        ("https://h\\canary", "a backslash stands in it; write / or %5C"),
        ("https://h/%zzcanary", "a % in it escapes nothing; write % itself as %25"),
        # %ca escapes a byte, which alone is no text
        ("https://h/%canary", "its escapes are no UTF-8; write % itself as %25"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(name: str, url: str, said: str) -> None:
    _refused(name, url, said)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://h/x#canary", "what follows # is not sent; write # as %23"),
        ("https://h/canaryé", "only ASCII is sent"),
    ],
)
def test_all_of_a_webhook_is_sent_or_none(url: str, said: str) -> None:
    _refused("webhook_url", url, said)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x",
        "http://127.0.0.1:8080/?a=b&c=%20d@e",
        "HTTPS://[::1]:1/x",
        "https://db_1.internal./x",
        "http://127.1:80",
        "http://1.example/",
    ],
)
def test_addresses_that_can_be_used_stay(url: str) -> None:
    assert load_settings({"webhook_url": url}).hooks().webhook_url == url
    assert load_settings({"flower_url": url}).flower_url == url


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("tell 'canary", "a quote or a backslash at its end is open"),
        ("tell canary\\", "a quote or a backslash at its end is open"),
        ("   ", "empty"),
        ("'' canary", "empty"),
        ("TOKEN=canary tell", "no shell reads it; write the program first"),
        ("tell canary | mail", "no shell reads it; write sh -c"),
        ("tell canary > file", "no shell reads it; write sh -c"),
        ("tell && canary", "no shell reads it; write sh -c"),
        ("echo a;echo canary", "no shell reads it; write sh -c '...' for | && ; < or >, or quote"),
        ("tell canary|mail", "no shell reads it; write sh -c"),
        ("tell canary >file", "no shell reads it; write sh -c"),
        ("tell canary 2>&1", "no shell reads it; write sh -c"),
        ("tell canary&", "no shell reads it; write sh -c"),
        ("tell https://canary; mail", "no shell reads it; write sh -c"),
        ("tell `canary`", "no shell reads it; write sh -c '...' for $ and `, or quote them"),
        ("tell $canary", "no shell reads it; write sh -c"),
        ("tell https://h/${canary}", "no shell reads it; write sh -c"),
        ("tell $(canary)", "no shell reads it; write sh -c"),
        ('"$canary/hook"', "no shell reads it, and $ is not expanded; write the whole path"),
        ("~/bin/canary", "no shell reads it, and ~ is not expanded; write the whole path"),
        ("#tell canary", "no shell reads it, nor comments; leave the setting out"),
        ('" "', "empty; leave the setting out"),
        ("/ canary", "its program is a folder"),
        ("/etc/passwd canary", "its program may not be executed; chmod +x it, or write what runs"),
    ],
)
def test_a_command_that_starts_nothing_is_refused(command: str, said: str) -> None:
    _refused("hook_command", command, said)


@pytest.mark.parametrize(
    "command",
    [
        *("tell", "env TOKEN=x tell", "sh -c 'tell | mail >x'", "/bin/sh /a/hook.sh"),
        "/a/b --x=y 'a; b' https://h/?a&b",
        "sh -c 'tell $HOOK_TOKEN; tell `date`'",
        'sh -c "tell \\"$HOOK_TOKEN\\" | mail"',
        "tell a\\;b -d x=1&y=2 #channel https://h/;a ~ '' $",
    ],
)
def test_a_command_that_starts_a_program_stays(command: str) -> None:
    loaded = load_settings({"hook_command": command})
    assert loaded.hooks().command == command
    assert command not in repr(loaded) + repr(loaded.hooks())
