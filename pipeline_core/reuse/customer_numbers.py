"""Numbers by which distinct customers are counted, and which stay from run to run."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.transform.ids import NOT_FOUND, index_of


def kept_numbers(
    before: pa.LargeBinaryArray, numbers: NDArray[np.int64] | None, after: pa.LargeBinaryArray
) -> NDArray[np.int64]:
    """A number for each of the customers ``after`` (distinct ids, as those ``before``), int64 of
    their length: for who was there, that of ``numbers``, or without any the place there; for who
    is new, the lowest that nobody has. It may be that of somebody who is gone: no result that is
    taken over has counted them.
    """
    places = index_of(before).rows_of(after)
    found = places.copy() if numbers is None else np.append(numbers, NOT_FOUND)[places]
    is_new = places == NOT_FOUND
    is_free = np.ones(len(after), np.bool_)
    is_free[found[~is_new & (found < len(after))]] = False
    found[is_new] = np.flatnonzero(is_free)[: np.count_nonzero(is_new)]
    return found
