#!/usr/bin/env bash
#
# One would guess: what a program sets last, in code, wins: a broker assigned to app.conf is the
# broker. Variables of the environment are defaults at most.
# What happens: CELERY_BROKER_URL, set by anybody for any program of that shell or container, wins over
# Celery(broker=...), over config_from_object and even over a later assignment to app.conf. So do
# CELERY_BROKER_READ_URL and CELERY_BROKER_WRITE_URL for their half.
# Why it matters: two services that share an environment file share a broker without a word; with the
# write variable alone, workers listen at one broker and their tasks go to another.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet "celery[redis]==5.7.0" redis==8.1.0

cat >seen.py <<'END'
import os
import subprocess
import sys
from importlib.metadata import version

PROGRAM = """
from celery import Celery
app = Celery("seen", broker="redis://in-code")
app.conf.update(broker_url="redis://in-code")
app.conf.broker_url = "redis://in-code"
reads, writes = app.connection_for_read(), app.connection_for_write()
print("  conf", app.conf.broker_url, "- reads from", reads.hostname, "- writes to", writes.hostname)
"""
KNOWN = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL")
print("celery", version("celery"))
clean = {name: value for name, value in os.environ.items() if name not in KNOWN}
for name in (None, *KNOWN):
    print(name or "nothing in the environment", flush=True)
    stray = {name: "redis://environment"} if name else {}
    subprocess.run([sys.executable, "-c", PROGRAM], env=clean | stray, check=True)
END

cat >expected.txt <<'END'
celery 5.7.0
nothing in the environment
  conf redis://in-code - reads from in-code - writes to in-code
CELERY_BROKER_URL
  conf redis://environment - reads from environment - writes to environment
CELERY_BROKER_READ_URL
  conf redis://in-code - reads from environment - writes to in-code
CELERY_BROKER_WRITE_URL
  conf redis://in-code - reads from in-code - writes to environment
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
