import numpy as np
from numpy.typing import NDArray

def table_of(offsets: NDArray[np.int64], data: bytes | memoryview, seed: int, /) -> bytes: ...
def rows_of(
    table: bytes,
    known_offsets: NDArray[np.int64],
    known_data: bytes | memoryview,
    seed: int,
    offsets: NDArray[np.int64],
    data: bytes | memoryview,
    /,
) -> bytes: ...
