"""Whose reports they are: the state that published first has its mark among them.

::

    owner.json       among the reports: the state whose runs are published there
    identity.json    in the state: which state it is, wherever it is moved to

A state is known again by its identity or by its place: one that was moved keeps the first, one that
was begun anew, or under another key, the second.
"""

from __future__ import annotations

import secrets

from msgspec import Struct

from pipeline_core.errors import ConfigError
from pipeline_core.ledger.records import read_record
from pipeline_core.messages import to_json
from pipeline_core.storage import Storage

OWNER, _IDENTITY = "owner.json", "identity.json"


class StateIdentity(Struct, frozen=True):
    """Which state it is."""

    id: str
    """16 hex digits, drawn when it published first."""


class ReportsOwner(Struct, frozen=True):
    """The state whose runs are published among the reports."""

    id: str
    """Its identity."""
    state: str
    """Its URI when that was last noted, without credentials."""


def check_owner(state: Storage, reports: Storage) -> None:
    """Raises ConfigError if the reports are another state's: `latest`, what changed and the history
    would be of two histories in turn. Reports of nobody are anybody's. Nothing is written."""
    other = other_owner(state, reports)
    if other is not None:
        raise ConfigError(
            f"The reports in {reports.uri} are of the state {other}, and this run would be "
            f"of the state {state.uri}: `latest` would show two histories in turn.",
            f"Run in the folder of before, or set SALES_STATE={other}; or set SALES_REPORTS "
            "to another place. If these reports are to go on with this state: `sales-pipeline run "
            "--adopt`.",
        )


def other_owner(state: Storage, reports: Storage) -> str | None:
    """URI of the other state that the reports are of; None if they are this one's, or nobody's."""
    owner = read_record(reports, OWNER, ReportsOwner)
    if owner is None or owner.state == state.uri:
        return None
    own = read_record(state, _IDENTITY, StateIdentity)
    return owner.state if own is None or own.id != owner.id else None


def own_reports(
    state: Storage, reports: Storage, *, are_marked: bool = False
) -> ReportsOwner | None:
    """Marks the reports as those of the state, unless they are another's. They ``are_marked`` where
    an earlier run of the state was published: by the state's identity, too; the mark that they
    have is returned then. Raises as ``check_owner`` does."""
    owner = read_record(reports, OWNER, ReportsOwner)
    if are_marked and owner is not None and owner.state == state.uri:
        return owner
    own = read_record(state, _IDENTITY, StateIdentity)
    if owner is None or own is None or owner != ReportsOwner(own.id, state.uri):
        check_owner(state, reports)
        adopt_reports(state, reports)
    return None


def adopt_reports(state: Storage, reports: Storage) -> None:
    """Marks the reports as those of the state, whosever they were. Raises RetryableError."""
    own = read_record(state, _IDENTITY, StateIdentity)
    if own is None:
        state.create(_IDENTITY, to_json(StateIdentity(secrets.token_hex(8))))
        own = read_record(state, _IDENTITY, StateIdentity)
    mark = ReportsOwner(own.id if own is not None else "", state.uri)
    if read_record(reports, OWNER, ReportsOwner) != mark:
        reports.write(OWNER, to_json(mark))
