"""Runs that were made by different rules of this program."""

from __future__ import annotations

from pipeline_core.diff.causes import CauseKind
from pipeline_core.diff.published_runs import PublishedRun
from pipeline_core.diff.steps import Named
from pipeline_core.reuse.memory import rules_of_now


def changed_rules(one: PublishedRun, other: PublishedRun) -> Named | None:
    """The cause of what only the rules did; None if both runs were made by the same, or a run of
    an earlier version does not say by which."""
    before, after = one.manifest.rules, other.manifest.rules
    if not before or not after or before == after:
        return None
    return Named(CauseKind.CHANGED_RULES, before=before, after=after)


def is_of_now(run: PublishedRun) -> bool:
    """Whether its archives must come to what it published."""
    return run.manifest.rules in ("", rules_of_now())
