"""Where it is measured, and with what."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.contenders import PEER_PYTHON
from bench.results import Machine

_OURS = ("celery", "deflate", "msgspec", "numpy", "pandas", "pyarrow")
_PEERS = ("dask", "duckdb", "polars", "pyspark")
_ASK_PEERS = f"""
from importlib.metadata import PackageNotFoundError, version
for name in {_PEERS!r}:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        pass
"""
_PROGRAMS = {"java": ("java", "-version"), "c++": ("c++", "--version")}
_NUMBER = re.compile(r"\d+(\.\d+)+")


def look_around() -> Machine:
    """This machine as it is now."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        versions={"python": platform.python_version(), **_packages(), **_programs()},
        load=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _packages() -> dict[str, str]:
    found = {name: version(name) for name in _OURS}
    if PEER_PYTHON.is_file():
        for line in _output(str(PEER_PYTHON), "-c", _ASK_PEERS).splitlines():
            name, _, number = line.partition(" ")
            found[name] = number
    return found


def _programs() -> dict[str, str]:
    found = {}
    for name, command in _PROGRAMS.items():
        if shutil.which(name) and (number := _NUMBER.search(_output(*command))):
            found[name] = number[0]
    return found


def _output(*command: str) -> str:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout
