"""The heartbeat: one thread a process shows of all attempts under way in it that they live."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline_core.ledger import lease
from pipeline_core.ledger.run import RunLedger
from pipeline_core.logs import get_logger
from pipeline_core.messages import Attempt

log = get_logger()

_LOOK_SECONDS = 0.5
# Runs of which it is remembered how long their lease holds; a process has a few at once.
_MOST_RUNS = 64


@dataclass(eq=False)
class UnderWay:
    """An attempt that lives: it is renewed each third of its lease of ``seconds``, and handed back
    as soon as its process is ``leaving``, which may be killed any moment: that must not count."""

    ledger: RunLedger
    work_id: str
    attempt: Attempt
    seconds: float
    leaving: Callable[[], bool]
    _renewed: float = field(default_factory=time.monotonic)
    _is_over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self) -> None:
        """Once this returns, nothing more is written of it."""
        _heartbeat().remove(self)
        with self._lock:
            self._is_over = True

    def show(self) -> None:
        """Renews it, or hands it back, if it is time to. What cannot be written is in the log."""
        with self._lock:
            try:
                self._write_if_due()
            except Exception as error:  # the others live on
                log.warning(
                    "attempt_not_renewed",
                    run_id=self.ledger.run_id,
                    work=self.work_id,
                    cause=str(error),
                )

    def _write_if_due(self) -> None:
        now, leaving = time.monotonic(), not self._is_over and self.leaving()
        if self._is_over or (not leaving and now - self._renewed < self.seconds / 3):
            return
        self._renewed = now
        expires = datetime.now(UTC) + timedelta(seconds=self.seconds)
        shown = msgspec.structs.replace(self.attempt, expires_at=expires)
        if leaving:
            shown = msgspec.structs.replace(shown, state="handed_back")
            self.ledger.write_attempt(self.work_id, shown)
            self._is_over = True
            return
        self.ledger.write_attempt(self.work_id, shown)
        extend_lease(self.ledger, self.seconds)


def keep_alive(under_way: UnderWay) -> None:
    """Shows from now on that it lives, until its ``end``."""
    _heartbeat().add(under_way)


def extend_lease(ledger: RunLedger, seconds: float, least: float = 1 / 3) -> None:
    """As ``lease.extend``, unless that share of ``seconds`` is known to be left."""
    _heartbeat().extend_lease(ledger, seconds, least)


def note_lease(ledger: RunLedger, until: float) -> None:
    """This process acquired the run's lease until then (seconds of ``time.monotonic``)."""
    _heartbeat().note_lease(ledger, until)


def lease_known_until(ledger: RunLedger) -> datetime | None:
    """Until when this process knows the run's lease to hold; None if it does not."""
    seconds = _heartbeat().seconds_left(ledger)
    return None if seconds <= 0 else datetime.now(UTC) + timedelta(seconds=seconds)


def note_lease_until(ledger: RunLedger, until: datetime | None) -> None:
    """That the run's lease holds until then is on record, and was read by this process."""
    if until is not None:
        left = (until - datetime.now(UTC)).total_seconds()
        if left > _heartbeat().seconds_left(ledger):
            note_lease(ledger, time.monotonic() + left)


class _Renewal:
    """Of one process. The thread begins with the first attempt, and ends when it finds none under
    way; many short ones, one behind the other, start it once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[UnderWay] = set()
        self._is_running = False
        self._holds_until: dict[tuple[str, str], float] = {}

    def add(self, under_way: UnderWay) -> None:
        with self._lock:
            self._under_way.add(under_way)
            if not self._is_running:
                threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
                self._is_running = True

    def remove(self, under_way: UnderWay) -> None:
        with self._lock:
            self._under_way.discard(under_way)

    def extend_lease(self, ledger: RunLedger, seconds: float, least: float) -> None:
        if self.seconds_left(ledger) > seconds * least:
            return
        now = time.monotonic()
        if lease.extend(ledger, seconds):
            self.note_lease(ledger, now + seconds * 2 / 3)  # it writes only if less is left

    def seconds_left(self, ledger: RunLedger) -> float:
        return self._holds_until.get((ledger.state.uri, ledger.run_id), 0.0) - time.monotonic()

    def note_lease(self, ledger: RunLedger, until: float) -> None:
        with self._lock:
            if len(self._holds_until) >= _MOST_RUNS:
                self._holds_until.clear()
            self._holds_until[ledger.state.uri, ledger.run_id] = until

    def _beat(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                found = tuple(self._under_way)
                self._is_running = bool(found)
                if not found:
                    return
            for each in found:
                each.show()


# By process id: a child that was forked has no thread, and perhaps locks that nobody opens.
_by_process: dict[int, _Renewal] = {}


def _heartbeat() -> _Renewal:
    pid = os.getpid()
    return _by_process.get(pid) or _by_process.setdefault(pid, _Renewal())
