"""What settings would count of a sample: by the very code that runs count with."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.containers.cut import cut
from pipeline_core.extract.candidates import Decoded, event_texts
from pipeline_core.extract.decode import decode
from pipeline_core.framing.field_paths import lookup
from pipeline_core.inspection.fields import text_of
from pipeline_core.inspection.sample import ArchiveSample
from pipeline_core.messages import Feed, RejectReason, UnknownMode
from pipeline_core.messages.inspection import ReasonFound, Share
from pipeline_core.transform.enrich import enrich
from pipeline_core.transform.lookup import Dimensions

NOT_A_PURCHASE = "not_a_purchase"
_LONGEST_EXAMPLE = 200
_MOST_ROWS = 1 << 20
_REASONS = list(RejectReason)


def judge(
    sample: ArchiveSample, feed: Feed, dimensions: Dimensions, unknown: UnknownMode, json_depth: int
) -> Share:
    """Counted and left out, by reason with an example; what was sent twice counts here twice."""
    seen = not_purchase = counted = 0
    lost: dict[str, tuple[int, str]] = {}
    for decoded in _decoded(sample, feed, json_depth):
        seen += decoded.seen
        not_purchase += decoded.not_purchase
        dates = pa.nulls(decoded.candidates.num_rows, pa.date32())
        reasons = enrich(decoded.candidates, dates, dimensions, unknown).reasons
        counted += int(np.count_nonzero(reasons == 0))
        for number in np.unique(reasons[reasons > 0]).tolist():
            rows = np.flatnonzero(reasons == number)
            known, example = lost.get(_REASONS[number - 1], (0, ""))
            lost[_REASONS[number - 1]] = (known + len(rows), example or _example(decoded, rows))
    if not_purchase:
        lost[NOT_A_PURCHASE] = (not_purchase, _no_purchase(sample, feed))
    ordered = sorted(lost.items(), key=lambda item: (-item[1][0], item[0]))
    return Share(seen, counted, [ReasonFound(reason, *told) for reason, told in ordered])


def _decoded(sample: ArchiveSample, feed: Feed, json_depth: int) -> Iterator[Decoded]:
    feed = msgspec.structs.replace(feed, event_id=())  # keys are of no account here
    for window in sample.windows:
        yield from decode(window, json_depth, _MOST_ROWS, feed)


def _no_purchase(sample: ArchiveSample, feed: Feed) -> str:
    """The first event of another type, if there is one."""
    for event in sample.events:
        kind = lookup(event, feed.event_type) if isinstance(event, dict) else None
        if isinstance(kind, str) and kind not in feed.purchase_types:
            return cut(text_of(event), _LONGEST_EXAMPLE)
    return ""


def _example(decoded: Decoded, rows: NDArray[np.int64]) -> str:
    return cut(event_texts(decoded, rows[:1])[0], _LONGEST_EXAMPLE)
