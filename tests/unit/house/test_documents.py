"""What the documents name is there, and what is there is named."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from xml.etree.ElementTree import fromstring

import click
import pytest

from console.command import COMMANDS, command_of
from pipeline_core.settings import Settings
from tests.support import PROJECT
from tests.support.compose import load_compose
from tests.support.documents import (
    Block,
    all_documents,
    anchors,
    blocks,
    commands_told,
    links,
    run_documents,
)
from tests.support.ops_files import given_secrets, load_manifests, pods

_MAKEFILE = (PROJECT / "Makefile").read_text()


_UNITS = [
    each
    for each in blocks(PROJECT / "docs" / "how-to" / "one-server.md")
    if each.text.startswith("# /etc/systemd/system/")
]
_NOT_RUN = [
    pytest.param(each, id=f"{document.stem}-{number}")
    for document in run_documents()
    for number, each in enumerate(blocks(document), start=1)
    if each.not_run
]


def test_files_of_code_that_documents_name_are_there() -> None:
    """ADRs and the changelog tell of the past."""
    code = [
        each.relative_to(PROJECT).as_posix()
        for folder in ("bench", "console", "pipeline_core", "tests", "workers")
        for each in (PROJECT / folder).rglob("*.*")
    ]
    missing = [
        (document.name, name)
        for document in all_documents()
        if document.parent.name != "adr" and document.name != "CHANGELOG.md"
        for name in re.findall(r"`([\w/]+\.(?:py|c))(?:::\w+)?`", document.read_text())
        if not any(f"/{each}".endswith(f"/{name}") for each in code)
        and not (PROJECT / name).is_file()
    ]
    assert missing == []


def test_the_map_shows_who_may_import_whom() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    text = (PROJECT / "docs" / "architecture.md").read_text()
    drawn = text.partition("<!-- layers: as in pyproject.toml -->")[2].split("```")[1]
    assert drawn.split("\n")[1:-1] == [each.replace("pipeline_core.", "") for each in layers]


def test_the_map_has_every_room() -> None:
    """Folders and modules of the two upper levels, as `## Rooms` draws them."""
    text = (PROJECT / "docs" / "architecture.md").read_text()
    drawn = set(re.findall(r"^ *([a-z_]+)/ ", text.partition("## Rooms")[2], flags=re.MULTILINE))
    packages = {
        init.parent.name
        for root in ("console", "workers", "pipeline_core")
        for init in [*(PROJECT / root).glob("*/__init__.py"), PROJECT / root / "__init__.py"]
    }
    assert packages == drawn


@pytest.mark.parametrize("block", _NOT_RUN)
def test_a_block_that_is_not_run_is_sound(block: Block) -> None:
    """Every other block runs in tests/e2e/test_documents.py."""
    assert re.match(r"(needs|it|they) \w+", block.not_run), block.not_run
    done = subprocess.run(
        ["bash", "-n"], input=block.text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, block.text + done.stderr
    services = re.findall(r"(?:exec|logs|--scale) (\w+)", block.text)
    assert set(services) <= load_compose()["services"].keys()
    if "kubectl" in block.text:
        manifests = load_manifests()
        known = {each.partition("/")[2] for each in manifests}
        known |= {secret for _, pod in pods(manifests) for secret in given_secrets(pod)}
    else:
        known = {Path(_name(unit)).stem for unit in _UNITS}
    assert set(re.findall(r"\bsales-(?!pipeline)[\w-]+", block.text)) <= known
    for name in re.findall(r"-[rf] (\S+)", block.text):
        assert (PROJECT / name).is_file(), name
    pytest.skip(f"checked, but not run: {block.not_run}: {block.text.splitlines()[0]}")


def _name(unit: Block) -> str:
    return unit.text.splitlines()[0].rpartition("/")[2]


def test_make_targets_are_there() -> None:
    for document in all_documents():
        told = re.findall(r"`make (\w+)", document.read_text())
        told += re.findall(
            r"^make (\w+)", "\n".join(each.text for each in blocks(document)), re.MULTILINE
        )
        for target in told:
            assert re.search(rf"^{target}:", _MAKEFILE, re.MULTILINE), (document, target)


def test_demo_is_what_make_demo_runs() -> None:
    assert re.search(r"^demo: setup .*\n\t@\$\(BIN\)/sales-pipeline demo$", _MAKEFILE, re.MULTILINE)


def test_every_command_is_told_by_hand() -> None:
    """The reference has all; a page must say what each is for."""
    docs = PROJECT / "docs"
    pages = [*run_documents(), docs / "operations.md", *(docs / "explanation").iterdir()]
    text = "\n".join(page.read_text() for page in pages)
    for name in COMMANDS:
        assert f"sales-pipeline {name}" in text, name


@pytest.mark.parametrize("document", all_documents(), ids=lambda path: path.name)
def test_what_is_told_is_there(document: Path) -> None:
    """Commands, their options, and settings."""
    for line in commands_told(document):
        words = shlex.split(line)[1:]
        name = next((word for word in words if not word.startswith("-")), None)
        if name is None:
            continue
        assert name in COMMANDS, (document, line)
        known = {o for p in command_of(name).params for o in (*p.opts, *p.secondary_opts)}
        used = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert used <= known | {"-h", "--help"}, (document, line)
    names = {f"SALES_{name.upper()}" for name in Settings.model_fields}
    for told in re.findall(r"\bSALES_[A-Z_]*[A-Z]\b(?!_?\*)", document.read_text()):
        assert told in names, (document, told)


@pytest.mark.parametrize("document", all_documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), (document, link)
        assert not anchor or anchor in anchors(target), (document, link)


def test_links_into_a_long_page_name_the_section() -> None:
    """From a how-to or an explanation: a reader wants one answer."""
    assert [
        (document.name, link)
        for folder in ("how-to", "explanation")
        for document in sorted((PROJECT / "docs" / folder).glob("*.md"))
        for link in links(document)
        if link.endswith("operations.md")
    ] == []


def test_every_picture_is_shown_and_asks_for_nothing() -> None:
    folder = PROJECT / "docs" / "images"
    shown = {(page.parent / link).resolve() for page in all_documents() for link in links(page)}
    assert set(folder.iterdir()) <= shown
    for picture in folder.glob("*.svg"):
        text = picture.read_text()
        fromstring(text)  # noqa: S314  (ours; no browser shows what is not well-formed)
        addresses = re.findall(r"\w+://[^/]+", text.replace("http://www.w3.org/", "a namespace"))
        assert addresses == [], picture.name
        assert "@import" not in text


def test_every_command_and_option_says_what_it_does() -> None:
    """The reference is made of this; `test_settings.py` looks at the settings."""
    for name in COMMANDS:
        command = command_of(name)
        assert command.help, name
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help, (name, parameter.name)


def test_units_are_sound() -> None:
    """As files of sections and keys, whose programs and commands are there."""
    assert len(_UNITS) == 6
    for block in _UNITS:
        text = _here(block)
        unit = ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        assert "Unit" in unit, _name(block)
        if "Service" in unit:
            words = shlex.split(unit["Service"]["ExecStart"])
            assert Path(words[0]).is_file(), words
            assert words[1:3] == ["-A", "workers"] or words[1] in COMMANDS, words


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for block in _UNITS:
        (tmp_path / _name(block)).write_text(_here(block))
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "sales-" in line]
    assert not ours, done.stderr


def _here(unit: Block) -> str:
    """The unit as if this were its checkout."""
    text = unit.text.replace("/opt/sales-pipeline/.venv", sys.prefix)
    return text.replace("/opt/sales-pipeline", str(PROJECT))
