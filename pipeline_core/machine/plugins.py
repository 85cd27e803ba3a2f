"""What packages that are installed beside this program add to it, by their entry points."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline_core.credentials import without_credentials
from pipeline_core.errors import ConfigError, ContractError, PipelineError, message_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# Groups of entry points: reports, and customers and products.
REPORT_GROUP = "sales_pipeline.reports"
DIMENSION_GROUP = "sales_pipeline.dimensions"


@dataclass(frozen=True)
class Plugin:
    """One that is installed, by what its package says of it; nothing of it is imported."""

    name: str
    package: str
    version: str
    entry: EntryPoint

    @property
    def words(self) -> str:
        """It, on one line: ``crm of acme-crm 1.2``."""
        return f"{self.name} of {self.package} {self.version}".rstrip()


def find_plugin(group: str, name: str, what: str, prefix: str = "") -> Plugin:
    """The plug-in of this name, before which a person writes ``prefix``; ``what`` is what one is.
    Raises ConfigError unless exactly one package has it."""
    from importlib.metadata import entry_points

    found = [each for each in entry_points(group=group) if each.name == name]
    if len(found) != 1:
        names = ", ".join(f"{prefix}{each}" for each in plugin_names(group)) or "none"
        raise ConfigError(
            f"{'Two packages have' if found else 'No package that is installed has'} the plug-in "
            f"{prefix}{name}.",
            f"Install one beside this program, with an entry point of {group} that names {what}; "
            f"there is: {names}.",
        )
    package = found[0].dist
    named = (package.name, package.version) if package else ("a package without a name", "")
    return Plugin(f"{prefix}{name}", *named, found[0])


def plugin_names(group: str) -> list[str]:
    """Names of all that are installed, sorted."""
    from importlib.metadata import entry_points

    return sorted({each.name for each in entry_points(group=group)})


@contextmanager
def plugin_code(failed: str, remedy: str, passed: type[Exception] = MemoryError) -> Iterator[None]:
    """For a body that imports or calls somebody's code. What that prints goes to standard error:
    standard output is ours. ``failed`` says whose code does not do what.

    Raises:
        ConfigError: it raises anything, SystemExit included, or breaks a promise between us.
        PipelineError: its own, such as a RetryableError.
        MemoryError, ``passed``, KeyboardInterrupt, and what a handler of a signal raises, such as a
            limit of time: as they are, being no fault of the code.
    """
    # Of a process there is one standard output, and other threads may write to it.
    is_alone = threading.current_thread() is threading.main_thread()
    try:
        with redirect_stdout(sys.stderr) if is_alone else nullcontext():
            yield
    except BaseException as error:
        if isinstance(error, PipelineError) and not isinstance(error, ContractError):
            _mask(error)
            raise
        if isinstance(error, (MemoryError, passed)) or _is_stop(error):
            raise
        raise ConfigError(f"{failed}: {message_of(error)}.", remedy) from error


def _mask(error: PipelineError) -> None:
    error.message = without_credentials(error.message)
    error.remedy = without_credentials(error.remedy)
    error.args = tuple(
        without_credentials(each) if isinstance(each, str) else each for each in error.args
    )


def _is_stop(error: BaseException | None) -> bool:
    """Also if a library made another error of it: it may come in the midst of any."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or _is_of_signal(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_of_signal(error: BaseException) -> bool:
    """Whether a handler of a signal raised it, which is called with the frame it interrupts."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for interrupted, called in pairwise(frames):
        for given in called.f_locals.values():
            if any(each is interrupted for each in (given if type(given) is tuple else (given,))):
                return True
    return False
