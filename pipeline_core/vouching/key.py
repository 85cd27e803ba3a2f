"""The key of a state, which this process has or has not, as it has its log.

It is not handed from call to call: whoever forgot it would open the state without, and read what
nobody vouches for, and no figure would show it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StateKey:
    """A secret that two who share a state have; it is shown nowhere."""

    secret: bytes = field(repr=False)

    @property
    def mark(self) -> str:
        """Which key it is, as anybody may know: 16 hex digits."""
        return hmac.digest(self.secret, b"mark", "sha256")[:8].hex()

    def hasher(self, key: str) -> hmac.HMAC:
        """HMAC-SHA256 (RFC 2104) of a file under its name, which holds no zero byte: moved to
        another run, or another name, it has another tag."""
        return hmac.new(self.secret, b"file\0" + key.encode() + b"\0", "sha256")


_LEAST_BYTES = 16
_MAKES_ONE = "`openssl rand -hex 32` makes one"
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"


def check_secret(text: str) -> None:
    """Raises ValueError for what can be no key, or is read as another one elsewhere: a file and a
    shell keep different blanks and quotes at its ends. The text is in no message."""
    try:
        secret = text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"not UTF-8; {_MAKES_ONE}") from None
    if not text.isprintable():
        raise ValueError(f"has control characters, such as a line's end; {_MAKES_ONE}")
    if text != text.strip():
        raise ValueError("begins or ends with blanks; take them away, or make another")
    if text[:1] in _QUOTES or text[-1:] in _QUOTES:
        raise ValueError("begins or ends with a quote; take it away, or make another")
    if len(secret) < _LEAST_BYTES:
        raise ValueError(f"shorter than {_LEAST_BYTES} bytes; {_MAKES_ONE}")


_in_force: StateKey | None = None


def use_state_key(key: StateKey | None) -> None:
    """From now on every state of this process is opened under ``key``; None is no key."""
    global _in_force  # noqa: PLW0603  (a process has one key)
    _in_force = key


def state_key() -> StateKey | None:
    """The key in force, to hand to a child process."""
    return _in_force
