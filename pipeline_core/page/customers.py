"""Who is new, and who has returned, since the run published before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from pipeline_core.errors import ContractError
from pipeline_core.ledger import load_snapshot
from pipeline_core.ledger.customers import load_customers, save_customers
from pipeline_core.messages import Summary
from pipeline_core.page import EarlierRun, Newcomers
from pipeline_core.storage import Storage
from pipeline_core.transform.ids import NOT_FOUND, index_of
from pipeline_core.transform.reports.category_sales import known_customers
from pipeline_core.valid_ranges import distinct_ids


def newcomers(
    state: Storage, summary: Summary, before: EarlierRun | None, sales: pa.Table
) -> Newcomers | None:
    """Of the customers in the merged partial ``sales``. None if there is no run before, or if its
    customers or this run's are not all known: those of the dimension are, and strangers that
    ``--unknown bucket`` counts are not. Keeps this run's for the next."""
    now = known_customers(sales)
    if now is None:
        return None
    save_customers(state, summary.run_id, now.serialize())
    if before is None:
        return None
    then = _codes_of(state, before, summary.dimensions_digest)
    if then is None:
        return None
    returned = now.intersection_cardinality(then)
    return Newcomers(new=len(now) - returned, returned=returned, gone=len(then) - returned)


def _codes_of(state: Storage, run: EarlierRun, digest: str) -> BitMap | None:
    """The customers of an earlier run, as codes of the snapshot ``digest``; one that is not in it
    any more keeps a code that no other has."""
    data = load_customers(state, run.run_id)
    if data is None:
        return None
    codes = BitMap.deserialize(data)
    if run.dimensions_digest == digest:
        return codes
    try:
        earlier = distinct_ids(load_snapshot(state, run.dimensions_digest).customers)
    except ContractError:  # somebody may have cleaned up
        return None
    ids = distinct_ids(load_snapshot(state, digest).customers)
    then = earlier.take(pa.array(codes.to_array(), pa.uint32()))
    found = index_of(ids).rows_of(then)
    codes_now = np.where(found == NOT_FOUND, len(ids) + np.arange(len(found)), found)
    return BitMap(codes_now.astype(np.uint32))
