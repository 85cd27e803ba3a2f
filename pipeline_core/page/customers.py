"""Who is new, and who has returned, since the run published before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from pipeline_core.errors import ContractError
from pipeline_core.kept.customers import load_customers, save_customers
from pipeline_core.kept.snapshots import load_customer_numbers, load_snapshot
from pipeline_core.ledger import Past, RunLedger
from pipeline_core.ledger.names import is_run_id
from pipeline_core.load.earlier_runs import EarlierRun
from pipeline_core.messages import Manifest
from pipeline_core.page import Newcomers
from pipeline_core.storage import Storage
from pipeline_core.transform.ids import NOT_FOUND, index_of
from pipeline_core.transform.reports.category_sales import known_customers
from pipeline_core.valid_ranges import distinct_ids


def newcomers(
    state: Storage,
    manifest: Manifest,
    before: EarlierRun | None,
    sales: pa.Table,
    past: Past,
) -> Newcomers | None:
    """Of the customers in the merged partial ``sales``. None if there is no run before, or if its
    customers or this run's are not all known: those of the dimension are, and strangers that
    ``--unknown bucket`` counts are not. Keeps this run's for the next. Where the run
    before is the newest of the ``past``, what is known of that is not read again."""
    now = known_customers(sales)
    if now is None:
        return None
    save_customers(state, manifest.run_id, now.serialize())
    known = past.newest
    if before is not None and known is not None and known.run_id == before.run_id and past.is_alike:
        return Newcomers(new=0, returned=len(now), gone=0)
    then = _customers_of(state, before, manifest, known) if before is not None else None
    if then is None:
        return None
    returned = now.intersection_cardinality(then)
    return Newcomers(new=len(now) - returned, returned=returned, gone=len(then) - returned)


def _customers_of(
    state: Storage, run: EarlierRun, manifest: Manifest, known: Manifest | None
) -> BitMap | None:
    """The customers of an earlier run by their numbers in this one; one who is not in this one's
    snapshot any more has a number that nobody else has."""
    data = load_customers(state, run.run_id) if is_run_id(run.run_id) else None
    earlier = known if known is not None and known.run_id == run.run_id else None
    if data is not None and earlier is None:
        earlier = RunLedger(state, run.run_id).planned()
    if data is None or earlier is None:
        return None
    then = BitMap.deserialize(data)
    if _snapshot_of(earlier) == _snapshot_of(manifest):
        return then
    try:
        was = _numbered(state, earlier)
    except ContractError:  # somebody may have cleaned up
        return None
    is_now = _numbered(state, manifest)
    bought = np.isin(was.numbers, then.to_array())
    places = index_of(is_now.ids).rows_of(was.ids.filter(pa.array(bought)))
    free = int(is_now.numbers.max(initial=NOT_FOUND)) + 1
    numbers = np.append(is_now.numbers, NOT_FOUND)[places]
    numbers = np.where(places == NOT_FOUND, free + np.arange(len(places)), numbers)
    return BitMap(numbers.astype(np.uint32))


def _snapshot_of(manifest: Manifest) -> tuple[str, str | None]:
    return manifest.dimensions_digest, manifest.customer_numbers


class _Numbered(NamedTuple):
    """The distinct customers of a run, and the number of each."""

    ids: pa.LargeBinaryArray
    numbers: NDArray[np.int64]


def _numbered(state: Storage, manifest: Manifest) -> _Numbered:
    """Raises ContractError if the snapshot is gone."""
    snapshot = load_snapshot(state, manifest.dimensions_digest)
    ids = distinct_ids(snapshot.customers)
    numbers = load_customer_numbers(state, *_snapshot_of(manifest))
    return _Numbered(ids, np.arange(len(ids)) if numbers is None else numbers)
