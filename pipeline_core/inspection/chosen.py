"""Which archive is looked into: the one that is named, or the newest."""

from __future__ import annotations

from pipeline_core.errors import ConfigError, UnreadableArchive
from pipeline_core.planning.archives import find_archives, newest_first
from pipeline_core.storage import Storage

_TOLD = 5


def chosen_archive(data: Storage, named: str | None) -> tuple[str, str]:
    """The name of an archive in the place of data, and a sentence that names others.

    Raises:
        ConfigError: there is no such place, no archive in it, or none of this name.
        UnreadableArchive: what is called so is no file.
    """
    found = find_archives(data)
    names = newest_first(file.key for file in found.archives)
    if named is None:
        named = names[0] if names else min(found.strays)
    told = [name for name in names if name != named]
    there = ", ".join(told[:_TOLD]) + (", …" if len(told) > _TOLD else "")
    others = f"--archive names another one: {there}." if there else f"{data.uri} has no other one."
    if named in found.strays:
        raise UnreadableArchive(f"{named} cannot be read: {found.strays[named]}.", others)
    if named not in names:
        raise ConfigError(f"There is no archive {named} in {data.uri}.", others)
    return named, others
