"""A run driven to its outcome, and told of: what ``run``, ``backfill``, ``resume``, ``recover`` and
``publish`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import click

from console.command_logs import configure_command_logs
from console.display.json_output import NothingNew
from console.display.standard_files import printed_if_possible
from console.display.terminal import complain, is_watched, note, print_json
from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import PipelineError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.result_files import HeldResults
from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.notify.hooks import Hooks
from pipeline_core.retry import call_with_retries
from pipeline_core.running.drive import (
    acquire_lock_for,
    check_reports_owner,
    drive_locally,
    fail_run_on_error,
    hooks_of,
    new_ledger,
    not_published,
    plan_run,
    what_stands,
)
from pipeline_core.running.if_changed import standing_run
from pipeline_core.running.local import start_early, stop_early
from pipeline_core.running.resume import reopen
from pipeline_core.settings import Settings

if TYPE_CHECKING:
    from console.fleet import Fleet


def begin(settings: Settings) -> None:
    """To be called before there are threads, or clients."""
    if settings.chosen_engine() == "local":
        start_early(settings.machine_profile.jobs)


def new_run(settings: Settings, as_of: date | None, *, quiet: bool) -> Outcome:
    """Plans a run and drives it to its end. Raises RunUnderWay if another run holds the lock."""
    ledger, hooks = new_ledger(settings), hooks_of(settings, as_of)
    check_reports_owner(settings, hooks)
    with _fail_or_release(settings, hooks, ledger), _view_of(ledger, quiet=quiet):
        fleet = _fleet(settings, quiet=quiet)
        processes = settings.machine_profile.jobs if fleet is None else fleet.total
        acquire_lock_for(settings, ledger)
        check_reports = _ask_about_reports(settings, fleet)
        planned = replace(ledger, held=HeldResults())
        manifest = plan_run(settings, as_of, planned, settings.chosen_engine(), processes)
        check_reports()
        return _drive(settings, ledger, manifest, quiet=quiet, planned=planned, fleet=fleet)


def run_if_changed(settings: Settings, as_of: date | None, *, quiet: bool) -> Outcome | NothingNew:
    """A new run, or, if none is to be made since nothing is new, since when. Raises as ``new_run``
    does."""
    if not settings.if_changed:
        return new_run(settings, as_of, quiet=quiet)
    ledger = new_ledger(settings)
    with _fail_or_release(settings, hooks_of(settings, as_of), ledger):
        standing = standing_run(settings, ledger, as_of)
    if standing is None or standing.summary is None:
        return new_run(settings, as_of, quiet=quiet)
    stop_early()
    return NothingNew(
        nothing_new_since=standing.summary.created_at,
        run_id=standing.run_id,
        status=standing.status,
    )


def go_on(settings: Settings, ledger: RunLedger, *, quiet: bool) -> Outcome:
    """Drives a run that stopped or failed to its end.

    Raises:
        RunUnderWay: another run holds the lock.
        NotServed: a worker would refuse its work.
    """
    asked = is_served(settings, ledger)
    acquire_lock_for(settings, ledger)
    with _fail_or_release(settings, settings.hooks(), ledger):
        manifest = reopen(ledger)
        if not asked:  # nobody was there to be asked
            from console.fleet import wait_for_workers

            wait_for_workers(settings, quiet=quiet)
            is_served(settings, ledger)
        with _view_of(ledger, quiet=quiet):
            return _drive(settings, ledger, manifest, quiet=quiet)


def is_served(settings: Settings, ledger: RunLedger) -> bool:
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
    return call_with_retries(lambda: check_served(settings, shop))


def hush(settings: Settings, *, quiet: bool) -> None:
    """Logs warnings alone where log lines would tear the live view, or nobody wants them. To be
    called before processes are started, which log as this one does."""
    if quiet or is_watched(quiet=quiet):
        configure_command_logs("WARNING", settings.log_format)


def _view_of(ledger: RunLedger, *, quiet: bool) -> AbstractContextManager[object]:
    """The live view of a run, if somebody sits at a terminal and did not ask for quiet."""
    if not is_watched(quiet=quiet):
        return nullcontext()
    from console.display.live import LiveRun

    return LiveRun(ledger)


@contextmanager
def _fail_or_release(settings: Settings, hooks: Hooks, ledger: RunLedger) -> Iterator[None]:
    """As ``fail_run_on_error``; a person who stops this command releases the lock."""
    try:
        with fail_run_on_error(hooks, ledger):
            yield
    except KeyboardInterrupt as stop:
        stop.args = (_how_to_go_on(settings, ledger),)
        raise


def _how_to_go_on(settings: Settings, ledger: RunLedger) -> str:
    manifest = ledger.planned()
    if manifest is not None and ledger.dispatches():
        from console.unfit_fleet import who_goes_on

        return (
            f"Stopped following. {who_goes_on(settings, ledger.run_id)} "
            f"`sales-pipeline resume {ledger.run_id}` follows it again."
        )
    if manifest is None:
        _end_unplanned(ledger)
        return f"Stopped before anything was read. {what_stands(ledger.state)}"
    lease.release(ledger)
    done, total = len(ledger.receipt_ids()), len(manifest.planned_work())
    return (
        f"Stopped. Done: {done} of {total} {manifest.work_unit}. {what_stands(ledger.state)} "
        f"`sales-pipeline resume {ledger.run_id}` goes on."
    )


def _end_unplanned(ledger: RunLedger) -> None:
    """Nothing of the run is there to go on with: it ends here, and its successor tells nobody."""
    held = lease.newest(ledger.state)
    if held is not None and held.run_id == ledger.run_id:
        from pipeline_core.ledger.run import START_ANOTHER
        from pipeline_core.publication.publish import fail

        stopped = PipelineError("It was stopped before it was planned.", START_ANOTHER)
        fail(ledger.state.uri, ledger.run_id, stopped)


def _fleet(settings: Settings, *, quiet: bool) -> Fleet | None:
    """The workers that answer; None if this machine does the work."""
    if settings.chosen_engine() == "local":
        return None
    from console.fleet import fleet_of

    return fleet_of(settings, quiet=quiet)


def _ask_about_reports(settings: Settings, fleet: Fleet | None) -> Callable[[], None]:
    if fleet is None:  # the plan tries them
        return lambda: None
    from console.fleet import ask_about_reports

    return ask_about_reports(settings, fleet)


def _drive(
    settings: Settings,
    ledger: RunLedger,
    manifest: Manifest,
    *,
    quiet: bool,
    planned: RunLedger | None = None,
    fleet: Fleet | None = None,
) -> Outcome:
    """``planned`` knows what the plan took over, if it was made just now; ``fleet`` answered before
    that."""
    if manifest.engine == "celery":
        from console.fleet import wait_for_workers
        from console.follow import follow
        from workers.sending.dispatch import send_outstanding

        if fleet is None or not fleet.is_there:
            wait_for_workers(settings, quiet=quiet)
        call_with_retries(lambda: send_outstanding(planned or ledger, manifest))
        return follow(settings, ledger, manifest, is_just_sent=True)
    keep_freed_memory()
    return drive_locally(settings, ledger, manifest, settings.machine_profile.jobs)


def watch(settings: Settings, ledger: RunLedger, *, quiet: bool) -> Outcome:
    """Follows a run that somebody else drives."""
    try:
        click.echo(f"Run {ledger.run_id} is under way; following it.", err=True)
        from console.follow import follow

        with _view_of(ledger, quiet=quiet):
            return follow(settings, ledger)
    except KeyboardInterrupt as stop:
        stop.args = (f"Stopped following. {_who_drives(settings, ledger)}",)
        raise


def _who_drives(settings: Settings, ledger: RunLedger) -> str:
    manifest = ledger.planned()
    if manifest is None or manifest.engine == "local" or not ledger.dispatches(1):
        return f"Run {ledger.run_id} is left to itself."
    from console.unfit_fleet import who_goes_on

    return who_goes_on(settings, ledger.run_id)


def finish(settings: Settings, outcome: Outcome, *, as_json: bool, quiet: bool) -> int:
    """Says how a run ended; the exit code of CONTRACT."""
    with printed_if_possible(f"`sales-pipeline show {outcome.run_id}` says how the run ended."):
        if as_json and outcome.summary is not None:
            print_json(outcome.summary)
        elif not quiet:
            from console.display.views import print_outcome

            print_outcome(settings, outcome)
    if outcome.state != "published":
        error = not_published(settings, outcome)
        complain(error.message, error.remedy)
    elif settings.deliver is not None:
        _deliver(settings, outcome.run_id, quiet=quiet)
    return outcome.exit_code


def finish_unchanged(settings: Settings, found: NothingNew, *, as_json: bool, quiet: bool) -> int:
    """Says since when nothing is new, and delivers what is still to be delivered of that run; the
    exit code that it had."""
    with printed_if_possible(f"Nothing is new; `sales-pipeline show {found.run_id}` has the run."):
        if as_json:
            print_json(found)
        elif not quiet:
            since = f"{found.nothing_new_since:%Y-%m-%d %H:%M:%S} UTC"
            incomplete = "" if found.status == "complete" else ", which is incomplete"
            click.echo(f"Nothing new since {since}, run {found.run_id}{incomplete}.")
    if settings.deliver is not None:
        _deliver(settings, found.run_id, quiet=quiet)
    return 0 if found.status == "complete" else 3


def _deliver(settings: Settings, run_id: str, *, quiet: bool) -> None:
    """Says what became of each delivery; what failed, also to who wants quiet."""
    from pipeline_core.ledger import open_state
    from pipeline_core.running.deliveries import deliver_published, delivery_words

    ledger = RunLedger(open_state(settings.state), run_id)
    for each in deliver_published(settings, ledger, wait=True):
        if each.cause:
            complain(delivery_words(each), each.remedy)
        elif not quiet:
            note(delivery_words(each))
