"""Packages of a shop's own, which pip installs into a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "{version}"
[project.entry-points."{group}"]
{entries}
[tool.setuptools]
packages = ["{package}"]
"""


def install(
    site: Path, name: str, version: str, group: str, entries: str, modules: Mapping[str, str]
) -> None:
    """Makes a package of these modules, and installs it into ``site``; its module is called as it
    is, with _ for -."""
    package = name.replace("-", "_")
    source = site.with_name(f"{site.name}-{name}-{version}")
    (source / package).mkdir(parents=True)
    text = _PYPROJECT.format(
        name=name, version=version, group=group, entries=entries, package=package
    )
    (source / "pyproject.toml").write_text(text)
    for module, code in modules.items():
        (source / package / f"{module}.py").write_text(code)
    line = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    line += ["--no-build-isolation", "--target", str(site), str(source)]
    subprocess.run(line, check=True, capture_output=True)
