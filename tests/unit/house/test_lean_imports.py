"""Libraries in our processes: without what they hardly need, until somebody asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import PROJECT

NO_PANDAS = """
import sys
from pipeline_core.machine.imports import lean_process
lean_process()
import numpy as np
import pipeline_core.schemas
import pyarrow as pa
import pyarrow.compute as pc

pa.array(["a", None]).dictionary_encode()
assert pa.array([True, False]).to_numpy(zero_copy_only=False).tolist() == [True, False]
assert pc.fill_null(pa.array([1, None]), 2).to_numpy().tolist() == [1, 2]
assert pa.chunked_array([pa.array(np.arange(3))]).to_numpy().sum() == 3
assert "pandas" not in sys.modules
assert pa.default_memory_pool().backend_name == "system"
import pandas as pd
assert pd.DataFrame({"a": [1]})["a"].tolist() == [1]
"""


FUNCTIONS = """
import sys
import pyarrow.compute
names = set(vars(pyarrow.compute))
del pyarrow
for name in [each for each in sys.modules if each.startswith("pyarrow.compute")]:
    del sys.modules[name]
from pipeline_core.machine.imports import lean_process
lean_process()
import pyarrow as pa
import pyarrow.compute as pc
del pa.vendored.docscrape, sys.modules["pyarrow.vendored.docscrape"]

assert "utf8_upper" not in vars(pc)
absent = [each for each in names - {"docscrape"} if not hasattr(pc, each)]
assert not absent, absent
assert pc.utf8_zfill(pa.array(["7"]), 3).to_pylist() == ["007"]
assert pc.and_(pa.array([True]), pa.array([False])).to_pylist() == [False]
assert pc.match_substring_regex(pa.array(["ab"]), pattern="^a").to_pylist() == [True]
assert pa.array([3, 1]).take(pc.sort_indices(pa.array([3, 1]))).to_pylist() == [1, 3]
assert "utf8_upper" in vars(pc)
assert not hasattr(pc, "hash_sum") and not hasattr(pc, "no_such_function")
assert pc.function_registry().get_function("equal").name == "equal"
from pyarrow.compute import utf8_lower
"""

# As if a later version of pyarrow wrote its functions in another way.
OTHER_FUNCTIONS = """
import sys
from pipeline_core.machine.imports import _made_when_asked_for, lean_process
lean_process()
import pyarrow as pa
import pyarrow.compute as pc

times = []

def imported(module):
    exec(compile(open(pc.__file__).read(), pc.__file__, "exec"), vars(module))
    times.append(module)
    del module._make_generic_wrapper

module = type(sys)("pyarrow.compute")
_made_when_asked_for(imported, module)
assert len(times) == 2
assert "Parameters" in module.utf8_lower.__doc__
assert module.utf8_zfill(pa.array(["7"]), 3).to_pylist() == ["007"]
"""


LATE = """
import sys
import pyarrow as pa
from pipeline_core.machine.imports import lean_process
lean_process()
lean_process()
pa.array(["a", None]).dictionary_encode()
assert "pandas" not in sys.modules
"""


NO_RICH = """
import sys
from pipeline_core.machine.imports import lean_process
lean_process()
from pipeline_core.logs import configure_logs
import structlog

configure_logs("INFO", "pretty")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger().exception("it_failed", run_id="r1")
assert "rich" not in sys.modules
import rich.console
"""

REDIS = """
import sys
from pipeline_core.machine.imports import lean_process
lean_process()
import celery.utils.imports, kombu.matcher, kombu.serialization
import kombu.transport.redis
import redis

said = redis.Redis().connection_pool.connection_kwargs["driver_info"].lib_version
assert not {"importlib.metadata", "redis.asyncio.client", "yaml"} & sys.modules.keys()
from importlib import metadata
assert said == metadata.version("redis") == redis.utils.metadata.version("redis")
assert kombu.serialization.loads("[1]", "application/json", "utf-8") == [1]
celery.utils.imports.load_extension_class_names("celery.result_backends")
from redis.asyncio import Redis
import redis.asyncio.cluster
assert redis.asyncio.Redis is Redis is redis.asyncio.client.Redis
assert not hasattr(redis.asyncio, "no_such_name")
import yaml
assert yaml.safe_load("a: 1") == {"a": 1}
"""

# As who shows something, and logs.
RICH_BEFORE_LOGS = """
import sys
from pipeline_core.machine.imports import lean_process
lean_process()
import rich.console
import structlog.dev

assert "rich.traceback" not in sys.modules
import rich.traceback
"""


A_COMMAND = """
import os, sys
from console import command

def run(**_):
    pass

command.cli = run
command.run_to_the_end = lambda cli: cli()
command.main()
import pipeline_core.transform.money
assert "numpy" in sys.modules
assert len(os.listdir("/proc/self/task")) == 1, "threads of OpenBLAS"
import console.command, console.fleet
from pipeline_core.settings import load_settings
load_settings()
import console.drive
heavy = {"asyncio", "celery", "jinja2", "pandas", "psutil", "pyarrow", "rich"}
assert not heavy & sys.modules.keys(), "what a run needs later, or never"
"""

FIRST_ARCHIVE = """
import os, sys

def look(event, args):
    if event == "open" and str(args[0]).endswith("first.zip"):
        heavy = {"asyncio", "celery", "jinja2", "pandas", "pyarrow", "sqlalchemy"}
        print(*heavy & sys.modules.keys(), "opened")
        sys.stdout.flush()
        os._exit(0)

sys.addaudithook(look)
from console import command
sys.argv[1:] = ["run", "--engine", "local", "--jobs", "1"]
command.main()
"""

EVERY_COMMAND = """
import sys
from console.command import COMMANDS, command_of
for name in COMMANDS:
    command_of(name)
heavy = {"celery", "numpy", "pandas", "pyarrow", "pydantic", "rich", "sqlalchemy", "tornado"}
assert not heavy & sys.modules.keys(), "for --help, and for whoever completes an option"
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_arrays_do_not_import_pandas_and_pandas_still_works() -> None:
    done = run(NO_PANDAS)
    assert done.returncode == 0, done.stderr


def test_functions_of_arrow_are_made_when_asked_for_and_all_are_there() -> None:
    done = run(FUNCTIONS)
    assert done.returncode == 0, done.stderr


def test_functions_of_arrow_are_as_ever_where_they_are_written_otherwise() -> None:
    done = run(OTHER_FUNCTIONS)
    assert done.returncode == 0, done.stderr


def test_arrays_do_not_import_pandas_where_pyarrow_was_there_before() -> None:
    done = run(LATE)
    assert done.returncode == 0, done.stderr


def test_redis_comes_without_what_is_awaited_until_somebody_asks_for_it() -> None:
    done = run(REDIS)
    assert done.returncode == 0, done.stderr


def test_logs_do_not_import_rich_and_show_tracebacks_and_rich_still_works() -> None:
    done = run(NO_RICH)
    assert done.returncode == 0, done.stderr
    assert "it_failed" in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr


def test_logs_import_no_tracebacks_of_rich_where_rich_was_there_before() -> None:
    done = run(RICH_BEFORE_LOGS)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted by /proc")
def test_a_local_run_imports_what_it_needs_and_starts_no_threads() -> None:
    done = run(A_COMMAND)
    assert done.returncode == 0, done.stderr


def test_an_archive_is_opened_before_what_works_on_tables_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "first.zip").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    assert run(FIRST_ARCHIVE).stdout == "opened\n"


def test_the_file_of_a_command_is_light() -> None:
    done = run(EVERY_COMMAND)
    assert done.returncode == 0, done.stderr
