"""Work that a command has done beside it while it reads its settings."""

from __future__ import annotations

from collections.abc import Mapping

_allowed: list[bool] = []


def allow_early_work() -> None:
    """For the command's own process, which has neither threads nor anything else that a process
    that is forked from it would share."""
    _allowed.append(True)


def start_work_early(options: Mapping[str, object]) -> None:
    """Starts the process that will work, if this machine's processes are likely to do the run."""
    if not _allowed or options.get("if_changed"):
        return
    import os
    from pathlib import Path

    from pipeline_core.configuration.env_file import read_env_file
    from pipeline_core.configuration.likely_engine import is_likely_shared_here
    from pipeline_core.errors import ConfigError

    try:
        said = read_env_file(Path(".env").absolute(), "SALES_", os.environ)
    except ConfigError:  # the settings will say so
        return
    if is_likely_shared_here(options, said | dict(os.environ)):
        from console.beside import start_beside

        start_beside()
