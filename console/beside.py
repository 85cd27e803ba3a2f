"""The local engine in a process beside the command: numpy, Arrow and all that works on tables are
imported there while the command reads its settings, and what plans, processes and publishes is done
there. The command looks after it: settings, lock, leases, notifications, what a person sees."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline_core.errors import PipelineError
from pipeline_core.machine.side_process import SideProcess, SideProcessDied, end_with_parent

if TYPE_CHECKING:
    from pipeline_core.ledger import RunLedger
    from pipeline_core.messages import Manifest, Order, Outcome, Policy
    from pipeline_core.settings import Settings
    from pipeline_core.vouching.key import StateKey

_side: list[SideProcess] = []
# In the process beside the command: what it planned, and has not done.
_planned: list[Manifest] = []


def start_beside() -> None:
    """To be called when little is imported and nothing else was done. Where it would not help, or
    is not known to be safe, there is no such process, and the command does it all."""
    is_possible = sys.platform == "linux" and threading.active_count() == 1
    if not is_possible or len(os.sched_getaffinity(0)) == 1:
        return
    # What both need is imported once, and in memory once.
    import pipeline_core.ledger.attempts
    import pipeline_core.ledger.results
    import pipeline_core.places.owner
    import pipeline_core.places.writable  # noqa: F401

    gc.freeze()  # a collection would write to all that is there, and have it copied
    _side.append(SideProcess(_import_all))


def is_beside() -> bool:
    """Whether there is one."""
    return bool(_side)


def stop_beside() -> None:
    """Ends one that nobody needs."""
    while _side:
        _side.pop().end()


def begin_beside(jobs: int, configure_logs: Callable[[], None]) -> None:
    """Has it fork ``jobs`` processes, when it has imported everything."""
    from pipeline_core.store_environment import store_variables
    from pipeline_core.vouching.key import state_key

    _side[0].send(_begin, jobs, configure_logs, state_key(), store_variables())


def run_beside(settings: Settings, as_of: date | None, ledger: RunLedger, jobs: int) -> Outcome:
    """As ``plan_run`` and ``drive_locally`` do."""
    from pipeline_core.ledger.attempts import COMMAND, PLAN, Worker, attempt, this_process
    from pipeline_core.running.drive import tell_of_plan
    from pipeline_core.running.notifications import notify_of_outcome

    order = settings.order(ledger.run_id, "local", partial(int, jobs), as_of)
    with attempt(ledger, order.policy, PLAN, Worker(this_process())):
        policy: Policy = _call(_plan, order)
    if settings.lineage() is not None:
        tell_of_plan(settings, ledger, ledger.manifest())
    with attempt(ledger, policy, COMMAND, Worker(this_process())):
        outcome: Outcome = _call(_run, settings.state, jobs)
    notify_of_outcome(ledger, settings.hooks())
    return outcome


def _call(function: Callable[..., Any], *arguments: object) -> Any:
    try:
        return _side[0].call(function, *arguments)
    except SideProcessDied:
        raise PipelineError(
            "The process that does the run was ended, most likely for want of memory.",
            "Look for what ends processes here, such as too little memory.",
        ) from None


def _import_all() -> None:
    import pipeline_core.advice.empty_tables
    import pipeline_core.planning.feed_paths
    import pipeline_core.planning.plan
    import pipeline_core.planning.sources
    import pipeline_core.processing.process
    import pipeline_core.reuse.taken_over
    import pipeline_core.running.local  # noqa: F401


def _begin(
    jobs: int,
    configure_logs: Callable[[], None],
    key: StateKey | None,
    variables: dict[str, str],
) -> None:
    from pipeline_core.machine.memory import keep_freed_memory
    from pipeline_core.running.local import start_early
    from pipeline_core.store_environment import use_store_variables
    from pipeline_core.vouching.key import use_state_key

    configure_logs()
    use_state_key(key)
    use_store_variables(variables)
    start_early(jobs)
    end_with_parent()
    keep_freed_memory()


def _plan(order: Order) -> Policy:
    from pipeline_core.planning.plan import plan
    from pipeline_core.retry import call_with_retries

    _planned[:] = [call_with_retries(lambda: plan(order))]
    return _planned[0].policy


def _run(state_uri: str, jobs: int) -> Outcome:
    from pipeline_core.running.local import run_locally

    return run_locally(state_uri, _planned.pop(), jobs)
