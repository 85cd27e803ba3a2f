"""``doctor --live`` and ``doctor --fresh``: one question each, answered by the exit code."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from console.doctor.checks import Check
from pipeline_core.machine.heartbeat import FRESH_SECONDS, age_seconds, heartbeat_path
from pipeline_core.settings import Settings


def check_worker_lives(settings: Settings) -> Check:
    """Whether a worker of this machine touched its heartbeat file lately."""
    path = heartbeat_path(settings.heartbeat_file)
    age = age_seconds(path, time.time())
    if age is None:
        return Check("live", "failed", f"there is no heartbeat {path}.", "Start a worker.")
    if age > FRESH_SECONDS:
        return Check(
            "live", "failed", f"the last heartbeat is {age:.0f} s old.", "Restart the worker."
        )
    return Check("live", "ok", f"the last heartbeat is {max(age, 0):.0f} s old")


def check_report_age(settings: Settings, limit: timedelta) -> Check:
    """Whether the newest published report, or the last look that found nothing newer, is at most
    so old.

    Raises:
        PipelineError: the state storage cannot be read.
    """
    from pipeline_core.ledger import RunLedger, read_state, unvouched_words
    from pipeline_core.publication.latest import newest_shown
    from pipeline_core.running.if_changed import fresh_at

    state = read_state(settings.state)
    newest = newest_shown(state)
    verdict = RunLedger(state, newest).verdict() if newest else None
    published_at = verdict.finished_at if verdict else None
    remedy = "`sales-pipeline runs` says what happened since."
    if published_at is None:
        others = unvouched_words(settings.state)
        return Check("fresh", "failed", f"nothing was published yet.{others}", remedy)
    now = datetime.now(UTC)
    age = now - max(fresh_at(state) or published_at, published_at)
    found = f"the newest report was published {_rounded(now - published_at)} ago"
    if age < now - published_at:
        found += f"; {_rounded(age)} ago nothing was new"
    if age > limit:
        return Check("fresh", "failed", f"{found}, more than {_rounded(limit)}.", remedy)
    return Check("fresh", "ok", found)


def _rounded(time_span: timedelta) -> timedelta:
    return timedelta(seconds=round(time_span.total_seconds()))
