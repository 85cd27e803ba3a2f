"""SALES_DATABASE_URL and SALES_DB_HOST: what is refused is named, says why, and is not shown."""

from __future__ import annotations

import pytest

from pipeline_core.dimensions.database import with_psycopg2
from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings

_ESCAPES = "not a URL; write @ / ? # of the password as %40 %2F %3F %23"
_BRACKETS = "an IPv6 address needs brackets, as in [::1]:5432"
_AROUND = "blanks or quotes stand around it"
_PORT = "the port is no number from 1 to 65535"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://u:canary@h/d", "the driver is psycopg2; write postgresql://user:"),
        ("postgresql+asyncpg://u:canary@h/d", "the driver is psycopg2"),
        ("mysql://u:canary@h/d", "not of PostgreSQL; write postgresql://user:"),
        ("sqlite:///canary.db", "not of PostgreSQL"),
        ("http://canary/d", "not of PostgreSQL"),
        ("u:canary@h/d", "not a URL; write postgresql://user:"),
        ("postgresql:/u:canary@h/d", "not a URL"),
        ("host=h password=canary", "not a URL"),
        ("", "not a URL"),
        ("'postgresql://u:canary@h/d'", _AROUND),
        ('"postgresql://u:canary@h/d"', _AROUND),
        (" postgresql://u:canary@h/d", _AROUND),
        ("postgresql://u:canary@h/d\n", _AROUND),
        ("postgresql://u:p@canary/w#rd@h", _ESCAPES),
        ("postgresql://u:p@canary@h/d", _ESCAPES),
        ("postgresql://u:p@@canary@h/d", _ESCAPES),
        ("postgresql://u:p?a@canary@h/d", _ESCAPES),
        ("postgresql://u:p@canary?x@h/d", _ESCAPES),
        ("postgresql://u/x:canary@h/d", _ESCAPES),
        ("postgresql://u@s:p@canary@h/d", _ESCAPES),
        ("postgresql://u@::1:5432/d", _BRACKETS),
        ("postgresql://u@::1/d", _BRACKETS),
        ("postgresql://u:canary@[::1/d", _BRACKETS),
        ("postgresql://u:canary@[::1]x:5432/d", _BRACKETS),
        ("postgresql://u:canary@h:port/d", _PORT),
        ("postgresql://u:canary@h:0/d", _PORT),
        ("postgresql://u:canary@h:/d", _PORT),
        ("postgresql://u:canary@[::1]:70000", _PORT),
        ("postgresql://u:canary@h:5432 /d", _PORT),
        ("postgresql://u:p@canary/d?a=b@h/d", _ESCAPES),
        ("postgresql://u:p@canary/d?host=b@h", _ESCAPES),
        ("postgresql://u:canary%@h/d", "a % in it escapes nothing; write % itself as %25"),
        ("postgresql://u:canary%4@h/d", "a % in it escapes nothing"),
        ("postgresql://u:canary%zz@h/d", "a % in it escapes nothing"),
        ("postgresql://u:canary%ff@h/d", "its escapes are no UTF-8"),
        ("postgresql://u:can\tary@h/d", "a control character stands in it"),
        ("postgresql://u:p@h/d?canary=1", "an option behind its ? is none of PostgreSQL's"),
        ("postgresql://u:p@h/d?plugin=canary", "an option behind its ? is none of PostgreSQL's"),
        ("postgresql://u:p@canary..b/d", "its host is no name and no address"),
        ("postgresql://u:canary@300.1.1.1:5432/d", "its host is no name and no address"),
        ("postgresql://u:canary@%2Frun/d", "its host is no name and no address"),
        ("postgresql://u:canary@h1:5432,h2:5432/d", "several hosts; write postgresql://user:"),
    ],
)
def test_a_url_that_cannot_be_used_says_why(url: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"database_url": url})
    assert caught.value.message.startswith(f"Wrong settings: SALES_DATABASE_URL: {said}")
    assert "canary" not in str(caught.value)


