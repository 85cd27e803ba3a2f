"""Prometheus metrics of a worker: every name stands here."""

from __future__ import annotations

from datetime import datetime

from pipeline_core.messages import Outcome, Receipt


def observe_receipt(receipt: Receipt) -> None:
    """Counts one processed archive."""


def observe_outcome(outcome: Outcome) -> None:
    """Counts one run that ended."""


def observe_publication(at: datetime) -> None:
    """Notes when the newest published run was published."""
