"""What settings would count of a sample: by the very code that runs count with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.containers.cut import cut
from pipeline_core.extract.candidates import Decoded, event_texts
from pipeline_core.extract.decode import decode
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.framing.field_paths import items_of, lookup
from pipeline_core.inspection.fields import text_of
from pipeline_core.inspection.sample import ArchiveSample
from pipeline_core.messages import Feed, RejectReason, UnknownMode
from pipeline_core.messages.inspection import ReasonFound, Share
from pipeline_core.schemas import EVENT_KEY
from pipeline_core.transform.enrich import enrich
from pipeline_core.transform.lookup import Dimensions

NOT_A_PURCHASE = "not_a_purchase"
_LONGEST_EXAMPLE = 200
_MOST_ROWS = 1 << 20
_REASONS = list(RejectReason)
_DUPLICATE_EVENT = 1 + _REASONS.index(RejectReason.DUPLICATE_EVENT)
_BOUGHT = ("customer_id", "product_id", "quantity")


def judge(
    sample: ArchiveSample, feed: Feed, dimensions: Dimensions, unknown: UnknownMode, json_depth: int
) -> Share:
    """Counted and left out, by reason with an example."""
    seen = not_purchase = counted = events = 0
    lost: dict[str, tuple[int, str]] = {}
    copies = _Copies(sample.texts)
    for decoded, sold_on in _decoded(sample, feed, json_depth):
        candidates = decoded.candidates
        places = candidates["position"].to_numpy() + events
        seen += decoded.seen
        not_purchase += decoded.not_purchase
        events += decoded.positions
        dates = pa.repeat(pa.scalar(sold_on, pa.date32()), candidates.num_rows)
        reasons = enrich(candidates, dates, dimensions, unknown, "reject").reasons
        reasons = np.where(copies.of(candidates, places), _DUPLICATE_EVENT, reasons)
        counted += int(np.count_nonzero(reasons == 0))
        copies.count(places[reasons == 0])
        for number in np.unique(reasons[reasons > 0]).tolist():
            rows = np.flatnonzero(reasons == number)
            known, example = lost.get(_REASONS[number - 1], (0, ""))
            lost[_REASONS[number - 1]] = (known + len(rows), example or _example(decoded, rows))
    if not_purchase:
        lost[NOT_A_PURCHASE] = (not_purchase, _no_purchase(sample, feed))
    ordered = sorted(lost.items(), key=lambda item: (-item[1][0], item[0]))
    return Share(
        events=seen,
        items=seen - _without_items(sample, feed) if feed.items else None,
        counted=counted,
        counted_again=copies.counted_again,
        copies_differ=copies.differing(),
        reasons=[ReasonFound(reason, *told) for reason, told in ordered],
    )


class _Copies:
    """What was sent twice by the key of events, and what counts although it stood there before;
    ``texts`` are all events', which are known by their places."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        # What was bought by the key, and by the event that has it, the first one first.
        self._bought: dict[bytes, dict[int, Counter[tuple[object, ...]]]] = {}
        self._counted: set[str] = set()
        self.counted_again = 0

    def of(self, candidates: pa.Table, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the next candidates an earlier event has the key of."""
        found = np.zeros(len(places), bool)
        if EVENT_KEY.name not in candidates.column_names:
            return found
        keys, *bought = (candidates[name].to_pylist() for name in (EVENT_KEY.name, *_BOUGHT))
        for row, (key, place, *what) in enumerate(zip(keys, places.tolist(), *bought, strict=True)):
            if key is not None:
                of_key = self._bought.setdefault(key, {})
                of_key.setdefault(place, Counter())[tuple(what)] += 1
                found[row] = place != next(iter(of_key))
        return found

    def count(self, places: NDArray[np.int64]) -> None:
        """Takes in those of them that count."""
        for place, purchases in Counter(places.tolist()).items():
            self.counted_again += purchases * (self._texts[place] in self._counted)
            self._counted.add(self._texts[place])

    def differing(self) -> int:
        """Purchases that are called copies, and are others than the first ones."""
        return sum(
            each.total()
            for first, *later in map(dict.values, self._bought.values())
            for each in later
            if each != first
        )


def _without_items(sample: ArchiveSample, feed: Feed) -> int:
    """Events that count as one each, having no item."""
    steps = reading_of(feed).steps
    return sum(not (isinstance(e, dict) and items_of(e, steps)) for e in sample.events)


def _decoded(
    sample: ArchiveSample, feed: Feed, json_depth: int
) -> Iterator[tuple[Decoded, date | None]]:
    for window, sold_on in sample.windows:
        for decoded in decode(window, json_depth, _MOST_ROWS, feed):
            yield decoded, sold_on


def _no_purchase(sample: ArchiveSample, feed: Feed) -> str:
    """The first event of another type, if there is one."""
    for event in sample.events:
        kind = lookup(event, feed.event_type) if isinstance(event, dict) else None
        if isinstance(kind, str) and kind not in feed.taken_types:
            return cut(text_of(event), _LONGEST_EXAMPLE)
    return ""


def _example(decoded: Decoded, rows: NDArray[np.int64]) -> str:
    return cut(event_texts(decoded, rows[:1])[0], _LONGEST_EXAMPLE)
