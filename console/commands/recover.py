"""``recover``: the newest run is given what it misses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.commands.resume import resume
from console.display.json_output import Recovered
from console.display.terminal import print_json
from console.options import broker_options, json_option, place_options, quiet_option, run_settings
from pipeline_core.plural import counted

if TYPE_CHECKING:
    from pipeline_core.ledger import RunLedger
    from pipeline_core.settings import Settings


@click.command()
@place_options
@broker_options
@json_option
@quiet_option
def recover_command(as_json: bool, quiet: bool, **options: Any) -> None:
    """Look for a run that stopped moving, and give it what it misses.

    `celery -A workers beat` does this every minute. A run on Celery goes on there; one of this
    machine goes on here.
    """
    sys.exit(recover(run_settings(options), as_json=as_json, quiet=quiet or as_json))


def recover(settings: Settings, *, as_json: bool, quiet: bool) -> int:
    """Gives the newest run what it misses if it stopped: one on Celery is sent again and goes
    on there, a local one goes on here. 0 if there is nothing to recover."""
    from pipeline_core.errors import PipelineError
    from pipeline_core.ledger import RunLedger, lease, open_state, unvouched_words
    from pipeline_core.ledger.run import START_ANOTHER
    from pipeline_core.running.deliveries import deliver_newest
    from pipeline_core.running.lock import is_moving
    from pipeline_core.running.notifications import fail_and_notify, notify_of_outcome

    newest = lease.newest(open_state(settings.state))
    if newest is None:
        none = f"There is no run yet.{unvouched_words(settings.state)}"
        _tell(None, none, as_json=as_json, quiet=False)
        return 0
    ledger = RunLedger(open_state(settings.state), newest.run_id)
    manifest = ledger.planned()
    if (ended := ledger.outcome()) is not None:
        notify_of_outcome(ledger, settings.hooks())
        deliver_newest(settings, ledger.state)
        is_shown = ended.state == "published"
        found = "has ended" if is_shown else f"has ended, {ended.state}: {ended.reason}"
    elif manifest is not None and manifest.engine == "celery":
        found = _sent_again(settings, ledger)
    elif is_moving(ledger):
        found = "is under way"
    elif manifest is None:
        stopped = PipelineError("It stopped before it was planned.", START_ANOTHER)
        fail_and_notify(ledger, settings.hooks(), stopped)
        found = "stopped before it was planned; start another"
    else:
        return resume(settings, ledger.run_id, as_json=as_json, quiet=quiet)
    words = f"Run {ledger.run_id} {found.rstrip('.')}."
    _tell(ledger.run_id, words, as_json=as_json, quiet=quiet)
    outcome = ledger.outcome()
    return outcome.exit_code if outcome and outcome.state == "failed" else 0


def _tell(run_id: str | None, words: str, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(Recovered(run_id=run_id, found=words))
    elif not quiet:
        click.echo(words, err=True)


def _sent_again(settings: Settings, ledger: RunLedger) -> str:
    from console.drive import is_served
    from console.fleet import celery_app
    from workers.reconciler import recover_run

    celery_app(settings)
    is_served(settings, ledger)
    if not recover_run(settings, ledger):
        return "is under way" if ledger.outcome() is None else "has failed"
    sent = ledger.dispatches()[-1]
    were = "was" if len(sent.work) == 1 else "were"
    what = f"{counted(len(sent.work), 'archive')} {were}" if sent.work else "its publication was"
    return f"stopped ({sent.why}); {what} sent to the workers again"
