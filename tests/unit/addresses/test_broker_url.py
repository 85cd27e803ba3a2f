"""SALES_BROKER_URL and SALES_RESULT_BACKEND: what is refused says why, and is not shown."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from redis import Redis

from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings

_ESCAPES = "not a URL; write / ? # [ ] @ of the password as %2F %3F %23 %5B %5D %40"
_OPTIONS = "options behind ? or # are not supported"
_SEVERAL = "several servers are not supported"


@pytest.mark.parametrize("name", ["broker_url", "result_backend"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("canary:6379", "not a URL; write redis://:password@host:6379/0"),
        ("redis:/canary", "not a URL"),
        ("amqp://u:canary@h", "not of Redis; write redis://"),
        ("unix:///canary", "not of Redis"),
        ("redis+socket:///canary", "not of Redis"),
        ("REDISS://:canary@h", "not of Redis"),
        ("sentinel://:canary@h:26379", "Redis Sentinel is not supported"),
        ("sentinel://h:26379/canary;sentinel://i:26379", "Redis Sentinel is not supported"),
        ("'redis://:canary@h'", "blanks or quotes stand around it"),
        ('"redis://:canary@h"', "blanks or quotes stand around it"),
        (" redis://:canary@h", "blanks or quotes stand around it"),
        ("redis://:can ary@h", "a blank stands in it"),
        ("redis://:canary\n@h", "a blank stands in it"),
        ("redis://:can\0ary@h", "a control character stands in it"),
        ("redis://:p@canary@h/0", _ESCAPES),
        ("redis://:p@canary/x@h/0", _ESCAPES),
        ("redis://:p@canary?x@h/0", _ESCAPES),
        ("redis://:p@canary#x@h/0", _ESCAPES),
        ("redis://:p/canary@h/0", _ESCAPES),
        ("redis://:p?canary@h/0", _ESCAPES),
        ("redis://:p#canary@h/0", _ESCAPES),
        ("redis://:p[canary@h/0", _ESCAPES),
        ("redis://:canary%@h/0", "a % in it escapes nothing; write % itself as %25"),
        ("redis://:canary%4g@h/0", "a % in it escapes nothing"),
        ("redis://:canary%e4@h/0", "its escapes are no UTF-8"),
        ("redis://:canary;x@h/0", _SEVERAL),
        ("redis://:canary@h;redis://i", _SEVERAL),
        ("redis://:canary@h,i/0", _SEVERAL),
        ("redis://:canary@h:0/0", "the port is no number from 1 to 65535"),
        ("redis://:canary@h:/0", "the port is no number from 1 to 65535"),
        ("redis://:canary@h:65536/0", "the port is no number from 1 to 65535"),
        ("redis://", "there is no host in it; write redis://:password@host:6379/0"),
        ("redis:///0", "there is no host in it"),
        ("redis://:canary@", "there is no host in it"),
        ("redis://:canary@:6379/0", "there is no host in it"),
        ("redis://:canary@a..b/0", "its host is no name and no address"),
        ("redis://:canary@300.1.1.1/0", "its host is no name and no address"),
        ("redis://:canary@h:port/0", "its host or its port is none"),
        ("redis://:canary@[::zz]/0", "what stands in brackets is no IPv6 address"),
        ("redis://:canary@::1/0", "its host or its port is none"),
        ("redis://h/canary", "its database is no number"),
        ("redis://h/0/canary", "its database is no number"),
        ("redis://h/-1", "its database is no number"),
        ("redis://h/0?canary=1", _OPTIONS),
        ("redis://h/0?db=1", _OPTIONS),
        ("redis://h/0#canary", _OPTIONS),
    ],
)
def test_a_url_that_cannot_be_used_says_why(name: str, url: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({name: url})
    assert caught.value.message.startswith(f"Wrong settings: SALES_{name.upper()}: {said}")
    assert "canary" not in str(caught.value)


# By the clients, which are to take it for the same.
@pytest.mark.parametrize(
    ("url", "password", "host", "port", "database"),
    [
        ("redis://localhost:6379/0", None, "localhost", 6379, 0),
        ("redis://:p%40%2F%23%3F%25w@h:1/2", "p@/#?%w", "h", 1, 2),
        ("rediss://u:a:b@my_redis.example.:1", "a:b", "my_redis.example.", 1, 0),
        ("redis://:p@[::1]:1/15", "p", "::1", 1, 15),
        ("redis://:p@h:1//", "p", "h", 1, 0),
    ],
)
def test_a_url_that_can_be_used_is_the_same_for_every_client(
    url: str, password: str | None, host: str, port: int, database: int
) -> None:
    loaded = load_settings({"broker_url": url, "result_backend": url})
    assert loaded.broker_url is not None
    assert loaded.broker_url.get_secret_value() == url
    connection: Any = import_module("kombu").Connection  # has no types
    with connection(url) as broker:
        found = (broker.password, broker.hostname, broker.port)
        assert found == (password, host, port)
        assert int(str(broker.virtual_host).strip("/") or 0) == database
    with Redis.from_url(url) as client:
        given = client.connection_pool.connection_kwargs
    assert (given.get("password"), given["host"], given["port"]) == (password, host, port)
    assert given.get("db", 0) == database
