"""What every script in findings/ has; none is run here, because they install packages."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support import PROJECT

FINDINGS = sorted((PROJECT / "findings").glob("*.sh"))


@pytest.mark.parametrize("script", FINDINGS, ids=lambda script: script.stem)
def test_a_finding_is_told_pinned_and_alone(script: Path) -> None:
    text = script.read_text()
    assert os.access(script, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    for part in ("# One would guess: ", "# What happens: ", "# Why it matters: "):
        assert part in text
    [installed] = re.findall(r"pip install --quiet --quiet (.+)", text)
    assert all(re.fullmatch(r"[\w\[\].-]+==[\w.]+", name) for name in shlex.split(installed))
    assert not re.search(r"pipeline_core|sales.pipeline|\bconsole\b|\bworkers\.", text)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_list_of_findings_is_whole() -> None:
    readme = (PROJECT / "findings" / "README.md").read_text()
    assert re.findall(r"(?m)^\| `(\S+\.sh)` \|", readme) == [path.name for path in FINDINGS]
