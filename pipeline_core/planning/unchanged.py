"""Whether a run would find anything that the newest published one did not."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import eq

import msgspec

from pipeline_core.ledger import RunLedger, open_state, published_ids
from pipeline_core.messages import (
    ArchiveRef,
    DriftLimits,
    Manifest,
    Options,
    Order,
    Outcome,
    ReportPlugin,
)
from pipeline_core.places.standing_report import is_shown
from pipeline_core.planning.plugins import load_plugins
from pipeline_core.planning.survey import Survey, survey
from pipeline_core.reuse.memory import listed_archives, recall, rules_of_now
from pipeline_core.storage import absolute_uri, open_archives


def unchanged_run(order: Order) -> Outcome | None:
    """How the newest published run ended, if a run of this order would find the same archives,
    customers, products and prices, and count and publish them by the same rules; None if it would
    not, or is to look again at what could not be read. Nothing is written.

    Raises:
        ConfigError, InputError, RetryableError: as ``plan`` does.
    """
    places, options = order.places, order.options
    state = open_state(places.state)
    newest = next(published_ids(state), None)
    if newest is None:
        return None
    ledger = RunLedger(state, newest)
    manifest, outcome = ledger.planned(), ledger.outcome()
    if manifest is None or outcome is None or outcome.summary is None:
        return None
    plugins = load_plugins(places, order.report_plugins)
    if not (
        is_alike(manifest, order, plugins)
        and manifest.reports == absolute_uri(places.reports)
        and is_shown(manifest, outcome)
    ):
        return None
    memory = recall(state, manifest.data)
    archives = open_archives(places.data, follow_links=options.follow_links)
    known = listed_archives(memory, options.feed)
    found = survey(archives, options.limits, options.feed, known, requests=order.policy.requests)
    is_settled = outcome.status == "complete" or _is_settled(ledger, manifest)
    if is_settled and is_found(manifest, found) and _are_tables_alike(order, manifest):
        return outcome
    return None


def is_alike(manifest: Manifest, order: Order, plugins: tuple[ReportPlugin, ...]) -> bool:
    """Whether the run was of the order's data, and counted and told by its rules."""
    return (
        manifest.data == absolute_uri(order.places.data)
        and manifest.rules == rules_of_now()
        and manifest.report_plugins == plugins
        and (manifest.price_history is None) == (order.price_history is None)
        and _shown(manifest.options) == _shown(order.options)
    )


def is_found(manifest: Manifest, found: Survey) -> bool:
    """Whether the run planned just what there is."""
    return (
        manifest.conflicting_days == found.conflicting_days
        and manifest.ignored == found.ignored
        and len(manifest.archives) == len(found.archives)
        and all(map(eq, map(_seen, manifest.archives), map(_seen, found.archives)))
    )


def _shown(options: Options) -> Options:
    """Options as far as they decide what is in the files of a published run."""
    return msgspec.structs.replace(
        options,
        allow_incomplete=False,
        allow_drift=False,
        drift=DriftLimits(),
        as_of=None,
        batch_size=1,
    )


def _is_settled(ledger: RunLedger, manifest: Manifest) -> bool:
    """Whether what an incomplete run could not read would not be read now either. Of an archive
    that ended its workers, or that changed, vanished or was forbidden only when it was read, this
    is not known."""
    planned = {each.name for each in manifest.archives if each.unreadable is not None}
    return not any(
        receipt.quarantined
        or any(place.day is None and place.archive not in planned for place in receipt.unreadable)
        for receipt in ledger.receipts()
    )


def _seen(archive: ArchiveRef) -> ArchiveRef:
    """Without what other runs find out of it, and how it is processed."""
    days = tuple(msgspec.structs.replace(day, digest=None) for day in archive.days)
    return msgspec.structs.replace(archive, digest=None, shares=(), days=days)


def _are_tables_alike(order: Order, manifest: Manifest) -> bool:
    from pipeline_core.planning.sources import read_dimensions

    if order.price_history is None:
        snapshot = read_dimensions(order.places, order.options.feed)
        return snapshot.digest == manifest.dimensions_digest
    from pipeline_core.price_history.keeper import PriceKeeper

    keeper = PriceKeeper(open_state(order.places.state), order.price_history, order.run_id)
    read_at = datetime.now(UTC)
    snapshot = read_dimensions(order.places, order.options.feed)
    found = keeper.unchanged(snapshot, read_at)
    return found is not None and (found[0].digest, found[1]) == (
        manifest.dimensions_digest,
        manifest.price_history,
    )
