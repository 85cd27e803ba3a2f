"""Whether events would arrive, asked without sending one."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline_core.configuration.lineage_target import LineageTarget
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.lineage.emit import send_order


def check_reach(target: LineageTarget) -> str:
    """What was found, for people.

    Raises:
        ConfigError: the file's folder is missing, or this user may not write the file.
        RetryableError: the server cannot be reached, does not answer, or refuses the key.
    """
    if target.path:
        return _check_file(Path(target.path))
    cause = send_order(target, None)
    if cause is None:
        return "the server answers; no event was sent"
    raise RetryableError(
        f"{target.shown}: {cause}; OpenLineage events do not arrive there.",
        "See how the server fares, and correct SALES_OPENLINEAGE if it is another. Runs go on.",
    )


def _check_file(path: Path) -> str:
    if not path.parent.is_dir():
        raise ConfigError(
            f"OpenLineage events cannot be written to {path}: there is no folder {path.parent}.",
            "Make that folder, or name another file in SALES_OPENLINEAGE.",
        )
    if path.is_dir():
        raise ConfigError(
            f"OpenLineage events cannot be written to {path}: it is a folder.",
            f"Name a file in SALES_OPENLINEAGE, such as file://{path}/events.jsonl.",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(
            f"OpenLineage events cannot be written to {path}: this user may not write there.",
            "Give it the right, or name another file in SALES_OPENLINEAGE.",
        )
    return "a line an event can be written; none was"