# By SQLAlchemy, which shows for each what it is sent to.
@pytest.mark.parametrize(
    ("url", "user", "password", "host", "port"),
    [
        ("postgresql://u:p@h:5433/d", "u", "p", "h", 5433),
        ("postgres://u:p@h/d", "u", "p", "h", None),
        ("postgresql+psycopg2://u:p@h/d", "u", "p", "h", None),
        ("postgresql://u:p%40ss%2Fw%23rd@h/d", "u", "p@ss/w#rd", "h", None),
        ("postgresql://u:p/s?s#w:rd@h/d", "u", "p/s?s#w:rd", "h", None),
        ("postgresql://admin@server:p@h/d", "admin@server", "p", "h", None),
        ("postgresql://u%3Aw:p@h/d", "u:w", "p", "h", None),
        ("postgresql://u@[::1]:5432/d", "u", None, "::1", 5432),
        ("postgresql://u@[fe80::1%25eth0]/d", "u", None, "fe80::1%eth0", None),
        ("postgresql:///d?host=/run/postgresql&user=u", None, None, None, None),
        ("postgresql://u:p@/d?host=a:1&host=b:2", "u", "p", None, None),
        ("postgresql://u:p@/d?host=@abstract", "u", "p", None, None),
        ("postgresql://u:p@h/d?options=-csearch_path%3Dx", "u", "p", "h", None),
        ("postgresql://u:p%40@h/d?sslmode=require&host=x", "u", "p@", "h", None),
        ("postgresql://h", None, None, "h", None),
    ],
)
def test_a_url_that_can_be_used_stays_as_it_is(
    url: str, user: str | None, password: str | None, host: str | None, port: int | None
) -> None:
    given = load_settings({"database_url": url}).chosen_database_url().get_secret_value()
    assert given == url
    read = with_psycopg2(given)
    assert (read.username, read.password, read.host, read.port) == (user, password, host, port)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("[::1]:38111", "not a host alone; a port goes to SALES_DB_PORT"),
        ("canary:5432", "a port goes to SALES_DB_PORT"),
        ("::1]", "not a host alone"),
        ("[::1", "not a host alone"),
        ("[canary]", "not a host alone"),
        ("u:canary@h", "not a host alone"),
        ("canary@h", "not a host alone"),
        ("h/canary", "not a host alone"),
        (" canary", "it holds a blank"),
        ("'canary'", "a quote"),
        ("postgresql://u:canary@h/d", "a URL, which goes to SALES_DATABASE_URL"),
        ("h,canary:5432", "a port goes to SALES_DB_PORT"),
        ("canary..b", "no name and no address of a host"),
        ("-canary", "no name and no address of a host"),
        ("h,300.1.1.1", "no name and no address of a host"),
        ("h\\canary", "not a host alone"),
    ],
)
def test_a_host_is_a_host_alone(host: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DB_HOST", host)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.message.startswith("Wrong settings: SALES_DB_HOST: ")
    assert said in caught.value.message
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["shop", "my shop", "a/b", "a?b=c", "a#b", "a@b", "100%", "%41", "ü", "a&b", "a'b", "a+b"],
)
@pytest.mark.parametrize("host", ["h", "::1", "/run/postgresql", "@abstract"])
def test_the_name_of_a_database_is_what_libpq_gets(host: str, name: str) -> None:
    password = "p@/#?%&: w"
    settings = load_settings({"db_name": name, "db_host": host, "db_password": password})
    url = with_psycopg2(settings.chosen_database_url().get_secret_value())
    _, given = url.get_dialect()().create_connect_args(url)
    assert {key: str(value) for key, value in given.items()} == {
        "host": host,
        "port": "5432",
        "user": "myuser",
        "password": password,
        "dbname": name,
    }


@pytest.mark.parametrize(
    "host", ["h1,h2", "::1,h2", "@abstract", "db_1.internal", "/var/run/my db"]
)
def test_other_hosts_of_libpq_stay(host: str) -> None:
    assert load_settings({"db_host": host}).db_host == host


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("db_user", "u:canary", "not a user alone; the password goes to SALES_DB_PASSWORD"),
        ("db_user", "postgresql://u:canary@h/d", "a URL, which goes to SALES_DATABASE_URL"),
        ("db_user", "canary\n", "a control character stands in it"),
        ("db_user", 11 * "canary", "longer than 63 bytes"),
        ("db_name", "postgresql://u:canary@h/d", "a URL, which goes to SALES_DATABASE_URL"),
        ("db_name", "canary\tx", "a control character stands in it"),
        ("db_name", "canary\x7f", "a control character stands in it"),
        ("db_name", 30 * "ü" + "canary", "longer than 63 bytes"),
        ("db_name", "  ", "a name of blanks alone"),
    ],
)
def test_a_name_that_postgresql_does_not_have_says_why(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({name: value})
    assert caught.value.message.startswith(f"Wrong settings: SALES_{name.upper()}: {said}")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("user", ["admin@server", "DOMAIN/user", "über user", 63 * "u"])
def test_other_users_stay(user: str) -> None:
    settings = load_settings({"db_user": user})
    assert with_psycopg2(settings.chosen_database_url().get_secret_value()).username == user
