"""Commands that drive a run to its outcome: ``run``, ``resume``, ``recover``, ``publish``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date

import click

from console.display.terminal import complain, is_watched
from console.interrupt import terminable
from pipeline_core import pipeline
from pipeline_core.configuration.served import Shop
from pipeline_core.errors import PipelineError, RunUnderWay
from pipeline_core.ledger import RunLedger, lease, open_state
from pipeline_core.ledger.run import START_ANOTHER
from pipeline_core.logs import configure_logs
from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.messages import Manifest, Outcome, to_json
from pipeline_core.notify import Hooks
from pipeline_core.retry import tried
from pipeline_core.running.drive import (
    answered_for,
    drive_locally,
    hooks_of,
    new_ledger,
    plan_run,
    take_turn_of,
    what_stands,
)
from pipeline_core.running.local import start_early, stop_early
from pipeline_core.running.notifications import give_up, tell
from pipeline_core.running.resume import reopen
from pipeline_core.running.turn import is_moving
from pipeline_core.settings import Settings


def run_command(
    settings: Settings, as_of: date | None, *, wait: bool, as_json: bool, quiet: bool
) -> int:
    """One run from plan to publication; the exit code of CONTRACT: 0, 1 or 3."""
    hush(settings, quiet=quiet)
    begin(settings)
    with terminable():
        try:
            outcome = new_run(settings, as_of, quiet=quiet)
        except RunUnderWay as other:
            if not wait:
                raise
            stop_early()
            ledger = RunLedger(open_state(settings.state), other.run_id)
            outcome = _watch(settings, ledger, quiet=quiet)
    return finish(settings, outcome, as_json=as_json, quiet=quiet)


def begin(settings: Settings) -> None:
    """To be called before there are threads, or clients."""
    if settings.chosen_engine() == "local":
        start_early(settings.machine_profile.jobs)


def new_run(settings: Settings, as_of: date | None, *, quiet: bool) -> Outcome:
    """Plans a run and drives it to its end. Raises RunUnderWay if it is not its turn."""
    ledger = new_ledger(settings)
    with _answered_for(hooks_of(settings, as_of), ledger), _view_of(ledger, quiet=quiet):
        processes = _processes(settings)
        take_turn_of(settings, ledger)
        manifest = plan_run(settings, as_of, ledger, settings.chosen_engine(), processes)
        return _drive(settings, ledger, manifest)


def go_on(settings: Settings, ledger: RunLedger, *, quiet: bool) -> Outcome:
    """Drives a run that stopped or failed to its end.

    Raises:
        RunUnderWay: it is not its turn.
        NotServed: a worker would refuse its work.
    """
    is_served = _is_served(settings, ledger)
    take_turn_of(settings, ledger)
    with _answered_for(settings.hooks(), ledger):
        manifest = reopen(ledger)
        if not is_served:  # nobody was there to be asked
            from console.fleet import wait_for_workers

            wait_for_workers(settings)
            _is_served(settings, ledger)
        with _view_of(ledger, quiet=quiet):
            return _drive(settings, ledger, manifest)


def _is_served(settings: Settings, ledger: RunLedger) -> bool:
    """Whether workers said that they do a run's work; one on this machine needs none.

    Raises:
        NotServed: one would refuse it.
        ConfigError: the run has no manifest.
        RetryableError: the state storage, or the broker, does not answer.
    """
    manifest = ledger.manifest()
    if manifest.engine != "celery":
        return True
    from console.fleet import check_served

    shop = Shop(ledger.state.uri, manifest.data, manifest.reports)
    return tried(lambda: check_served(settings, shop))


def resume_command(settings: Settings, run_id: str, *, as_json: bool, quiet: bool) -> int:
    """Takes a run up where it stopped or failed; the exit code of CONTRACT."""
    ledger = RunLedger(open_state(settings.state), run_id)
    ledger.manifest()  # a wrong name shows before anything else
    outcome = ledger.outcome()
    hush(settings, quiet=quiet)
    with terminable():
        if is_moving(ledger):
            outcome = _watch(settings, ledger, quiet=quiet)
        elif outcome is None or outcome.state != "published":
            outcome = go_on(settings, ledger, quiet=quiet)
    return finish(settings, outcome, as_json=as_json, quiet=quiet)


def recover_command(settings: Settings, *, as_json: bool, quiet: bool) -> int:
    """Gives the newest run what it misses if it stopped: one on Celery is sent again and goes
    on there, a local one goes on here. 0 if there is nothing to recover."""
    newest = lease.head(open_state(settings.state))
    if newest is None:
        click.echo("There is no run yet.", err=True)
        return 0
    ledger = RunLedger(open_state(settings.state), newest.run_id)
    manifest = ledger.planned()
    if ledger.outcome() is not None:
        tell(ledger, settings.hooks())
        found = "has ended"
    elif manifest is not None and manifest.engine == "celery":
        found = _recovered(settings, ledger)
    elif is_moving(ledger):
        found = "is under way"
    elif manifest is None:
        stopped = PipelineError("It stopped before it was planned.", START_ANOTHER)
        give_up(ledger, settings.hooks(), stopped)
        found = "stopped before it was planned; start another"
    else:
        return resume_command(settings, ledger.run_id, as_json=as_json, quiet=quiet)
    if not quiet:
        click.echo(f"Run {ledger.run_id} {found}.", err=True)
    outcome = ledger.outcome()
    return outcome.exit_code if outcome and outcome.state == "failed" else 0


def publish_command(
    settings: Settings, run_id: str, *, allow_incomplete: bool, allow_drift: bool, as_json: bool
) -> int:
    """Publishes from the receipts of an earlier run; the exit code of CONTRACT."""
    ledger = RunLedger(open_state(settings.state), run_id)
    before = ledger.outcome()
    outcome = pipeline.publish(
        settings.state, run_id, allow_incomplete=allow_incomplete, allow_drift=allow_drift
    )
    if before is not None and before.state != outcome.state:
        ledger.forget_told()
    tell(ledger, settings.hooks())
    return finish(settings, outcome, as_json=as_json, quiet=as_json)


def hush(settings: Settings, *, quiet: bool) -> None:
    """Logs warnings alone where log lines would tear the live view, or nobody wants them. To be
    called before processes are started, which log as this one does."""
    if quiet or is_watched(quiet=quiet):
        configure_logs("WARNING", settings.log_format)


def _view_of(ledger: RunLedger, *, quiet: bool) -> AbstractContextManager[object]:
    """The live view of a run, if somebody sits at a terminal and did not ask for quiet."""
    if not is_watched(quiet=quiet):
        return nullcontext()
    from console.display.live import LiveRun

    return LiveRun(ledger)


@contextmanager
def _answered_for(hooks: Hooks, ledger: RunLedger) -> Iterator[None]:
    """As ``answered_for``; a person who stops this command ends its turn."""
    try:
        with answered_for(hooks, ledger):
            yield
    except KeyboardInterrupt as stop:
        stop.args = (_how_to_go_on(ledger),)
        raise


def _how_to_go_on(ledger: RunLedger) -> str:
    manifest = ledger.planned()
    if manifest is not None and ledger.dispatches():
        return (
            f"Stopped following. Celery workers go on with run {ledger.run_id} and publish it; "
            f"`sales-pipeline resume {ledger.run_id}` follows it again."
        )
    lease.release(ledger)
    if manifest is None:
        return f"Stopped before anything was read. {what_stands(ledger.state)}"
    done, total = len(ledger.receipt_ids()), len(manifest.planned_work())
    return (
        f"Stopped. {done} of {total} {manifest.work_unit} are done. {what_stands(ledger.state)} "
        f"`sales-pipeline resume {ledger.run_id}` goes on."
    )


def _processes(settings: Settings) -> int:
    if settings.chosen_engine() == "local":
        return settings.machine_profile.jobs
    from console.fleet import fleet_processes

    return fleet_processes(settings)


def _drive(settings: Settings, ledger: RunLedger, manifest: Manifest) -> Outcome:
    if manifest.engine == "celery":
        from console.fleet import wait_for_workers
        from console.follow import follow
        from workers.dispatch import send_outstanding

        wait_for_workers(settings)
        tried(lambda: send_outstanding(ledger, manifest))
        return follow(settings, ledger)
    keep_freed_memory()
    return drive_locally(settings, ledger, manifest, settings.machine_profile.jobs)


def _watch(settings: Settings, ledger: RunLedger, *, quiet: bool) -> Outcome:
    """Follows a run that somebody else drives."""
    try:
        click.echo(f"Run {ledger.run_id} is under way; following it.", err=True)
        from console.follow import follow

        with _view_of(ledger, quiet=quiet):
            return follow(settings, ledger)
    except KeyboardInterrupt as stop:
        stop.args = (f"Stopped following. Run {ledger.run_id} is left to itself.",)
        raise


def _recovered(settings: Settings, ledger: RunLedger) -> str:
    from console.fleet import celery_app
    from workers.reconciler import recover_run

    celery_app(settings)
    _is_served(settings, ledger)
    if not recover_run(settings, ledger):
        return "is under way" if ledger.outcome() is None else "has failed"
    sent = ledger.dispatches()[-1]
    what = f"{len(sent.work)} archives were" if sent.work else "its publication was"
    return f"stopped ({sent.why}); {what} sent to the workers again"


def finish(settings: Settings, outcome: Outcome, *, as_json: bool, quiet: bool) -> int:
    """Says how a run ended; the exit code of CONTRACT."""
    if as_json and outcome.summary is not None:
        sys.stdout.buffer.write(to_json(outcome.summary))
    elif not quiet:
        from console.display.views import print_outcome

        print_outcome(settings, outcome)
    if outcome.state != "published":
        verb = "was refused" if outcome.state == "refused" else "failed"
        complain(
            f"Run {outcome.run_id} {verb}: {outcome.reason}",
            f"{what_stands(open_state(settings.state))} {outcome.remedy}",
        )
    return outcome.exit_code
