"""One run on this machine, from its plan to its outcome: what the command and a notebook share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from pipeline_core.errors import (
    ConfigError,
    NotServed,
    PipelineError,
    PublishRefused,
    RetryableError,
    RunUnderWay,
)
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.attempts import (
    COMMAND,
    PLAN,
    Worker,
    attempt,
    raise_too_costly,
    this_process,
)
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.notify.hooks import NOBODY, Hooks, Notification, notify_hooks
from pipeline_core.places.owner import check_owner
from pipeline_core.places.writable import check_writable
from pipeline_core.planning.plan import new_run_id, plan
from pipeline_core.publication.latest import newest_shown
from pipeline_core.retry import call_with_retries
from pipeline_core.running.deliveries import deliver_published, log_deliveries
from pipeline_core.running.if_changed import standing_run
from pipeline_core.running.local import run_locally
from pipeline_core.running.lock import acquire_run_lock
from pipeline_core.running.notifications import fail_and_notify, notify_of_outcome
from pipeline_core.settings import Engine, Settings
from pipeline_core.storage import Storage, open_storage


def new_ledger(settings: Settings) -> RunLedger:
    """The ledger of a run that is not planned yet. Raises ConfigError if the state cannot be
    written."""
    check_writable(settings.state, "The records of runs", "SALES_STATE")
    state, now = open_state(settings.state), datetime.now(UTC)
    try:
        return RunLedger(state, new_run_id(now, state))
    except RetryableError:  # acquiring the lock will say so, and tell
        return RunLedger(state, new_run_id(now))


def check_reports_owner(settings: Settings, hooks: Hooks) -> None:
    """Raises ConfigError, of which the hooks are told, if the reports are another state's. Nothing
    is begun then, and nothing put on record: it would be in a state that nobody meant."""
    try:
        check_owner(open_state(settings.state), open_storage(settings.reports))
    except RetryableError:  # whoever reads or writes next will say so, and tell
        return
    except ConfigError as error:
        now = datetime.now(UTC)
        notify_hooks(hooks, Notification("failed", "", error.message, error.remedy, now))
        raise


def hooks_of(settings: Settings, as_of: date | None) -> Hooks:
    """Who is told how the run ends: of one of a time past, nobody. A plan that fails has nothing
    that says it is one."""
    return settings.hooks() if as_of is None else NOBODY


@contextmanager
def fail_run_on_error(hooks: Hooks, ledger: RunLedger) -> Iterator[None]:
    """An error, a bug of ours included, ends the run, unless another holds the lock, or workers
    refused it before there was a plan: then nothing is left of it."""
    try:
        with raise_too_costly(Worker(this_process()), "finish the run"):
            yield
    except RunUnderWay:
        raise
    except Exception as error:
        if not (isinstance(error, NotServed) and ledger.planned() is None):
            fail_and_notify(ledger, hooks, error)
        raise


def acquire_lock_for(settings: Settings, ledger: RunLedger) -> None:
    """Acquires the lock for the run; tells of one that was abandoned. Raises RunUnderWay."""
    abandoned = acquire_run_lock(ledger, settings.stall_after)
    if abandoned is not None:
        notify_of_outcome(abandoned, settings.hooks())


def plan_run(
    settings: Settings, as_of: date | None, ledger: RunLedger, engine: Engine, processes: int
) -> Manifest:
    """The manifest of the run, which holds the lock. Raises as ``plan`` does."""
    order = settings.order(ledger.run_id, engine, lambda: processes, as_of)
    with attempt(ledger, order.policy, PLAN, Worker(this_process())) as noted:
        # The first try of the first attempt finds nothing.
        new = iter([ledger] if noted.number == 1 else [])
        manifest = call_with_retries(lambda: plan(order, next(new, None)))
    tell_of_plan(settings, ledger, manifest)
    return manifest


def tell_of_plan(settings: Settings, ledger: RunLedger, manifest: Manifest) -> None:
    """Tells of a run that is planned, before its work can be done, if somebody is to hear of it."""
    target = settings.lineage()
    if target is not None:
        from pipeline_core.lineage.emit import emit_start  # Arrow, before it is needed

        emit_start(ledger, manifest, target)


def drive_locally(settings: Settings, ledger: RunLedger, manifest: Manifest, jobs: int) -> Outcome:
    """Processes what is outstanding of a planned run in ``jobs`` processes, publishes it and tells
    the hooks. Raises as ``run_locally`` does."""
    with attempt(ledger, manifest.policy, COMMAND, Worker(this_process())):
        outcome = run_locally(settings.state, manifest, jobs)
    notify_of_outcome(ledger, settings.hooks())
    return outcome


def run_here(settings: Settings, as_of: date | None, ledger: RunLedger, jobs: int) -> Outcome:
    """A run on this machine from its plan to its outcome, under the lock; or, where one is only
    to be made if something is new and nothing is, how the run ended that stands. Raises as ``plan``
    and ``run_locally`` do, and RunUnderWay."""
    check_reports_owner(settings, hooks_of(settings, as_of))
    with fail_run_on_error(hooks_of(settings, as_of), ledger):
        if (standing := standing_run(settings, ledger, as_of)) is not None:
            ledger = RunLedger(ledger.state, standing.run_id)
            log_deliveries(ledger.run_id, deliver_published(settings, ledger))
            return standing
        acquire_lock_for(settings, ledger)
        manifest = plan_run(settings, as_of, ledger, "local", jobs)
        outcome = drive_locally(settings, ledger, manifest, jobs)
    log_deliveries(ledger.run_id, deliver_published(settings, ledger))
    return outcome


def not_published(settings: Settings, outcome: Outcome) -> PipelineError:
    """Why a run that ended is not published, and what readers have instead."""
    kind, verb = (
        (PublishRefused, "was refused") if outcome.state == "refused" else (PipelineError, "failed")
    )
    return kind(
        f"Run {outcome.run_id} {verb}: {outcome.reason}",
        f"{what_stands(open_state(settings.state))} {outcome.remedy}".strip(),
    )


def what_stands(state: Storage) -> str:
    """What a run that was not published leaves to readers, in a sentence."""
    if newest_shown(state) is None:
        return "No report is published yet."
    return "The earlier report stands."
