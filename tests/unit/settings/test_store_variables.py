"""Which lines of .env an object store is opened with."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pipeline_core.settings import store_variables
from pipeline_core.settings.environment import STORE_VARIABLES
from tests.support import PROJECT


@pytest.fixture(autouse=True)
def _none_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith(("AWS_", "GOOGLE_", "AZURE_"))]:
        monkeypatch.delenv(name)


def _env_file(*lines: str) -> None:
    Path(".env").write_text("\n".join(lines))


def test_the_documented_names_are_taken_and_no_other() -> None:
    _env_file("AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY='b$c'", "AWS_PROFILE=p", "PATH=x")
    assert store_variables() == {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b$c"}


def test_the_environment_wins_for_all_that_belongs_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _env_file("AWS_ACCESS_KEY_ID=a", "AWS_SESSION_TOKEN=t", "AWS_REGION=r", "AWS_ALLOW_HTTP=true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    assert store_variables() == {"AWS_REGION": "r", "AWS_ALLOW_HTTP": "true"}


def test_an_empty_line_says_nothing() -> None:
    _env_file("AWS_SESSION_TOKEN=", "AWS_REGION=r")
    assert store_variables() == {"AWS_REGION": "r"}


def test_without_a_file_there_is_none() -> None:
    assert store_variables() == {}


def test_each_name_is_in_the_example_and_in_the_reference() -> None:
    names = {name for row in STORE_VARIABLES for name in row}
    example = (PROJECT / ".env.example").read_text()
    assert set(re.findall(r"^#((?:AWS|GOOGLE|AZURE)_\w+)=", example, re.MULTILINE)) == names
    reference = (PROJECT / "docs/reference/settings.md").read_text()
    assert set(re.findall(r"`((?:AWS|GOOGLE|AZURE)_\w+)`", reference)) == names
