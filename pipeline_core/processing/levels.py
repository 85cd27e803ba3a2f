"""What an archive, its day and the day's part hold, so that an unreadable one can be dropped whole.

What a finished part holds becomes its day's, and what a day holds its archive's. Of one that cannot
be read nothing is left, whatever was counted of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from pipeline_core.extract.candidates import event_texts
from pipeline_core.load.rejects import RejectLog
from pipeline_core.messages import Counts, Position, RejectFigures, RejectReason, ReturnFigures
from pipeline_core.processing.event_keys import KeyLog
from pipeline_core.processing.named_log import NamedLog
from pipeline_core.processing.rules import Rules, window_bytes
from pipeline_core.processing.steps import Chunk, End
from pipeline_core.transform.enrich import Enriched, merge_figures
from pipeline_core.transform.running_merge import RunningMerge, Waiting
from pipeline_core.transform.sums import SalesSums, SummedSales

# Of sums and customers that are held, in all levels: some MiB.
_MOST_SUMS = 1 << 16

_REASONS = [reason.value for reason in RejectReason]


class Level:
    """What one of them holds: chunks that wait to be enriched, sales that wait to be aggregated,
    what is certain of others, added up, and the partials of all others. It is closed behind the
    body of ``with``."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.rejects = RejectLog(rules.options.reject_rows, rules.options.reject_bytes)
        self.keys = KeyLog()
        self._begin()

    def _begin(self) -> None:
        self.seen = self.not_purchase = self.counted = self.undated = self.general = 0
        self.rejected: dict[str, RejectFigures] = {}
        self.returned = ReturnFigures()
        self.chunks: Waiting[Chunk] = Waiting()
        self.sales: Waiting[pa.Table] = Waiting()
        self.sums: SalesSums | None = None
        self.named = NamedLog()
        self._partials: dict[str, RunningMerge[pa.Table]] = {}
        # Whether anything came of chunks.
        self._is_used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.rejects, self.keys:
            self._begin()

    def clear(self) -> None:
        """Forgets everything."""
        if self.keys.rows:
            self.keys.clear()
        if self._is_used:
            self.rejects.clear()
            self._begin()
        else:
            self.seen = self.not_purchase = self.general = 0
            self.chunks.taken()

    def take(self, chunk: Chunk) -> None:
        """Takes the next events."""
        self.seen += chunk.decoded.seen
        self.not_purchase += chunk.decoded.not_purchase
        self.general += chunk.decoded.general
        if self.rules.options.feed.event_id:
            self.keys.add(chunk.day_index, chunk.decoded.candidates)
        self.chunks.add(chunk, len(chunk.decoded.window.text))

    def add_up(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Adds up what is certain of ``chunks``. Returns what is not, which is to be enriched."""
        rest: list[Chunk] = []
        for chunk in chunks:
            rows = chunk.decoded.rows
            if not rows.count:
                continue
            if self.rules.sums is None:
                rest.append(chunk)
                continue
            self._is_used = True
            self.sums = self.sums or SalesSums(self.rules.sums)
            left = self.sums.add(chunk.date, rows.first, rows.count, rows.columns)
            self.counted += rows.count - len(left)
            if len(left):
                rest.append(chunk._replace(decoded=chunk.decoded.only(left)))
        return rest

    def take_enriched(self, chunks: Sequence[Chunk], enriched: Enriched) -> None:
        """Takes what became of ``chunks``."""
        self._is_used = True
        self.counted += enriched.sales.num_rows
        self.undated += enriched.undated
        self.rejected = merge_figures(self.rejected, enriched.rejected)
        self.returned += enriched.returned
        self.named.add(chunks, enriched)
        if enriched.rejected and self.rejects.room:
            lengths = [chunk.decoded.rows.count for chunk in chunks]
            reasons = np.split(enriched.reasons, np.cumsum(lengths)[:-1])
            for chunk, chunk_reasons in zip(chunks, reasons, strict=True):
                self._log_rejects(chunk, chunk_reasons)
        if enriched.sales.num_rows:
            self.sales.add(enriched.sales, enriched.sales.num_rows)

    def take_partials(self, partials: Mapping[str, pa.Table]) -> None:
        """Takes what became of some sales, by report."""
        for report in self.rules.reports:
            if report.name in partials:
                running = self._partials.setdefault(report.name, report.running_merge())
                running.add(partials[report.name])

    def absorb(self, inner: Level) -> None:
        """Takes over all that ``inner`` holds, and leaves it nothing. What it rejected was logged
        after all that is held here was enriched: see ``Levels.due_chunks``."""
        self.seen += inner.seen
        self.not_purchase += inner.not_purchase
        self.general += inner.general
        if inner.keys.rows:
            self.keys.absorb(inner.keys)
        if inner._is_used:
            self._absorb_results(inner)
        self.chunks.absorb(inner.chunks)
        inner.clear()

    def _absorb_results(self, inner: Level) -> None:
        self._is_used = True
        self.counted += inner.counted
        self.undated += inner.undated
        self.rejected = merge_figures(self.rejected, inner.rejected)
        self.returned += inner.returned
        self.rejects.absorb(inner.rejects)
        self.named.absorb(inner.named)
        self.take_partials({name: running.whole() for name, running in inner._partials.items()})
        self.sales.absorb(inner.sales)
        if self.sums and inner.sums:
            self.sums.absorb(inner.sums)
        else:
            self.sums = self.sums or inner.sums

    def counts(self) -> Counts:
        """Events by fate, once nothing waits."""
        return Counts(
            seen=self.seen,
            counted=self.counted,
            not_purchase=self.not_purchase,
            rejected=self.rejected,
            returned=self.returned,
            undated=self.undated,
        )

    def partials(self) -> dict[str, pa.Table]:
        """Report name to partial, once nothing waits."""
        return {
            report.name: self._partials.get(report.name, report.running_merge()).whole()
            for report in self.rules.reports
        }

    def _log_rejects(self, chunk: Chunk, reasons: np.ndarray) -> None:
        places = np.flatnonzero(reasons)[: self.rejects.room]
        if not len(places):
            return
        candidates = chunk.decoded.candidates.select(["position", "item"]).take(pa.array(places))
        positions = zip(*(column.to_pylist() for column in candidates.columns), strict=True)
        longest = self.rules.options.reject_event_bytes
        texts = event_texts(chunk.decoded, places, longest)
        self.rejects.add_part(
            (chunk.archive, chunk.day, chunk.part),
            (
                (_REASONS[reason - 1], Position(chunk.first + position, item), text)
                for reason, (position, item), text in zip(
                    reasons[places].tolist(), positions, texts, strict=True
                )
            ),
        )


class Levels:
    """The archive, its day and the day's part, from the outside in.

    Chunks are due once a level holds half a window's bytes of text, so that no two long windows
    wait together; sales once it holds ``batch_size`` of them. So neither grows with the input. At
    the archive's end everything is due.
    """

    def __init__(self, rules: Rules) -> None:
        self.archive, self.day, self.part = self._all = [Level(rules) for _ in range(3)]
        self._most_text = window_bytes(rules.options) // 2
        self._most_sales = rules.options.batch_size
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.archive, self.day, self.part:
            pass

    def take(self, step: Chunk | End) -> None:
        """Takes the next events, or ends a level."""
        if isinstance(step, Chunk):
            self.part.take(step)
        elif step.of == "part":
            if step.counts:
                self.day.absorb(self.part)
            else:
                self.part.clear()
        elif step.of == "day":
            if step.counts:
                self.archive.absorb(self.day)
            else:
                self._clear(self.part, self.day)
        else:
            self._is_over = True
            self._most_text = self._most_sales = 0
            if not step.counts:
                self._clear(*self._all)

    @property
    def is_any_due(self) -> bool:
        """Whether chunks, sales or sums are."""
        for level in self._all:
            if level.chunks.size >= self._most_text or level.sales.size >= self._most_sales:
                return True
            if level.sums is not None and level.sums.size >= _MOST_SUMS:
                return True
        return self._is_over

    def due_chunks(self) -> Iterator[tuple[Level, list[Chunk]]]:
        """Those to be enriched now, with the level that holds them. What stands before them in the
        archive comes before them: rejects are logged in the order of their places."""
        due = [level for level in self._all if level.chunks.size >= self._most_text]
        for level in self._all[: self._all.index(due[-1]) + 1] if due else ():
            if level.chunks.pieces:
                yield level, level.chunks.taken()

    def due_sales(self) -> Iterator[tuple[Level, list[pa.Table]]]:
        """Those to be aggregated now, with the level that holds them."""
        for level in self._all:
            if level.sales.pieces and level.sales.size >= self._most_sales:
                yield level, level.sales.taken()

    def due_sums(self) -> Iterator[tuple[Level, SummedSales]]:
        """What was added up and has to be partials now, with the level that holds it."""
        for level in self._all:
            sums = level.sums
            if sums is not None and (self._is_over or sums.size >= _MOST_SUMS):
                level.sums = None
                yield level, sums.sold()

    @staticmethod
    def _clear(*levels: Level) -> None:
        for level in levels:
            level.clear()
