"""Many threads decode a struct of which nothing is known yet; each time in a new process."""

from __future__ import annotations

import subprocess
import sys

from pipeline_core.messages import to_json
from tests.support.ledgers import receipt_of

_FIRST_DECODED = """
import sys
from threading import Barrier, Thread
import msgspec
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import Receipt

sys.setswitchinterval(1e-6)
text = sys.stdin.buffer.read()
begin, found = Barrier(8), []

def decode():
    begin.wait()
    found.append(msgspec.json.decode(text, type=known(Receipt)))

threads = [Thread(target=decode) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(len(found))
"""


def test_a_struct_that_many_threads_decode_first_ends_no_process() -> None:
    command, text = [sys.executable, "-c", _FIRST_DECODED], to_json(receipt_of("00000"))
    for _ in range(20):
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=False)
        assert (done.returncode, done.stdout) == (0, b"8\n")
