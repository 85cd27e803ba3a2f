"""What this worker serves: it obeys messages about that, and tells it to whoever asks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery import bootsteps
from celery.signals import worker_init, worker_process_init

from pipeline_core.configuration.places import is_local
from pipeline_core.configuration.served_shops import ServedPlaces, Shop
from pipeline_core.errors import ConfigError, DamagedRecord, NotServed
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.heartbeat import note_lease_until
from pipeline_core.ledger.names import is_archive_id, is_number, is_run_id, is_slot
from pipeline_core.ledger.state import unvouched_run
from pipeline_core.messages import Work
from pipeline_core.processing.process import manifest_of
from pipeline_core.storage import open_only
from workers.celery import app, settings
from workers.config import SERVES, STATE_MARK, mark_of
from workers.start_checks import end

_FORGED = "Look for whoever else may write to the broker, or into the state."


@lru_cache(maxsize=1)
def served_places() -> ServedPlaces:
    """Of this worker's settings. Where its places lead is looked at once."""
    return ServedPlaces.of(settings.shops())


def served_run(state: object, run_id: object) -> RunLedger:
    """The run that a message names. Nothing is opened.

    Raises:
        NotServed: the state is none of this worker's, or no run can be called so.
    """
    place = served_places().state(state)
    if not isinstance(run_id, str) or not is_run_id(run_id):
        raise NotServed(f"No run is called {ascii(run_id)[:100]}.", _FORGED)
    try:
        return RunLedger(open_state(place), run_id)
    except ConfigError as error:  # it is kept under a key, and this worker has none
        raise NotServed(error.message, error.remedy) from None


def check_run(ledger: RunLedger, worker: str) -> None:
    """Looks at the run before anything is done for it by the worker of this name.

    Raises:
        NotServed: there is no such run, or it is not planned yet, or its manifest names places that
            this worker does not serve with its state, or another run.
        RetryableError: the state storage does not answer.
    """
    try:
        manifest = manifest_of(ledger.state.uri, ledger.run_id)
    except (ConfigError, DamagedRecord):  # no manifest: was it lost, or never there?
        if was_sent(ledger):
            return
        kept = unvouched_run(ledger.state.uri, ledger.run_id)
        if kept is not None:
            raise NotServed(kept.message, "Set SALES_STATE_KEY alike everywhere.") from None
        cause = f"There is no run {ledger.run_id!r} in {ledger.state.uri} of which work was sent."
        raise NotServed(cause, _FORGED) from None
    if manifest.run_id != ledger.run_id:
        raise NotServed(f"The manifest of run {ledger.run_id} is another run's.", _FORGED)
    shop = Shop(ledger.state.uri, manifest.data, manifest.reports)
    served_places().check(shop, f"The worker {worker}")
    note_lease_until(ledger, manifest.locked_until)


def check_slot(name: object) -> None:
    """Raises NotServed if no slot can be called so."""
    if not is_slot(name):
        raise NotServed(
            f"No slot can be called {ascii(name)[:100]}.", "Use letters, digits and - _ . : +."
        )


def was_sent(ledger: RunLedger) -> bool:
    """Whether messages about the run may be ours: the record of them is older than they are.
    Raises RetryableError."""
    return bool(ledger.dispatches())


def check_work(ledger: RunLedger, archive: object, skip: object, share: object) -> Work:
    """The work that a message names, which the run planned, or asked for later.

    Raises:
        NotServed: it did not.
        ConfigError: the run's manifest is gone.
        RetryableError: the state storage does not answer.
    """
    if not is_archive_id(archive) or not (share is None or is_number(share)):
        raise _no_such_work(ledger)
    if skip is not None and not (isinstance(skip, (list, tuple)) and all(map(is_number, skip))):
        raise _no_such_work(ledger)
    work = Work(str(archive), None if skip is None else tuple(skip), share)  # type: ignore[arg-type]
    if not manifest_of(ledger.state.uri, ledger.run_id).plans(work):
        # A whole archive in the place of its shares, a copy in that of its original.
        sent = (each for dispatch in ledger.dispatches() for each in dispatch.work)
        if work not in sent:
            raise _no_such_work(ledger)
    return work


def is_wanted(ledger: RunLedger, work: Work) -> bool:
    """Whether the work of a run is still to be done. An ended run wants nothing, nor is done
    again whose result was taken over from an earlier run. Raises RetryableError."""
    if ledger.outcome() is not None:
        return False
    # Results that turn out to be damaged are taken over no longer: then it is looked again.
    reused = work.id in _reused(ledger.state.uri, ledger.run_id) and ledger.is_reused(work.id)
    return not reused


def _no_such_work(ledger: RunLedger) -> NotServed:
    return NotServed(f"The message names work that run {ledger.run_id} does not have.", _FORGED)


@lru_cache(maxsize=2)
def _reused(state_uri: str, run_id: str) -> frozenset[str]:
    """Work whose results were taken over, once per worker process."""
    return frozenset(RunLedger(open_state(state_uri), run_id).reused_ids())


@worker_init.connect
def _end_without_key(**_: Any) -> None:
    """A state under a key is nothing for a worker that has none. A bucket is asked later, by each
    child: what its client starts does not survive a fork."""
    for shop in settings.shops():
        if is_local(shop.state):
            try:
                open_state(shop.state)
            except ConfigError as error:
                end(error)


@worker_init.connect
def _open_nothing_else(**_: Any) -> None:
    """Whatever a record of the state names, this process opens no other place."""
    open_only(served_places().check_place)


worker_process_init.connect(_open_nothing_else)  # of a child that was not forked


class Serves(bootsteps.StartStopStep):  # type: ignore[misc]
    """Tells what is served, to commands and to `celery inspect stats`."""

    def info(self, _worker: Any) -> dict[str, Any]:
        """What is added to the worker's statistics."""
        return {SERVES: served_places().as_json(), STATE_MARK: mark_of(settings)}


app.steps["worker"].add(Serves)
