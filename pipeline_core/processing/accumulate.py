"""Collects what an archive holds, so that an unreadable part or day can be dropped whole.

Part, day and archive have an accumulator each. A finished level is absorbed by the one above;
an unreadable one is closed and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from pipeline_core.extract.decode import Decoded, event_texts
from pipeline_core.load.rejects import RejectLog
from pipeline_core.machine.profile import EVENT_BYTES
from pipeline_core.messages import Counts, Options, RejectFigures, RejectReason
from pipeline_core.transform.enrich import enrich, merge_figures
from pipeline_core.transform.lookup import Dimensions
from pipeline_core.transform.reports import REPORTS

_REASONS = [reason.value for reason in RejectReason]


@dataclass(frozen=True)
class Chunk:
    """Decoded events and their place; ``first`` is the part's position of the first one."""

    archive: str
    day: str
    date: date | None
    part: str
    first: int
    decoded: Decoded


@dataclass(frozen=True)
class Rules:
    """What every accumulator of an archive counts by."""

    dimensions: Dimensions
    options: Options

    @property
    def window_bytes(self) -> int:
        """Text held before it is reduced to sales; what ``batch_size`` events usually take."""
        return self.options.batch_size * EVENT_BYTES


@dataclass
class Accumulator:
    """Chunks become sales once they hold half a window's bytes, so that no two long windows wait
    together; sales become partials once there are ``batch_size`` of them. So neither grows with
    the input."""

    rules: Rules
    seen: int = 0
    not_purchase: int = 0
    counted: int = 0
    general: int = 0
    rejected: dict[str, RejectFigures] = field(default_factory=dict)
    rejects: RejectLog = field(init=False)
    _chunks: list[Chunk] = field(default_factory=list)
    _chunk_bytes: int = 0
    _sales: list[pa.Table] = field(default_factory=list)
    _sales_rows: int = 0
    _partials: dict[str, pa.Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = self.rules.options
        self.rejects = RejectLog(options.reject_rows, options.reject_bytes)

    def add(self, chunk: Chunk) -> None:
        """Takes the next window of events."""
        self.seen += chunk.decoded.seen
        self.not_purchase += chunk.decoded.not_purchase
        self.general += chunk.decoded.general
        self._hold(chunk)

    def absorb(self, inner: Accumulator) -> None:
        """Takes over all that a finished inner level holds, and closes it."""
        if inner.rejects.rows or inner.rejects.is_cut:
            # Its chunks come after what it logged, ours before: keep the order of the log.
            self._reduce_chunks()
        self.seen += inner.seen
        self.not_purchase += inner.not_purchase
        self.counted += inner.counted
        self.general += inner.general
        self.rejected = merge_figures(self.rejected, inner.rejected)
        self.rejects.absorb(inner.rejects)
        self._merge_partials(inner._partials)
        for sales in inner._sales:
            self._hold_sales(sales)
        for chunk in inner._chunks:
            self._hold(chunk)
        inner.rejects.close()

    @contextmanager
    def dropped_on_error(self) -> Iterator[None]:
        """Forgets everything if the body raises."""
        try:
            yield
        except BaseException:
            self.rejects.close()
            raise

    def counts(self) -> Counts:
        """Events by fate, once everything is reduced."""
        self._reduce_chunks()
        return Counts(
            seen=self.seen,
            counted=self.counted,
            not_purchase=self.not_purchase,
            rejected=self.rejected,
        )

    def partials(self) -> dict[str, pa.Table]:
        """Report name to partial, of everything taken so far."""
        self._reduce_chunks()
        self._reduce_sales()
        return {
            report.name: self._partials.get(report.name, report.merge([])) for report in REPORTS
        }

    def _hold(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self._chunk_bytes += len(chunk.decoded.window.text)
        if self._chunk_bytes >= self.rules.window_bytes // 2:
            self._reduce_chunks()

    def _hold_sales(self, sales: pa.Table) -> None:
        self._sales.append(sales)
        self._sales_rows += sales.num_rows
        if self._sales_rows >= self.rules.options.batch_size:
            self._reduce_sales()

    def _reduce_chunks(self) -> None:
        chunks, self._chunks, self._chunk_bytes = self._chunks, [], 0
        if not chunks:
            return
        lengths = [chunk.decoded.candidates.num_rows for chunk in chunks]
        enriched = enrich(
            pa.concat_tables([chunk.decoded.candidates for chunk in chunks]),
            _dates(chunks, lengths),
            self.rules.dimensions,
            self.rules.options.unknown,
        )
        self.counted += enriched.sales.num_rows
        self.rejected = merge_figures(self.rejected, enriched.rejected)
        if enriched.rejected and self.rejects.room:
            reasons = np.split(enriched.reasons, np.cumsum(lengths)[:-1])
            for chunk, chunk_reasons in zip(chunks, reasons, strict=True):
                self._log_rejects(chunk, chunk_reasons)
        self._hold_sales(enriched.sales)

    def _log_rejects(self, chunk: Chunk, reasons: np.ndarray) -> None:
        places = np.flatnonzero(reasons)[: self.rejects.room]
        if not len(places):
            return
        positions = chunk.decoded.candidates["position"].to_numpy()[places].tolist()
        longest = self.rules.options.reject_event_bytes
        texts = event_texts(chunk.decoded, places, longest)
        self.rejects.add_part(
            (chunk.archive, chunk.day, chunk.part),
            (
                (_REASONS[reason - 1], chunk.first + position, text)
                for reason, position, text in zip(
                    reasons[places].tolist(), positions, texts, strict=True
                )
            ),
        )

    def _reduce_sales(self) -> None:
        tables, self._sales, self._sales_rows = self._sales, [], 0
        if not tables:
            return
        sales = pa.concat_tables(tables)
        labels = self.rules.dimensions.labels
        self._merge_partials({report.name: report.aggregate(sales, labels) for report in REPORTS})

    def _merge_partials(self, partials: dict[str, pa.Table]) -> None:
        for report in REPORTS:
            found = [
                side[report.name] for side in (self._partials, partials) if report.name in side
            ]
            if found:
                self._partials[report.name] = report.merge(found)


def _dates(chunks: list[Chunk], lengths: list[int]) -> pa.Array:
    dates = pa.array([chunk.date for chunk in chunks], pa.date32())
    return dates.take(pa.array(np.repeat(np.arange(len(chunks)), lengths)))
