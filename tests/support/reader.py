"""Somebody who pastes a document's blocks into a shell, one after the other."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Self

from tests.support.documents import Block
from tests.support.processes import eventually

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
        self._running: list[subprocess.Popen[bytes]] = []
        self._beginning: dict[str, Path] = {}  # lines that may not have begun, and their logs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)

    def follow(self, block: Block) -> str:
        """What the block printed; lines that keep running go on until the document's end."""
        text = block.text
        for shown, real in self._addresses.items():
            text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", real.replace("\\", r"\\"), text)
        said, here = "", ""
        for line in text.splitlines():
            if line.startswith(_KEEP_RUNNING):
                said += self._paste(here, 0) if here else ""
                here = ""
                self._start(line)
            else:
                here += line + "\n"
        return said + self._paste(here, block.code)

    def _paste(self, text: str, code: int) -> str:
        for line, log in self._beginning.items():
            eventually(partial(_has_begun, log), line)
        self._beginning.clear()
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
        log = self._checkout / f"{line.rsplit(maxsplit=1)[-1]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"{self._prelude}exec {line}"],
                cwd=self._checkout,
                env=self._env,
                stdout=output,
                stderr=output,
            )
        self._running.append(process)
        self._beginning[line] = log


def _has_begun(log: Path) -> bool:
    return _BEGUN[log.stem] in log.read_text()
