"""Whoever imports us, a notebook or a test, keeps the process that they had."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Mapping

import pytest

import pipeline_core

# What of a process one can look at, as JSON; libraries that change it themselves come first.
_LOOK = """
import csv, decimal, gc, json, locale, logging, multiprocessing, os, random, signal, sys
import threading, warnings
import numpy, openlineage.client, pandas, pyarrow, pyarrow.parquet, sqlalchemy, structlog

def look():
    return {
        "environment": dict(os.environ),
        "hidden modules": [name for name, module in sys.modules.items() if module is None],
        "finders": [repr(finder) for finder in sys.meta_path],
        "path": list(sys.path),
        "collector": [gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(), gc.get_debug()],
        "log": [repr(logging.root.handlers), logging.root.level, logging.root.manager.disable],
        "structlog": structlog.is_configured(),
        "signals": [repr(signal.getsignal(each)) for each in sorted(signal.valid_signals())],
        "timers": signal.getitimer(signal.ITIMER_REAL),
        "warnings": [repr(each) for each in warnings.filters],
        "hooks": list(map(repr, (sys.unraisablehook, sys.excepthook, threading.excepthook))),
        "threads": [each.name for each in threading.enumerate()],
        "csv": csv.field_size_limit(),
        "decimals": repr(decimal.getcontext()),
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "locale": locale.setlocale(locale.LC_ALL),
        "random": hash(random.getstate()),
        "working folder": os.getcwd(),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "children": len(multiprocessing.active_children()),
    }
"""

_IMPORT = """
before = look()
import {module}
after = look()
changed = {{name: [before[name], after[name]] for name in before if before[name] != after[name]}}
print(json.dumps(changed))
"""

# What pandas and pyarrow say of each other's values, in a process in which nothing was looked at.
_TOGETHER = """
import json
import pandas as pd
import pyarrow as pa
import structlog

prices = pd.Series([1.5, float("nan"), None])
words = pd.Series(["a", None, "b"])
frame = pd.DataFrame({"price": prices, "word": words})
table = pa.Table.from_pandas(frame, preserve_index=False)
print(json.dumps([
    pa.array(prices).null_count,
    pa.array(words).null_count,
    pa.array(pd.Series([1, 2]))[0].as_py(),
    pa.array(pd.Series([pd.NaT, pd.Timestamp("2024-02-29")])).null_count,
    table["price"].null_count,
    str(table.schema.remove_metadata()),
    repr(table.to_pandas()),
    repr(pa.array([1, None]).to_pandas()),
    structlog.dev.rich is not None,
]))
"""


def said(code: str, env: Mapping[str, str] | None = None) -> object:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_the_notebooks_face_changes_nothing() -> None:
    assert said(_LOOK + _IMPORT.format(module="pipeline_core.frames")) == {}


def test_no_module_of_the_work_changes_anything_when_it_is_imported() -> None:
    found = pkgutil.walk_packages(pipeline_core.__path__, "pipeline_core.")
    names = ", ".join(sorted(module.name for module in found))
    assert said(_LOOK + _IMPORT.format(module=names)) == {}


@pytest.mark.parametrize("first", ["pipeline_core.frames", "pipeline_core.pipeline", "pandas"])
def test_pandas_and_pyarrow_behave_together_as_without_us(first: str) -> None:
    ours = f"import {first}\nimport pipeline_core.frames\n{_TOGETHER}"
    assert said(ours) == said(_TOGETHER)


def test_a_variable_that_a_person_has_set_stays_in_our_own_processes() -> None:
    code = """
import json, os
from pipeline_core.machine.imports import lean_process
lean_process()
print(json.dumps(os.environ["OPENBLAS_NUM_THREADS"]))
"""
    assert said(code, os.environ | {"OPENBLAS_NUM_THREADS": "3"}) == "3"
    without = {name: value for name, value in os.environ.items() if "OPENBLAS" not in name}
    assert said(code, without) == "1"
