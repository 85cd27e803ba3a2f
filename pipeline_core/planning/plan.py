"""plan: what is there, what of it is new, and the frozen customers and products."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

from pipeline_core.errors import ContractError
from pipeline_core.ledger import RunLedger, is_vouched_run, open_state, run_ids
from pipeline_core.ledger.heartbeat import lease_known_until
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Order
from pipeline_core.places.owner import check_owner
from pipeline_core.places.writable import check_reports_writable
from pipeline_core.planning.plugins import load_plugins
from pipeline_core.planning.shares import split_into_shares
from pipeline_core.planning.survey import survey
from pipeline_core.reuse.begun_survey import BegunSurvey
from pipeline_core.reuse.cache import DAYS, Kept, kept_names, memory_digest
from pipeline_core.reuse.memory import (
    is_known_feed,
    listed_archives,
    note_days,
    recall,
    recall_days,
    reuse_receipts,
    rules_of_now,
)
from pipeline_core.storage import Storage, absolute_uri, open_archives, open_storage

log = get_logger()

_RUN_TIME = "%Y%m%dT%H%M%S%fZ"
# A clock that forgot the time says 1970; one that says more than this is none.
_FARTHEST_AHEAD = timedelta(days=36525)
_UNPRICED_NAMED = 5
_RUN_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{6}", re.ASCII)


def plan(order: Order, new: RunLedger | None = None) -> Manifest:
    """Writes the manifest of a run and returns it, or the one that was written before. Archives
    that are as the last run left them get their receipts at once. One that is ended before keeps
    which archives it has seen, for the next one. That nobody planned the run, and whose the reports
    are, is not looked for if it is a ``new`` one, whose id the caller has drawn, and looked.

    Raises:
        ConfigError: there is no archive, or no day up to ``order.options.as_of``, or customers,
            products or the reports of a plug-in cannot be used, or a path of the feed is wrong,
            or the price history is lost, or reports cannot be written here, or are another
            state's.
        InputError: a product has a price that is none.
        RetryableError: a storage or the database does not answer.
    """
    started = datetime.now(UTC)
    places, options = order.places, order.options
    state = open_state(places.state)
    ledger = new or RunLedger(state, order.run_id)
    if new is None:
        if (planned := ledger.planned()) is not None:
            return planned
        check_owner(state, open_storage(places.reports))  # shows now, not after the work
    if order.engine == "local":  # workers write where they run
        check_reports_writable(places.reports)
    kept = kept_names(state)
    begun = BegunSurvey(state, absolute_uri(places.data), options.feed, kept)
    with begun.until_planned():
        return _plan(order, ledger, started, begun, kept)


def _plan(
    order: Order, ledger: RunLedger, started: datetime, begun: BegunSurvey, kept: Kept
) -> Manifest:
    places, options, reuse, state = order.places, order.options, order.reuse, ledger.state
    plugins = load_plugins(places, order.report_plugins)
    data = absolute_uri(places.data)
    memory = None if reuse.full else recall(state, data)
    seen = None if reuse.full or DAYS not in kept else recall_days(state, data)
    known_before = [listed_archives(each, options.feed) for each in (memory, seen)]
    archives = open_archives(places.data, follow_links=options.follow_links)
    if not reuse.full:
        known_before.insert(0, begun.known())
    found = survey(
        archives,
        options.limits,
        options.feed,
        *known_before,
        as_of=options.as_of,
        note=begun.note,
        requests=order.policy.requests,
    )
    # What follows works on tables: importing that takes longer than listing most archives.
    from pipeline_core.advice.empty_tables import empty_tables_in_words
    from pipeline_core.kept.snapshots import save_snapshot
    from pipeline_core.planning.feed_paths import check_feed_paths
    from pipeline_core.planning.sources import products_of, read_dimensions, source_of
    from pipeline_core.reuse.taken_over import taken_over

    if not is_known_feed(options.feed, memory, seen):
        check_feed_paths(archives, found.readable(), options.limits, options.feed)
    keeper = None
    if order.price_history is not None:
        from pipeline_core.price_history.keeper import PriceKeeper

        keeper = PriceKeeper(state, order.price_history, order.run_id)
    read_at = datetime.now(UTC)
    snapshot, version = read_dimensions(places, options.feed), None
    if keeper is not None:
        snapshot, version = keeper.continued(snapshot, read_at)
    if options.feed.price is not None and snapshot.scale != options.feed.price_decimals:
        raise ContractError("what was paid, and the products, have different decimals")
    unpriced = snapshot.unpriced
    before = memory.dimensions_digest if memory is not None else ""
    dimensions_digest = save_snapshot(state, snapshot, before)
    taken = taken_over(state, memory, found.archives, options, snapshot, plugins)
    customers = source_of(places, places.customers)
    products = source_of(places, products_of(places, options.feed))
    planned = Manifest(
        run_id=order.run_id,
        created_at=started,
        engine=order.engine,
        data=data,
        reports=absolute_uri(places.reports),
        options=options,
        policy=order.policy,
        dimensions_digest=dimensions_digest,
        customer_numbers=taken.customer_numbers,
        price_scale=snapshot.scale,
        price_history=version,
        locked_until=lease_known_until(ledger),
        remembered=memory_digest(memory) if memory is not None else "",
        customers=customers,
        products=products,
        archives=split_into_shares(found.archives, order.processes(), taken.shares),
        conflicting_days=found.conflicting_days,
        reuse=reuse,
        rules=rules_of_now(),
        unpriced=len(unpriced),
        unpriced_named=tuple(unpriced[:_UNPRICED_NAMED]),
        report_plugins=plugins,
        ignored=found.ignored,
    )
    manifest = ledger.create_manifest(planned, memory.planned if memory is not None else ())
    if manifest is planned:
        reuse_receipts(ledger, manifest, memory, taken.shares)
        if options.as_of is not None:
            note_days(state, manifest, found.listed)
    doubts = {
        manifest.unpriced_words: "products_without_price",
        empty_tables_in_words(snapshot, customers, products): "table_without_rows",
    }
    for cause in filter(None, doubts):
        log.warning(doubts[cause], run_id=order.run_id, cause=cause)
    count = len(manifest.archives)
    log.info("run_planned", run_id=order.run_id, archives=count, unchanged=len(taken.shares))
    return manifest


def new_run_id(now: datetime, state: Storage | None = None) -> str:
    """Sorts by time of planning, and differs for two runs planned in one second.

    It sorts behind every run of ``state``, also if the clock was ahead when that was planned:
    the newest run by id is the one that `latest` shows. What no clock shows, and what the state
    does not vouch for, is none of its runs.
    """
    known = [] if state is None else run_ids(state)
    for run_id in reversed(known):
        if not _RUN_ID.fullmatch(run_id):
            continue
        if state is None or run_id <= f"{now:{_RUN_TIME}}":
            break
        planned_at = _planned_at(run_id)
        if planned_at is None or planned_at - now > _FARTHEST_AHEAD:
            log.warning("run_of_no_clock_ignored", run_id=run_id, state=state.uri)
        elif is_vouched_run(state, run_id):
            now = planned_at + timedelta(microseconds=1)
            break
    return f"{now:{_RUN_TIME}}-{secrets.token_hex(3)}"


def _planned_at(run_id: str) -> datetime | None:
    """By its name; None if there is no such time."""
    try:
        return datetime.strptime(run_id.partition("-")[0], _RUN_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
