"""Somebody who pastes a document's blocks into a shell, one after the other."""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.documents import Block
from tests.processes import eventually

_KEEP_RUNNING = ("celery ", "sales-pipeline serve")
# What says that a line which keeps running has begun.
_BEGUN = {"worker": "ready", "beat": "Starting", "flower": "Visit me", "serve": "http://"}


class Reader:
    """Pastes block after block of one document into a shell in a checkout."""

    def __init__(self, checkout: Path, env: dict[str, str], addresses: dict[str, str]) -> None:
        self._checkout = checkout
        self._env = env
        self._addresses = addresses
        self._prelude = ""  # what the shell still knows of earlier blocks
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def follow(self, block: Block) -> str:
        """What the block printed; lines that keep running go on until the document's end."""
        text = block.text
        for shown, real in self._addresses.items():
            text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", real.replace("\\", r"\\"), text)
        said, here = "", ""
        for line in text.splitlines():
            if line.startswith(_KEEP_RUNNING):
                said += self._paste(here, 0)
                here = ""
                self._start(line)
            else:
                here += line + "\n"
        return said + self._paste(here, block.code)

    def _paste(self, text: str, code: int) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._prelude + text],
            cwd=self._checkout,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, f"{text}{done.stdout}{done.stderr}"
        kept = [each for each in text.splitlines() if each.startswith(("export ", ". "))]
        self._prelude += "".join(f"{each}\n" for each in kept)
        return done.stdout

    def _start(self, line: str) -> None:
        name = line.rsplit(maxsplit=1)[-1]
        log = self._checkout / f"{name}.log"
        output = self._running.enter_context(log.open("wb"))
        process = subprocess.Popen(
            ["bash", "-c", f"{self._prelude}exec {line}"],
            cwd=self._checkout,
            env=self._env,
            stdout=output,
            stderr=output,
        )
        self._running.callback(process.wait, 30)
        self._running.callback(process.terminate)
        eventually(lambda: _BEGUN[name] in log.read_text(), line)
