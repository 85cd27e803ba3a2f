import numpy as np
from numpy.typing import NDArray

MOST_DEPTH: int
MOST_TYPES: int
MOST_DECIMALS: int

def scan(
    text: bytes | bytearray,
    shape: int,
    start: int,
    most_rows: int,
    depth: int,
    not_an_object: int,
    invalid_event_type: int,
    fields: tuple[bytes, ...],
    types: tuple[bytes, ...],
    purchases: int,
    any_ids: bool,
    decimals: int,
    /,
) -> tuple[int, int, int, *tuple[bytes, ...]] | None: ...
def gather(text: bytes | bytearray, spans: NDArray[np.int64], /) -> bytes: ...
def event_borders(text: bytes | bytearray, /) -> tuple[int, int]: ...
def value_borders(text: bytes | bytearray, /) -> tuple[int, int]: ...
def value_end(text: bytes | bytearray, start: int, /) -> int: ...
