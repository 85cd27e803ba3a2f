"""What packages that are installed beside this program add to it, by their entry points."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from pipeline_core.errors import ConfigError


@dataclass(frozen=True)
class Plugin:
    """One that is installed, by what its package says of it; nothing of it is imported."""

    name: str
    package: str
    version: str
    entry: EntryPoint


def find_plugin(group: str, name: str, prefix: str = "") -> Plugin:
    """The plug-in of this name, before which a person writes ``prefix``. Raises ConfigError unless
    exactly one package has it."""
    found = [each for each in entry_points(group=group) if each.name == name]
    if len(found) != 1:
        names = ", ".join(f"{prefix}{each}" for each in plugin_names(group)) or "none"
        raise ConfigError(
            f"{'Two packages have' if found else 'No package that is installed has'} the plug-in "
            f"{prefix}{name}.",
            f"Install one beside this program, with an entry point of {group}; there is: {names}.",
        )
    package = found[0].dist
    named = (package.name, package.version) if package else ("a package without a name", "")
    return Plugin(name, *named, found[0])


def plugin_names(group: str) -> list[str]:
    """Names of all that are installed, sorted."""
    return sorted({each.name for each in entry_points(group=group)})
