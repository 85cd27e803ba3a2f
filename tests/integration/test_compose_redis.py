"""The Redis service of docker-compose.yml, started by its own command line."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ConnectionError  # noqa: A004

from console.stack.processes import free_port
from console.stack.redis import find_redis
from tests.support.compose import compose_command, compose_environment

PASSWORD = "s3cret.-_~"


def test_redis_asks_for_the_password_and_shows_it_to_nobody(tmp_path: Path) -> None:
    shell, option, script = compose_command("redis")
    assert compose_environment("redis") == {"REDISCLI_AUTH": "mypassword"}
    port = free_port()
    # Redis would write its title over the command line that `ps` shows.
    binary = f"{find_redis()} --set-proc-title no --port {port} --dir {tmp_path}"
    script = script.replace("redis-server", binary, 1)
    server = subprocess.Popen(
        [shell, option, script],
        env={"REDISCLI_AUTH": PASSWORD, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
    )
    try:
        with Redis(port=port, password=PASSWORD, decode_responses=True) as client:
            _wait_for(client)
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        with Redis(port=port) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
        # `exec`: the server itself gets Docker's signals, and no shell holds the script.
        assert psutil.Process(server.pid).children() == []
        assert PASSWORD not in " ".join(psutil.Process(server.pid).cmdline())
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        assert not any(PASSWORD.encode() in content for content in files)
    finally:
        server.terminate()
        assert server.wait(10) == 0


def _wait_for(client: Redis) -> None:
    for _ in range(100):
        try:
            client.ping()
            return
        except ConnectionError:
            time.sleep(0.05)
    client.ping()
