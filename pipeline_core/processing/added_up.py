"""The results of a run, added up."""

from __future__ import annotations

from collections import Counter

from pipeline_core.ledger.results import Done
from pipeline_core.messages import RejectFigures, RepeatedEntry, ReturnFigures, Tally, Unreadable
from pipeline_core.processing.repeated_entries import repeated_days
from pipeline_core.transform.enrich import merge_figures


class AddedUp:
    """What the results say, added up: one after the other, for there may be very many."""

    def __init__(self) -> None:
        self.archives = self.bytes_read = self.unreadable_count = 0
        self.seen = self.counted = self.not_purchase = self.undated = 0
        self.compressed_bytes = self.json_bytes = self.general_events = 0
        self.seconds = 0.0
        self.days, self.parts, self.returned = Tally(), Tally(), ReturnFigures()
        self.rejected: dict[str, RejectFigures] = {}
        self.ignored: Counter[str] = Counter()
        self.unreadable: list[Unreadable] = []
        self.repeated: set[RepeatedEntry] = set()
        self.digests: dict[str, str | None] = {}
        self.not_opened: set[str] = set()
        self._last = ""

    def take(self, done: Done) -> None:
        """Those of one archive come one behind the other."""
        archive, receipt, counts = done.archive, done.receipt, done.receipt.counts
        if archive.id != self._last:
            self._last, self._is_opened = archive.id, False
            self.archives += 1
            self.not_opened.add(archive.name)
            self.repeated |= repeated_days([archive])
        if receipt.bytes_read and not self._is_opened:
            self._is_opened = True
            self.bytes_read += archive.size
            self.not_opened.discard(archive.name)
        if not receipt.share:
            self.digests[archive.name] = receipt.digest
        self.days, self.parts = self.days + receipt.days, self.parts + receipt.parts
        self.unreadable += receipt.unreadable
        self.unreadable_count += receipt.unreadable_count
        self.rejected = merge_figures(self.rejected, counts.rejected)
        self.returned += counts.returned
        self.seen += counts.seen
        self.counted += counts.counted
        self.not_purchase += counts.not_purchase
        self.undated += counts.undated
        self.compressed_bytes += receipt.compressed_bytes
        self.json_bytes += receipt.json_bytes
        self.general_events += receipt.general_events
        self.repeated |= set(receipt.repeated_parts)
        self.ignored.update(receipt.ignored)
        self.seconds += receipt.seconds
