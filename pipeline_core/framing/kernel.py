"""The compiled kernel, if there is one.

``_kernel.c`` is an optional extension: without a compiler at installation there is none, and
everything is done without it, several times more slowly, with the same results.
"""

from __future__ import annotations

from pipeline_core.containers.codecs import Octets

try:
    from pipeline_core.framing import _kernel as kernel
except ImportError:  # it was not built
    kernel = None  # type: ignore[assignment]

IS_BUILT = kernel is not None

__all__ = ["IS_BUILT", "Octets", "kernel"]
