"""The servers of a fleet of hosts: ``python -m tests.support.host_servers INIT.SQL…``, on a host.

Says where they are, as a line of JSON, and stops them when its standard input ends.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from moto.server import ThreadedMotoServer

from console.stack.postgres import PostgresServer
from console.stack.processes import HOST
from console.stack.redis import RedisServer
from tests.support.s3 import one_write_at_a_time

EVERYWHERE = "0.0.0.0"  # noqa: S104  (of a network that nobody else is on)
S3_PORT = 5000


class _Postgres(PostgresServer):
    """One that other hosts reach."""

    def _command(self) -> Sequence[str | Path]:
        return [EVERYWHERE if part == HOST else part for part in super()._command()]

    def _launch_on_free_port(self) -> None:
        with (self.home / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet scram-sha-256\n")
        super()._launch_on_free_port()


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = ThreadedMotoServer(ip_address=EVERYWHERE, port=S3_PORT)
    with redirect_stdout(sys.stderr):  # it tells people that it starts
        store.start()
    one_write_at_a_time(store)
    scripts = [Path(name) for name in sys.argv[1:]]
    with (
        RedisServer(config=[f"bind {EVERYWHERE}"]) as redis,
        _Postgres(init_sql=scripts) as postgres,
    ):
        told = {"redis": redis.url, "redis_pid": redis.pid, "postgres": postgres.url}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    store.stop()


if __name__ == "__main__":
    main()
