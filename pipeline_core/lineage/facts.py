"""What one event says, in our words: it crosses to the process that sends it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from msgspec import Struct

LineageEvent = Literal["START", "COMPLETE", "FAIL"]


class LineageDataset(Struct, frozen=True, kw_only=True):
    """Something that a run reads or writes."""

    namespace: str
    """What its name is unique in: ``file``, ``s3://bucket``, ``postgres://host:port``."""
    name: str
    """Its name there: a whole path, a key, a table."""
    version: str
    """What changes when its content does."""
    size: int | None = None
    """Bytes; null if they are not known."""
    files: int | None = None
    """Number of files that it stands for; null of one."""
    rows: int | None = None
    """Number of rows; null if they are not known."""
    columns: tuple[tuple[str, str], ...] = ()
    """Names of its columns, with their types; none if they are not known."""


class LineageFacts(Struct, frozen=True, kw_only=True):
    """One event."""

    event: LineageEvent
    """What became of the run."""
    at: datetime
    """When (UTC)."""
    run_id: str
    """The run, as we call it."""
    namespace: str
    """Namespace of the job."""
    engine: str
    """What processes the archives: local or celery; empty if the run was not planned."""
    parent: tuple[str, str, str] | None
    """Namespace, name and UUID of the run that this one is a part of."""
    due: datetime | None
    """The time on the schedule that the run is of (UTC); null if there is none."""
    inputs: tuple[LineageDataset, ...] = ()
    """What it reads."""
    outputs: tuple[LineageDataset, ...] = ()
    """What it published."""
    error: str = ""
    """Why it failed, for people; else empty."""


class SendOrder(Struct, frozen=True, kw_only=True):
    """What the process that sends is given. Holds the key."""

    url: str
    """URL of the server; empty of a file."""
    endpoint: str
    """Path on the server."""
    key: str
    """The key that it asks for; empty if it asks for none."""
    path: str
    """Path of the file; empty of a server."""
    facts: LineageFacts | None
    """The event; null to see whether the server answers, which is asked without one."""


def lineage_id(run_id: str) -> str:
    """The UUID of a run: always the same of one id."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"sales-pipeline/{run_id}"))
