"""Builds of this project: the one at hand, and that of an earlier commit beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click
from msgspec import Struct

from bench import PROJECT


class Build(Struct, frozen=True):
    """A tree with what is compiled in it, and how tables name it."""

    title: str
    tree: Path

    @property
    def env(self) -> dict[str, str]:
        """More of the environment, by which commands are those of this tree."""
        return {"PYTHONPATH": str(self.tree)}

    def command(self, *words: str) -> list[str]:
        """A command of ``sales-pipeline``."""
        return [sys.executable, "-m", "console.command", *words]


AT_HAND = Build("sales-pipeline", PROJECT)


def build_of(folder: Path, commit: str) -> Build:
    """The build of a commit, made in ``folder`` unless it is there.

    Raises:
        ClickException: git has no such commit, or it cannot be compiled.
    """
    full = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    tree = folder / full
    if not tree.is_dir():
        _make(tree, full)
    return Build(f"sales-pipeline at {full[:7]}", tree)


def _make(tree: Path, commit: str) -> None:
    partly = tree.with_name(f"{tree.name}.partly")
    shutil.rmtree(partly, ignore_errors=True)
    partly.mkdir(parents=True)
    packed = partly / "tree.tar"
    _git("archive", "-o", str(packed), commit)
    shutil.unpack_archive(packed, partly, filter="data")
    packed.unlink()
    build = [sys.executable, "-c", "from setuptools import setup; setup()"]
    done = subprocess.run([*build, "-q", "build_ext", "--inplace"], cwd=partly, check=False)
    if done.returncode:
        raise click.ClickException(f"The build of {commit} cannot be compiled.")
    partly.rename(tree)


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise click.ClickException("There is no git here.")
    done = subprocess.run(
        [git, *words], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise click.ClickException(f"git {' '.join(words)}: there is no such commit.")
    return done.stdout.strip()
