"""What the state storage knows of runs: the only truth about them.

::

    leases/<token>.json                          which run holds the lock; the highest token counts
    slots/<slot>.json                            the one run of a time on the schedule
    slots/runs/<run_id>.json                     the time on the schedule that a run is of
    published/<run_id>.json                      runs that may become `latest`
    identity.json                                which state it is, once it published
    unchanged.json                               when nothing was new since the newest of them
    runs/<run_id>/manifest.json                  the plan, created once; many archives are in blocks
    runs/<run_id>/dispatches/<n>.json            work that was sent to workers together
    runs/<run_id>/attempts/<work>.<n>.json       who tried what, and until when they are alive;
                                                 once published, of what no result tells
    runs/<run_id>/receipts/<work>.result         created once, last: the archive is done;
                                                 what is small comes behind it
    runs/<run_id>/partials/<work>.<report>.<digest>.parquet, .arrow
    runs/<run_id>/rejects/<work>.<digest>.csv
    runs/<run_id>/event_keys/<work>.<digest>.arrow    if the feed has a SALES_EVENT_ID
    runs/<run_id>/named_ids/<work>.<digest>.arrow     which customers and products events name
    runs/<run_id>/receipts/<work>.json           a receipt with nothing behind it
    runs/<run_id>/distinct.json                  receipts without events that were sent before
    runs/<run_id>/sent_twice/<work>.<digest>.parquet  which events these are
    runs/<run_id>/customers.roaring              who bought: the next run's page compares with it
    runs/<run_id>/verdict.json                   created once: publish, refuse or fail
    runs/<run_id>/changes.json                   what changed since the run before
    runs/<run_id>/outcome.json                   written last: what the verdict said is done
    runs/<run_id>/told.json                      which news of the outcome reached the hooks
    runs/<run_id>/telling.json                   who tells them right now
    runs/<run_id>/lineage_start.json, lineage.json  which OpenLineage events were sent
    runs/<run_id>/deliveries/<destination>.json  what became of a delivery there
    dimensions/<digest>/customers.parquet, products.parquet
    prices/, price_history.json                  what plans saw of prices (see price_lists.py)

``<work>`` is an archive's id, marked if the archive is not processed as planned. Under a key all of
this, and what ``reuse/cache.py`` tells of, is in ``keyed/<mark>/``, each file with its tag behind
it.
"""

from pipeline_core.ledger.publications import (
    Past,
    last_publication,
    mark_published,
    newest_published,
    published_before,
    published_ids,
)
from pipeline_core.ledger.run import RunLedger
from pipeline_core.ledger.runs import is_vouched_run, newest_runs, planted_words, run_ids
from pipeline_core.ledger.state import nothing_yet, open_state, read_state, unvouched_words

__all__ = [
    "Past",
    "RunLedger",
    "is_vouched_run",
    "last_publication",
    "mark_published",
    "newest_published",
    "newest_runs",
    "nothing_yet",
    "open_state",
    "planted_words",
    "published_before",
    "published_ids",
    "read_state",
    "run_ids",
    "unvouched_words",
]
