"""Commands are listed by a table, and imported when they are called."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from console import commands
from console.command import COMMANDS, command_of

_ALL_OF_IT = 10**6


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_says(name: str) -> None:
    command = command_of(name)
    assert (command.name, command.get_short_help_str(_ALL_OF_IT)) == (name, COMMANDS[name])


def test_every_file_of_commands_is_one() -> None:
    assert {module.name for module in pkgutil.iter_modules(commands.__path__)} == COMMANDS.keys()


SEEN = """
import sys
from click.testing import CliRunner
from console.command import cli
CliRunner().invoke(cli, sys.argv[1:])
print(*(name.split(".")[2] for name in sys.modules if name.startswith("console.commands.")))
"""


@pytest.mark.parametrize(
    ("arguments", "imported"), [(["--help"], ""), (["runs", "--help"], "runs"), (["rnus"], "")]
)
def test_nothing_is_imported_but_what_is_called(arguments: list[str], imported: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEEN, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{imported}\n"
