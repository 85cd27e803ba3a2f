"""Events to candidate purchases, exactly as ``json.loads`` would see them.

Two tiers with the same results. The fast one (``scan.py``) leaves to the general one
(``general_tier.py``) what it is not certain of: a whole window, or single events. In the general
tier msgspec does the work. What it refuses although it may be legal JSON (numbers beyond a double,
lone surrogates) goes to the standard library's decoder, made strict; what that refuses too is not
JSON.
Duplicate keys: the last one counts, in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from pipeline_core.extract.candidate_rows import CandidateRows, TableRows
from pipeline_core.extract.candidates import Decoded
from pipeline_core.extract.feed_rules import NO_OBJECT, Event, Reading, reading_of
from pipeline_core.extract.general_tier import decode_generally
from pipeline_core.extract.scan import Scanned, scan
from pipeline_core.framing.windows import Window
from pipeline_core.messages import Feed
from pipeline_core.schemas import CANDIDATES


def decode(window: Window, json_depth: int, most_rows: int, feed: Feed) -> Iterator[Decoded]:
    """Candidate purchases of one window, about ``most_rows`` at once. Says where an open one ends;
    nothing comes of one without a whole event.

    Raises:
        UnreadablePart: not UTF-8, not JSON, or nested deeper than ``json_depth``; of lines, the
            last one is cut off.
    """
    reading = reading_of(feed)
    names, seen, start = reading.names, 0, 0
    while True:
        scanned = names and scan(window, start, most_rows, json_depth, names)
        if scanned is None:
            if (ending := window.open_ending) is not None and not ending.find():
                return  # it comes again, with more
            yield from _without_first(seen, decode_generally(window, json_depth, reading))
            return
        yield _decide(window, seen, scanned, reading)
        seen, start = seen + scanned.seen, scanned.next
        if not start:
            return


def candidates_by_values(events: Iterable[tuple[object, ...] | None], feed: Feed) -> pa.Table:
    """Candidates (schema CANDIDATES) of events by the values of FIELDS, a missing field being
    None; None in place of the values is an event that is no object. Positions count them all."""
    found = [NO_OBJECT if each is None else Event(*each) for each in events]
    return reading_of(feed).candidates(found)


def _without_first(count: int, decoded: Iterator[Decoded]) -> Iterator[Decoded]:
    """Leaves out the first ``count`` events: they were decoded already."""
    for each in decoded:
        left_out = min(count, each.seen)
        count -= left_out
        positions = each.candidates["position"].to_numpy()
        kept = int(np.searchsorted(positions, left_out))
        candidates = each.candidates.slice(kept)
        yield Decoded(
            each.window,
            left_out,
            each.positions - left_out,
            each.seen - left_out,
            each.not_purchase - (left_out - kept),
            TableRows(
                candidates.set_column(
                    0, CANDIDATES.field("position"), pa.array(positions[kept:] - left_out)
                )
            ),
            None if each.spans is None else each.spans[kept:],
            each.general - left_out,
        )


def _decide(window: Window, first: int, scanned: Scanned, reading: Reading) -> Decoded:
    """Puts what the general tier says of undecided events in their places."""
    seen, not_purchase = scanned.seen, scanned.not_purchase
    rows: CandidateRows = scanned.rows
    spans, undecided = scanned.spans, scanned.undecided
    if len(undecided):
        candidates = rows.table
        places = spans[undecided].tolist()
        decided = reading.candidates([reading.event(window.text[a:b]) for a, b in places])
        not_purchase += len(undecided) - len(decided)
        places_decided = undecided[decided["position"].to_numpy()]
        decided = decided.set_column(
            0, CANDIDATES.field("position"), candidates["position"].take(pa.array(places_decided))
        )
        kept = np.setdiff1d(np.arange(len(candidates)), undecided)
        order = np.argsort(np.concatenate([kept, places_decided]))
        candidates = pa.concat_tables([candidates.take(pa.array(kept)), decided])
        rows = TableRows(candidates.take(pa.array(order)).combine_chunks())
        spans = np.concatenate([spans[kept], spans[places_decided]])[order]
    return Decoded(window, first, seen, seen, not_purchase, rows, spans, len(undecided))
