#!/usr/bin/env python3
"""Writes the versions of build.txt and dev.txt into pyproject.toml, where uv looks for them."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = {
    "build-constraint-dependencies": "build.txt",
    "constraint-dependencies": "dev.txt",
}


def pins(locked: str) -> list[str]:
    """The requirements of a locked file, with their markers and without their hashes."""
    lines = locked.replace("\\\n", "").splitlines()
    return [re.split(r"\s+--hash=", line)[0].strip() for line in lines if line.strip()]


def with_pins(project: str, key: str, pinned: list[str]) -> str:
    """The text of pyproject.toml with ``pinned`` as the array ``key``, one requirement a line."""
    lines = "".join(f'  "{requirement}",\n' for requirement in pinned)
    text, found = re.subn(rf"(?m)^{key} = \[(\n  .*)*\n?\]$", f"{key} = [\n{lines}]", project)
    if found != 1:
        raise SystemExit(f"pyproject.toml has {found} arrays {key}, and not one.")
    return text


def main() -> None:
    """Renew both arrays; nothing else of the file changes."""
    path = HERE.parent / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    for key, name in TABLES.items():
        text = with_pins(text, key, pins((HERE / name).read_text(encoding="utf-8")))
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
