"""Memory that ends: who reads one byte too many there ends with the process."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

_PROT_NONE = 0
_libc = ctypes.CDLL(None, use_errno=True)


class Edge:
    """Bytes that are followed by a page that nobody may read."""

    def __init__(self, most: int) -> None:
        """Room for ``most`` bytes, and for more up to a page."""
        self._room = -(-most // mmap.PAGESIZE) * mmap.PAGESIZE
        self._memory = mmap.mmap(-1, self._room + mmap.PAGESIZE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        page = ctypes.c_void_p(first + self._room)
        if _libc.mprotect(page, ctypes.c_size_t(mmap.PAGESIZE), _PROT_NONE):
            raise OSError(ctypes.get_errno(), "the page cannot be closed")

    def ending(self, data: bytes) -> Any:
        """The data, up to the closed page, until this is called again: a memoryview."""
        start = self._room - len(data)
        self._memory[start : self._room] = data
        return memoryview(self._memory)[start : self._room]
