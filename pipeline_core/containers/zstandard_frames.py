"""Zstandard frames one behind the other, in memory that is bounded."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

# A frame takes time, though it may hold nothing.
_ZSTANDARD_PIECE = 1 << 14
_FREE_FRAMES, _BYTES_A_FRAME = 1000, 256


def _zstd() -> ModuleType:
    """The standard library's, or before Python 3.14 its backport. Rarely needed, so not at once."""
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


class ZstandardFrames:
    """Frames one after another (RFC 8878), of which the library reads one."""

    eof = False  # another frame may follow: the end of the data is the end

    def __init__(self, dictionary_bytes: int) -> None:
        parameter = _zstd().DecompressionParameter.window_log_max
        least, most = parameter.bounds()
        self._options = {parameter: min(max(dictionary_bytes.bit_length() - 1, least), most)}
        self._inner = _zstd().ZstdDecompressor(options=self._options)
        self._data, self._place = memoryview(b""), 0
        self._frames, self._made = 1, 0

    @property
    def needs_input(self) -> bool:
        return self._place == len(self._data) and (self._inner.eof or self._inner.needs_input)

    @property
    def is_whole(self) -> bool:
        """Whether a frame ends where the data do that were given so far."""
        return self._place == len(self._data) and bool(self._inner.eof)

    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes:
        """Some of what is in the frames; ``data`` only if it ``needs_input``."""
        if data:  # all that there was is used up
            self._data, self._place = memoryview(data), 0
        block = b""
        while not block and not self.needs_input:
            if self._inner.eof:
                self._begin_frame()
            block = self._step(max_length)
        self._made += len(block)
        return block

    def _begin_frame(self) -> None:
        self._frames += 1
        check_frames(self._frames, self._made)
        self._inner = _zstd().ZstdDecompressor(options=self._options)

    def _step(self, max_length: int) -> bytes:
        piece = memoryview(b"")
        if self._inner.needs_input:
            piece = self._data[self._place : self._place + _ZSTANDARD_PIECE]
            self._place += len(piece)
        try:
            block: bytes = self._inner.decompress(piece, max_length)
        except _zstd().ZstdError as cause:
            if "memory" not in str(cause):
                raise ValueError("its Zstandard data are damaged") from cause
            limit = "SALES_MAX_DICTIONARY_BYTES is the limit"
            raise ValueError(f"{cause}; {limit}") from cause
        if self._inner.eof:
            self._place -= len(self._inner.unused_data)
        return block


def check_frames(frames: int, made: int) -> None:
    """Raises ValueError if so many frames, or gzip members, gave too few bytes."""
    if frames > _FREE_FRAMES + made // _BYTES_A_FRAME:
        raise ValueError("it is cut into too many frames: pack it again")
