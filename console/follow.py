"""Follows a run on Celery workers through the state storage, which is where the truth is."""

from __future__ import annotations

import time

from console.fleet import celery_app
from console.unfit_fleet import UnfitFleet
from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.running.lock import is_moving
from pipeline_core.running.notifications import (
    fail_and_notify,
    is_of_interest,
    notify_of_outcome,
)
from pipeline_core.settings import Settings

log = get_logger()

# Looks at the state so often, less often the longer it takes, for who waits long may wait a
# hundredth longer; but spends a tenth of the time on looking at most. Where each look is paid for
# it is a tenth, and a dead worker is noticed as soon as the reconciler would. Who is told that a
# run ended looks at once, and need not look at first.
_POLL_SECONDS, _FAR_POLL_SECONDS = (0.02, 0.2), (0.25, 5.0)
_FAR_FIRST_SECONDS = 2.0
_PAUSE_BY_WAIT, _FAR_PAUSE_BY_WAIT = 0.01, 0.1
_PAUSE_BY_LOOK = 9
_RECOVER_EVERY_SECONDS, _FAR_RECOVER_EVERY_SECONDS = 5.0, 60.0
# Times ``stall_after`` during which nothing could be sent to a run that does not move.
_MOST_SILENCE = 10


def follow(
    settings: Settings,
    ledger: RunLedger,
    manifest: Manifest | None = None,
    *,
    is_just_sent: bool = False,
) -> Outcome:
    """Returns the outcome once it is there. The ``manifest`` is read unless it is known. Of a run
    that ``is_just_sent`` there is none yet.

    It comes: what stopped is sent again, and what nobody works on is ended as failed, also
    where no beat runs.

    Raises:
        RetryableError: the state storage has not answered for as long as a run may stand still.
    """
    celery_app(settings)
    from workers.sending.end_of_run import EndOfRun

    end = EndOfRun(ledger.run_id)
    fleet = UnfitFleet(settings, ledger.state)
    is_far = ledger.state.is_far
    recover_every = min(_RECOVER_EVERY_SECONDS, settings.lease / 2)
    if is_far:
        recover_every = min(_FAR_RECOVER_EVERY_SECONDS, settings.lease)
    started = looked = failing_since = time.monotonic()
    end.wait(_FAR_FIRST_SECONDS if is_just_sent and is_far else 0)
    while True:
        began = time.monotonic()
        # Only workers can send a run on Celery what it misses; a local one's owner is here or gone.
        is_local = manifest is not None and manifest.engine == "local"
        most_silence = settings.stall_after * (1 if is_local else _MOST_SILENCE)
        try:
            outcome = ledger.outcome()
            manifest = manifest or ledger.planned()
            if outcome is not None:
                _notify(settings, ledger, outcome)
                return outcome
        except RetryableError:  # the workers, which try again, may be well; `_recover` logs it
            if time.monotonic() - failing_since > most_silence:
                raise
        now = time.monotonic()
        pause = max(_pause(now - started, is_far=is_far), _PAUSE_BY_LOOK * (now - began))
        if now - looked >= recover_every:
            looked = now
            if manifest is not None and not is_local:
                fleet.look()
            if _recover(settings, ledger, manifest):
                failing_since = now
            elif now - failing_since > most_silence:
                _give_up(settings, ledger)
        end.wait(pause)


def _notify(settings: Settings, ledger: RunLedger, outcome: Outcome) -> None:
    """What nobody wants to hear of is noted by who published."""
    if is_of_interest(settings.hooks(), outcome):
        notify_of_outcome(ledger, settings.hooks(), outcome)


def _pause(waited: float, *, is_far: bool) -> float:
    shortest, longest = _FAR_POLL_SECONDS if is_far else _POLL_SECONDS
    share = _FAR_PAUSE_BY_WAIT if is_far else _PAUSE_BY_WAIT
    return min(max(shortest, share * waited), longest)


def _recover(settings: Settings, ledger: RunLedger, manifest: Manifest | None) -> bool:
    """Whether there is still somebody, or something, to wait for."""
    from workers.reconciler import recover_run

    try:
        return recover_run(settings, ledger, manifest=manifest) or is_moving(ledger)
    except RetryableError as error:
        log.warning("cannot_recover", run_id=ledger.run_id, cause=error.message)
        return False


def _give_up(settings: Settings, ledger: RunLedger) -> None:
    error = RetryableError(
        "It does not move, and nobody takes it up.",
        f"`sales-pipeline doctor` says why; then `sales-pipeline resume {ledger.run_id}`.",
    )
    fail_and_notify(ledger, settings.hooks(), error)
