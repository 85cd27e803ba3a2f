from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline_core.transform._ids import Table

MOST_GROUPS: int

class Rules: ...  # capsules, which Python can only hand back
class Sums: ...

_Calendar: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None

def rules_of(
    products: Table,
    product_days: _Calendar,
    categories: NDArray[np.int32],
    prices: NDArray[np.int64],
    category_count: int,
    customers: Table,
    customer_days: _Calendar,
    segments: NDArray[np.int32],
    segment_count: int,
    days: int,
    /,
) -> Rules: ...
def sums_by(rules: Rules, secret: int, /) -> Sums: ...
def add(sums: Sums, day: int, first: int, rows: int, columns: tuple[object, ...], /) -> bytes: ...
def absorb(sums: Sums, others: Sums, /) -> None: ...
def place_of_key(secret: int, bits: int, key: int, /) -> int: ...
def size_of(sums: Sums, /) -> int: ...
def by_day(sums: Sums, /) -> tuple[bytes, ...]: ...
def by_product(sums: Sums, /) -> tuple[bytes, ...]: ...
def customers(sums: Sums, /) -> tuple[bytes, bytes]: ...
