"""``python -m bench.distinct CUSTOMERS PARTIALS``: what merging very many distinct customers takes.

The partials are made one by one, as publishing reads them. In each of six groups each of them
names two thirds of all customers, at random: most are named by one or the other.
"""

from __future__ import annotations

import resource
import sys
import time

import msgspec
import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from bench.results import Distinct
from pipeline_core.schemas import CATEGORY_SALES_PARTIAL
from pipeline_core.transform.reports.category_sales import REPORT, count_customers

_GROUPS = [(category, segment) for category in ("Books", "Toys") for segment in ("A", "B", "C")]
_SEED, _NAMED, _BLOCK = 1, 2 / 3, 1 << 20


def measure(customers: int, partials: int) -> Distinct:
    """Merges so many partials, of ``customers`` codes together."""
    random = np.random.default_rng(_SEED)
    waiting = [_partial(random, customers) for _ in range(partials)]
    merged, seconds, before = REPORT.merge([]), 0.0, _peak_bytes()
    while waiting:
        started = time.perf_counter()
        merged = REPORT.merge([merged, waiting.pop()])
        seconds += time.perf_counter() - started
    found, peak = count_customers(merged), _peak_bytes()
    return Distinct(customers, len(_GROUPS), found, partials, seconds, peak - before)


def _partial(random: np.random.Generator, customers: int) -> pa.Table:
    bitmaps = [BitMap() for _ in _GROUPS]
    for bitmap in bitmaps:
        for first in range(0, customers, _BLOCK):
            named = random.random(min(_BLOCK, customers - first)) < _NAMED
            bitmap |= BitMap((first + np.flatnonzero(named)).astype(np.uint32))
    ones = [1] * len(_GROUPS)
    columns = [
        [category for category, _ in _GROUPS],
        [segment for _, segment in _GROUPS],
        *(ones, ones, ones),
        [bitmap.serialize() for bitmap in bitmaps],
        [[] for _ in _GROUPS],
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, CATEGORY_SALES_PARTIAL, strict=True)]
    return pa.Table.from_arrays(arrays, schema=CATEGORY_SALES_PARTIAL)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure(int(sys.argv[1]), int(sys.argv[2]))))
