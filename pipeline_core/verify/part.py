"""A part counted again: by sums of whole numbers where it is certain, else event by event."""

from __future__ import annotations

from pipeline_core.messages import Options
from pipeline_core.reread.certain import Uncertain
from pipeline_core.reread.events import events_of
from pipeline_core.reread.fields import Record, records_of
from pipeline_core.verify.certain_sales import CertainSales, is_plain
from pipeline_core.verify.counts import Count, Judged, Place
from pipeline_core.verify.judge import Reject, Rules, Sale, judge
from pipeline_core.verify.waiting import Waiting


class PartCounter:
    """Counts parts by ``rules`` and ``options``. Events that are known by SALES_EVENT_ID wait, and
    count later."""

    def __init__(self, rules: Rules, options: Options, waiting: Waiting | None) -> None:
        self.rules, self.options, self._waiting = rules, options, waiting
        self._certain = CertainSales(rules, options) if is_plain(rules.feed) else None

    def count(self, content: bytes, place: Place, sold_on: str) -> Count:
        """What a part comes to. Raises UnreadablePart."""
        if self._certain is not None:
            try:
                return self._certain.count(content, place, sold_on)
            except Uncertain:
                pass  # as the definition has it
        return self.by_definition(content, place, sold_on)

    def by_definition(self, content: bytes, place: Place, sold_on: str) -> Count:
        """The same, whatever is certain."""
        count = Count(self.options.reject_rows, parts_read=1)
        feed, judged = self.rules.feed, list[tuple[Record, Sale | Reject]]()
        for record in records_of(events_of(content, feed, self.options.limits), feed):
            count.seen += 1
            found = judge(record, sold_on, self.rules)
            if found is None:
                count.not_purchase += 1
            elif self._waiting is None:
                count.take(Judged(place, sold_on, record.position, found))
            else:
                judged.append((record, found))
        if self._waiting is not None:
            count.waiting.append(self._waiting.add(place, sold_on, judged))
        return count
