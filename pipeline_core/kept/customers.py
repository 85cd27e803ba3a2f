"""Who bought in a run, for the next one to compare with: a roaring bitmap of customer codes.

It is kept behind its own SHA-256 (32 bytes): a torn file is as good as none.
"""

from __future__ import annotations

import hashlib

from pipeline_core.storage import Storage

_DIGEST_BYTES = hashlib.sha256().digest_size


def save_customers(state: Storage, run_id: str, bitmap: bytes) -> None:
    """Stores the serialised bitmap of a run; always the same one for a run."""
    state.write(_key(run_id), hashlib.sha256(bitmap).digest() + bitmap)


def load_customers(state: Storage, run_id: str) -> bytes | None:
    """What was stored, or None if nothing that can be used was."""
    try:
        data = state.read(_key(run_id))
    except FileNotFoundError:
        return None
    digest, bitmap = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return bitmap if hashlib.sha256(bitmap).digest() == digest else None


def _key(run_id: str) -> str:
    return f"runs/{run_id}/customers.roaring"
