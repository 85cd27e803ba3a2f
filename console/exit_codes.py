"""How the command ends: with an exit code, with one clear text for every error, and at once."""

from __future__ import annotations

import atexit
import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from console import PROGRAM
from console.display.standard_files import say_not_printed
from console.display.terminal import complain
from pipeline_core.machine.standard_streams import NotPrinted

_SETTING = "SALES_"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_STARVED = ("can't start new thread", "failed to map segment", "cannot allocate memory")


def run_to_the_end(command: Callable[[], object]) -> NoReturn:
    """Runs a click command that is not standalone, and ends the process with its exit code."""
    exit_code: list[int] = []
    atexit.register(_end, exit_code)  # before any other, so that it is called after all others
    exit_code.append(_exit_code(command))
    sys.exit(exit_code[0])


def _end(exit_code: list[int]) -> None:
    """Ends the process as mypy's ``hard_exit`` does: Python would take itself apart first, which
    takes longer than planning a run, and frees nothing that the end does not free."""
    try:
        sys.stdout.flush()
    except NotPrinted as error:
        exit_code[:] = [_complain_of(error)]
    sys.stderr.flush()
    if exit_code:
        os._exit(exit_code[0])


def _exit_code(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as stop:
        return int(stop.code or 0)  # commands end with a number
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except Exception as error:
        return _complain_of(error)
    return 0


def _complain_of(error: Exception) -> int:
    from pipeline_core.errors import ConfigError, NoCredentials, PipelineError

    if isinstance(error, click.ClickException):
        complain(f"Error: {error.format_message()}", _usage(error))
        return 2
    if isinstance(error, click.Abort):  # click's word for Ctrl-C
        from console.interrupt import exit_code

        cause = error.__cause__
        click.echo("".join(map(str, cause.args if cause else ())) or "Stopped.", err=True)
        return exit_code(cause)
    if isinstance(error, ConfigError | NoCredentials):  # of this process, they are a setting
        complain(f"Error: {error.message}", _with_env_file(error.remedy, str(error)))
        return 2
    if isinstance(error, PipelineError):
        complain(f"Error: {error.message}", error.remedy)
        return 1
    if isinstance(error, NotPrinted):
        say_not_printed(error, "", begin="Error: ")
        return 1
    if _is_starved(error):
        complain(
            f"Error: the system gave this process no more memory, or no more threads: {error}",
            "Raise its limits (`ulimit -a`, those of its container or unit), or lower SALES_JOBS.",
        )
        _end([1])  # Python would wait for processes that were never told to work
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        where = error.filename or "a temporary file"
        remedy = "Make room, or set TMPDIR to a folder with room."
        complain(f"Error: {where} could not be written: {error.strerror}.", remedy)
    else:
        _report_bug(error)
    return 1


def _is_starved(error: Exception) -> bool:
    """Of threads and of libraries that cannot be had the words tell, and nothing else."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in _STARVED)


def _usage(error: click.ClickException) -> str:
    """Where to read how it is right."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"`{context.command_path if context else PROGRAM} --help` says what there is."


def _with_env_file(remedy: str, text: str) -> str:
    """The remedy; where the ``text`` is about a setting, with the .env that is read, or that there
    is none."""
    from pipeline_core.settings import env_file_words

    words = env_file_words()
    if _SETTING not in text or words in remedy:
        return remedy
    return f"{remedy} ({words[0].upper()}{words[1:]}.)".lstrip()


def _report_bug(error: Exception) -> None:
    import logging

    from pipeline_core.credentials import without_credentials

    logging.getLogger(__name__).debug("unexpected error", exc_info=error)
    complain(
        without_credentials(f"Error: unexpected {type(error).__name__}: {error}"),
        "This is a bug of ours. SALES_LOG_LEVEL=DEBUG shows where it happened.",
    )
