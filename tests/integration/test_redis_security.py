"""The broker: TLS that is checked, a user who may do little, and no pickles."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from console.doctor.servers import check_broker
from console.stack import RedisServer, Stack
from pipeline_core.settings import load_settings
from tests.support import PROJECT
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, sales_pipeline
from tests.support.tls import TlsRedis, speaks_tls, tls_proxy, tls_server
from workers.sending.broker_tls import tls_mismatch

WEEK = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part([purchase(quantity=3)])})})


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return write_shop(tmp_path / "shop", {"week.zip": WEEK})


@pytest.fixture(params=["server", "proxy"])
def encrypted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TlsRedis]:
    """A real Redis with TLS, if this machine has one; and TLS in front of one without."""
    if request.param == "proxy":
        with RedisServer() as redis, tls_proxy(redis, tmp_path) as found:
            yield found
    elif not speaks_tls():
        pytest.skip("the Redis of this machine was built without TLS; the proxy's test stands in")
    else:
        with tls_server(tmp_path) as found:
            yield found


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_url_that_is_wrong_about_tls_is_told(
    encrypted: TlsRedis, stack: Stack, is_encrypted: bool
) -> None:
    right = encrypted.url if is_encrypted else stack.redis.url
    scheme, other = ("rediss:", "redis:") if is_encrypted else ("redis:", "rediss:")
    assert tls_mismatch(right) is None
    wrong = right.replace(scheme, other)
    found = check_broker(load_settings({"broker_url": wrong}))
    assert ("speaks TLS" if is_encrypted else "speaks no TLS") in found.found
    assert f"Begin SALES_BROKER_URL with {scheme}//" in found.remedy


@pytest.mark.parametrize("setting", ["SALES_BROKER_URL", "SALES_RESULT_BACKEND"])
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_command_and_worker_say_it_at_their_start(
    encrypted: TlsRedis,
    stack: Stack,
    shop: Shop,
    tmp_path: Path,
    setting: str,
    is_encrypted: bool,
) -> None:
    env = environment(stack, shop, tmp_path, SALES_REDIS_CA=str(encrypted.ca))
    right, scheme, other = (
        (encrypted.url, "rediss:", "redis:")
        if is_encrypted
        else (stack.redis.url, "redis:", "rediss:")
    )
    env |= {"SALES_BROKER_URL": stack.redis.url, setting: right.replace(scheme, other)}
    whose = "The broker's" if setting == "SALES_BROKER_URL" else "The result store's"
    worker = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "workers", "worker"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    for done in sales_pipeline("run", "--engine", "celery", env=env), worker:
        assert done.returncode == 2, done.stderr
        assert f"{whose} port " in done.stderr
        assert f"Begin {setting} with {scheme}//" in done.stderr
        assert "Traceback" not in done.stderr


def test_nobody_there_is_no_matter_of_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert tls_mismatch(f"rediss://127.0.0.1:{port}/0") is None
    assert tls_mismatch(f"redis://127.0.0.1:{port}/0") is None


def test_a_run_over_tls(encrypted: TlsRedis, stack: Stack, shop: Shop, tmp_path: Path) -> None:
    env = environment(stack, shop, tmp_path, SALES_REDIS_CA=str(encrypted.ca))
    env["SALES_BROKER_URL"] = encrypted.url
    with celery("worker", "--concurrency=1", env=env, log=tmp_path / "worker.log"):
        done = sales_pipeline("run", "--json", env=env)
        doctor = sales_pipeline("doctor", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["units_sold"] == 3
    states = {check["name"]: check["state"] for check in json.loads(doctor.stdout)}
    assert (states["broker"], states["workers"], states["clock"]) == ("ok", "ok", "ok")


def test_an_unknown_authority_is_refused(
    encrypted: TlsRedis, stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    env = environment(stack, shop, tmp_path, SALES_WORKER_WAIT="1")
    env["SALES_BROKER_URL"] = encrypted.url
    done = sales_pipeline("run", env=env)
    assert done.returncode == 2
    assert "certificate verify failed" in done.stderr
    assert "SALES_REDIS_CA" in done.stderr
    assert "trying_again" not in done.stderr
    assert "Traceback" not in done.stderr
    assert encrypted.url not in done.stderr
    doctor = sales_pipeline("doctor", "--json", env=env)
    checks = {check["name"]: check for check in json.loads(doctor.stdout)}
    assert checks["broker"]["state"] == "failed"
    assert "certificate verify failed" in checks["broker"]["found"]


def test_an_unknown_authority_of_the_result_store_is_refused(
    encrypted: TlsRedis, stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    env = environment(stack, shop, tmp_path)
    with celery("worker", "--concurrency=1", env=env, log=tmp_path / "worker.log"):
        done = sales_pipeline("run", env=env | {"SALES_RESULT_BACKEND": encrypted.url})
    assert done.returncode == 2
    assert "The result store and this machine agree on no TLS: " in done.stderr
    assert "certificate verify failed" in done.stderr
    assert "SALES_RESULT_BACKEND" in done.stderr
    assert "Traceback" not in done.stderr
    assert encrypted.url not in done.stderr


def test_another_name_in_the_certificate_is_refused(
    encrypted: TlsRedis, stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    ca = str(encrypted.ca)
    env = environment(stack, shop, tmp_path, SALES_REDIS_CA=ca, SALES_WORKER_WAIT="1")
    env["SALES_BROKER_URL"] = encrypted.url.replace("127.0.0.1", "localhost")
    done = sales_pipeline("run", env=env)
    assert done.returncode == 2
    assert "certificate verify failed" in done.stderr


def test_plain_text_is_not_understood(encrypted: TlsRedis) -> None:
    with socket.create_connection(("127.0.0.1", encrypted.port), timeout=5) as plain:
        plain.sendall(b"PING\r\n")
        answer = b""
        with suppress(ConnectionResetError):
            answer = plain.recv(100)
        assert b"PONG" not in answer


@pytest.mark.parametrize(
    "query", ["ssl_cert_reqs=none", "ssl%5Fcert%5Freqs=CERT_NONE", "ssl_check_hostname=false"]
)
@pytest.mark.parametrize("name", ["SALES_BROKER_URL", "SALES_RESULT_BACKEND"])
def test_certificates_cannot_be_left_unchecked(
    stack: Stack, shop: Shop, tmp_path: Path, name: str, query: str
) -> None:
    env = environment(stack, shop, tmp_path)
    env[name] = f"rediss://:hidden@127.0.0.1:1/0?{query}"
    done = sales_pipeline("run", env=env)
    assert done.returncode == 2
    assert "SALES_REDIS_CA" in done.stderr
    assert "hidden" not in done.stderr


@pytest.mark.parametrize("mark", "/?#[")
@pytest.mark.parametrize("name", ["SALES_BROKER_URL", "SALES_RESULT_BACKEND"])
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_password_that_breaks_the_url_is_not_shown(
    stack: Stack, shop: Shop, tmp_path: Path, command: str, name: str, mark: str
) -> None:
    env = environment(stack, shop, tmp_path)
    env[name] = f"redis://:hidden{mark}word@127.0.0.1:1/0"
    done = sales_pipeline(command, env=env)
    assert done.returncode == 2
    assert name in done.stderr
    assert "hidden" not in done.stdout + done.stderr


def test_a_user_of_least_privilege_is_enough(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    password, file = "only-for-sales", tmp_path / "users.acl"
    redis = RedisServer(config=[f"aclfile {file}"])
    digest = hashlib.sha256(password.encode()).hexdigest()
    acl = (PROJECT / "ops" / "redis" / "users.acl").read_text()
    assert acl.startswith("user default off\n")
    # The test's server looks after itself as the default user.
    acl = acl.replace("user default off", f"user default on >{redis.password} ~* &* +@all")
    file.write_text(acl.replace("REPLACE_BY_SHA256_OF_THE_PASSWORD", digest))
    with redis:
        env = environment(stack, shop, tmp_path)
        url = redis.url.replace(f":{redis.password}@", f"sales:{password}@")
        env["SALES_BROKER_URL"] = url
        with celery("worker", "--concurrency=2", env=env, log=tmp_path / "worker.log"):
            done = sales_pipeline("run", "--json", env=env)
            doctor = sales_pipeline("doctor", "--json", env=env)
        assert done.returncode == 0, done.stderr + (tmp_path / "worker.log").read_text()
        states = {check["name"]: check["state"] for check in json.loads(doctor.stdout)}
        assert (states["broker"], states["workers"], states["clock"]) == ("ok", "ok", "ok")
        with Redis.from_url(url) as client:
            for forbidden in ("FLUSHALL", "CONFIG GET *", "KEYS *", "SHUTDOWN", "ACL LIST"):
                with pytest.raises(NoPermissionError):
                    client.execute_command(forbidden)


def test_a_pickle_is_not_opened(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (trap,)  # type: ignore[return-value]

    body = base64.b64encode(pickle.dumps(([Trap()], {}, {}))).decode()
    message = {
        "body": body,
        "content-encoding": "binary",
        "content-type": "application/x-python-serialize",
        "headers": {"lang": "py", "task": "workers.start_run", "id": "trap", "argsrepr": ""},
        "properties": {
            "body_encoding": "base64",
            "correlation_id": "trap",
            "delivery_info": {"exchange": "", "routing_key": "celery"},
            "delivery_mode": 2,
            "delivery_tag": "trap",
            "priority": 0,
        },
    }
    pickle.loads(base64.b64decode(body))  # noqa: S301  (the trap works)
    assert trap.exists()
    trap.unlink()
    with RedisServer() as redis:
        env = environment(stack, shop, tmp_path)
        env["SALES_BROKER_URL"] = redis.url
        log = tmp_path / "worker.log"
        with Redis.from_url(redis.url) as client:
            client.lpush("celery", json.dumps(message))
        with celery("worker", "--concurrency=1", env=env, log=log):
            eventually(lambda: b"message_refused" in log.read_bytes(), "the refusal")
            done = sales_pipeline("run", "--quiet", env=env)
        assert done.returncode == 0, done.stderr
    assert not trap.exists()
