"""A throw-away PostgreSQL and Redis for the demo and the tests: real servers, no installation.

Both listen on free loopback ports, ask for a generated password, keep everything in one temporary
folder, and are gone with the process that started them, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.stack.postgres import PostgresServer
from console.stack.processes import GuardedFolder, StackError
from console.stack.redis import RedisServer

__all__ = ["PostgresServer", "RedisServer", "Stack", "StackError", "throwaway_stack"]


@dataclass(frozen=True)
class Stack:
    """Two running servers and the temporary folder that holds them and may hold more."""

    postgres: PostgresServer
    redis: RedisServer
    folder: Path


@contextmanager
def throwaway_stack(init_sql: Sequence[Path] = ()) -> Iterator[Stack]:
    """Start PostgreSQL, filled from the `init_sql` files, and Redis; remove both at the end.

    Raises StackError, with the last log lines and the remedy, when either does not start.
    """
    with closing(GuardedFolder()) as folder:
        postgres = PostgresServer(init_sql=init_sql, folder=folder)
        redis = RedisServer(folder=folder)
        with ThreadPoolExecutor(max_workers=2) as pool:
            first, second = pool.submit(postgres.start), pool.submit(redis.start)
        first.result()
        second.result()
        yield Stack(postgres, redis, folder.path)
