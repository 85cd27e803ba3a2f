"""Which runs may become `latest`: a file each, whose name says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline_core.ledger.names import is_run_id
from pipeline_core.ledger.run import RunLedger
from pipeline_core.messages import Manifest, Summary
from pipeline_core.messages.changes import Changes
from pipeline_core.storage import Storage

_FOLDER = "published"


@dataclass(frozen=True)
class Past:
    """What is known of the runs published before one: their ids, newest first, plan and summary of
    the newest, and what changed since; nothing, if it ``is_alike``: it counted the same bytes by
    the same rules, customers and products."""

    ids: Iterable[str]
    newest: Manifest | None = None
    summary: Summary | None = None
    changes: Changes | None = None
    is_alike: bool = False


def published_ids(state: Storage, before: str | None = None) -> Iterator[str]:
    """Runs that may become `latest`, newest first; those planned before a run, if it is given."""
    keys = (stored.key for stored in state.files(_FOLDER))
    names = (key.removeprefix(f"{_FOLDER}/").removesuffix(".json") for key in keys)
    ids = sorted(filter(is_run_id, names), reverse=True)
    for run_id in ids if before is None else (each for each in ids if each < before):
        if state.vouches(_published_key(run_id)):
            yield run_id


def published_before(state: Storage, run_id: str) -> str | None:
    """The newest of those that were planned before ``run_id``, or None if there is none."""
    return next(published_ids(state, run_id), None)


def newest_published(state: Storage) -> str | None:
    """The run that `latest` shows, or None if there is none."""
    return next(published_ids(state), None)


def last_publication(state: Storage) -> datetime | None:
    """When the newest published run was decided, or None if there is none."""
    newest = newest_published(state)
    verdict = RunLedger(state, newest).verdict() if newest else None
    return verdict.finished_at if verdict else None


def mark_published(state: Storage, run_id: str) -> None:
    """Notes that the run may become `latest`."""
    state.create(_published_key(run_id), b"{}\n")


def _published_key(run_id: str) -> str:
    return f"{_FOLDER}/{run_id}.json"
