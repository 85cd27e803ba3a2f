"""Sets of numbers."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap


def bitmap_of(numbers: NDArray[np.uint32]) -> BitMap:
    """All of them. BitMap takes an array's memory as it is, and anything else one by one."""
    return BitMap(array("I", numbers.tobytes()))
