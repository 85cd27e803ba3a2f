"""The memory of a process that inflates and drops megabytes again and again."""

from __future__ import annotations

import ctypes
import gc
from functools import lru_cache

# mallopt(3): glibc's parameters; the largest mmap threshold it takes on 64 bits.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_IN_HEAP_BYTES = 32 << 20
_KEPT_BYTES = 64 << 20


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """For a process that is ours alone, once all is imported: lets up to 64 MiB that were freed
    stay with it, where the C library is glibc.

    It would give every freed block of 128 KiB and more back to the kernel, and pay for each of
    its pages to be zeroed when the next one is inflated: that takes longer than inflating it.

    What is there already, modules and classes, stays too: the garbage collector need not go
    over it again and again.
    """
    gc.freeze()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if hasattr(ctypes, "CDLL") else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_IN_HEAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
