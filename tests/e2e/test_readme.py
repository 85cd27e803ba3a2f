"""The README's own lines, copied as they stand; only addresses become the throw-away ones."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from console.command import cli
from console.stack import Stack
from console.stack.postgres import find_postgres
from tests.conftest import PROJECT
from tests.processes import eventually

README = (PROJECT / "README.md").read_text()


def _block(heading: str) -> list[str]:
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return [line.partition("#")[0].strip() for line in found[1].splitlines()]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the lines need of a checkout, in a folder where they may write."""
    shutil.copytree(PROJECT / "sql", tmp_path / "sql")
    shutil.copy(PROJECT / "data_generator.py", tmp_path)
    return tmp_path


def test_two_commands_are_make_targets() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for line in _block("Two commands"):
        assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE), line


def test_every_command_is_documented() -> None:
    text = README + (PROJECT / "docs" / "operations.md").read_text()
    for name in cli.commands:
        assert name in text, name


def test_celery_lines_work_as_they_stand(stack: Stack, checkout: Path) -> None:
    binaries = [str(Path(sys.executable).parent), *map(str, find_postgres())]
    env = {
        **os.environ,
        "PATH": os.pathsep.join([*binaries, os.environ["PATH"]]),
        "SALES_DATABASE_URL": stack.postgres.url,
        "PYTHONPATH": str(PROJECT),
    }
    database = stack.postgres.url.replace("+psycopg2", "")
    with ExitStack() as running:
        for line in _block("Every day, with Celery"):
            line = re.sub(r"postgresql://\S+", database, line)
            line = line.replace("redis://localhost:6379/0", stack.redis.url)
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                env[name] = value
            elif line.startswith("celery "):
                log = checkout / f"{line.split()[3]}.log"
                command = shlex.split(line)
                if "flower" in command:
                    command.append("--port=0")  # 5555 may be taken where tests run
                output = running.enter_context(log.open("wb"))
                process = subprocess.Popen(
                    command, cwd=checkout, env=env, stdout=output, stderr=output
                )
                running.callback(process.wait, 30)
                running.callback(process.terminate)
                word = {"worker": b"ready", "beat": b"Starting", "flower": b"Visit me"}
                expected = word[command[3]]
                eventually(lambda log=log, e=expected: e in log.read_bytes(), line)  # type: ignore[misc]
            else:
                done = subprocess.run(
                    shlex.split(line),
                    cwd=checkout,
                    env=env,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=120,
                )
                assert done.returncode == 0, line + done.stdout + done.stderr
    report = (checkout / "reports" / "sales_report.csv").read_text()
    assert report.startswith("category,customer_segment,total_revenue,units_sold,unique_customers")
    assert report.count("\n") > 10


def test_local_line_works(checkout: Path) -> None:
    from tests.archives import archive_zip, day_zip, part, purchase, write_shop

    day = day_zip({"part-001.json": part([purchase()])})
    shop = write_shop(checkout / "shop", {"w.zip": archive_zip({"events_2024-03-01.zip": day})})
    (line,) = _block("On your own data")
    line = line.replace("path/to/archives", str(shop.data)).replace(
        "path/to/folder", str(shop.dimensions)
    )
    command = [sys.executable, "-m", "console.command", *shlex.split(line)[1:]]
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=checkout, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (checkout / "reports" / "latest" / "sales_report.csv").is_file()
