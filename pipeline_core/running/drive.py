"""One run on this machine, from its plan to its outcome: what the command and a notebook share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from pipeline_core import pipeline
from pipeline_core.errors import NotServed, RetryableError, RunUnderWay
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.attempts import COMMAND, PLAN, Worker, attempt, costs_told, this_process
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.notify import NOBODY, Hooks
from pipeline_core.publication.latest import newest_published
from pipeline_core.retry import call_with_retries
from pipeline_core.running.local import run_locally
from pipeline_core.running.notifications import give_up, tell
from pipeline_core.running.turn import take_turn
from pipeline_core.settings import Engine, Settings
from pipeline_core.storage import Storage


def new_ledger(settings: Settings) -> RunLedger:
    """The ledger of a run that is not planned yet."""
    state, now = open_state(settings.state), datetime.now(UTC)
    try:
        return RunLedger(state, pipeline.new_run_id(now, state))
    except RetryableError:  # taking the turn will say so, and tell
        return RunLedger(state, pipeline.new_run_id(now))


def hooks_of(settings: Settings, as_of: date | None) -> Hooks:
    """Who is told how the run ends: of one of a time past, nobody. A plan that fails has nothing
    that says it is one."""
    return settings.hooks() if as_of is None else NOBODY


@contextmanager
def answered_for(hooks: Hooks, ledger: RunLedger) -> Iterator[None]:
    """An error, a bug of ours included, ends the run, unless another has the turn, or workers
    refused it before there was a plan: then nothing is left of it."""
    try:
        with costs_told(Worker(this_process()), "finish the run"):
            yield
    except RunUnderWay:
        raise
    except Exception as error:
        if not (isinstance(error, NotServed) and ledger.planned() is None):
            give_up(ledger, hooks, error)
        raise


def take_turn_of(settings: Settings, ledger: RunLedger) -> None:
    """Takes the run's turn; tells of one that was abandoned. Raises RunUnderWay."""
    abandoned = take_turn(ledger, settings.stall_after)
    if abandoned is not None:
        tell(abandoned, settings.hooks())


def plan_run(
    settings: Settings, as_of: date | None, ledger: RunLedger, engine: Engine, processes: int
) -> Manifest:
    """The manifest of the run, whose turn it is. Raises as ``plan`` does."""
    order = settings.order(ledger.run_id, engine, lambda: processes, as_of)
    with attempt(ledger, order.policy, PLAN, Worker(this_process())):
        return call_with_retries(lambda: pipeline.plan(order))


def drive_locally(settings: Settings, ledger: RunLedger, manifest: Manifest, jobs: int) -> Outcome:
    """Processes what is outstanding of a planned run in ``jobs`` processes, publishes it and tells
    the hooks. Raises as ``run_locally`` does."""
    with attempt(ledger, manifest.policy, COMMAND, Worker(this_process())):
        outcome = run_locally(settings.state, manifest, jobs)
    tell(ledger, settings.hooks())
    return outcome


def what_stands(state: Storage) -> str:
    """What a run that was not published leaves to readers, in a sentence."""
    if newest_published(state) is None:
        return "No report is published yet."
    return "The earlier report stands."
