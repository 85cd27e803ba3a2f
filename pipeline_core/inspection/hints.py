"""What was seen besides, and a person may want to know or to set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from pipeline_core.catalog.words import words
from pipeline_core.framing.field_paths import MISSING
from pipeline_core.inspection.fields import text_of
from pipeline_core.inspection.rows import View
from pipeline_core.inspection.sample import ArchiveSample
from pipeline_core.messages import Feed
from pipeline_core.plural import counted

_STATES = frozenset(["status", "state"])
_MOST_STATES = 12
_TOLD = 6


def hints_of(sample: ArchiveSample, view: View, feed: Feed, cause: str | None) -> Iterator[str]:
    """Sentences, the weightiest first; ``cause`` is why a run could not use the tables."""
    if cause is not None:
        yield f"A run would not begin: {cause} Here every id is taken for a known one."
    for part in sample.parts:
        if part.cause is not None:
            place = " > ".join(filter(None, (part.day, part.part)))
            yield f"{place} cannot be read: {part.cause}."
    repeated = _repeated(sample)
    if repeated and not feed.event_id:
        yield (
            f"The sample holds {counted(repeated, 'event')} that stood there before, alike in "
            "every field: each is counted again."
        )
    kinds = view.columns.get(feed.event_type, [])
    is_purchase = [isinstance(kind, str) and kind in feed.purchase_types for kind in kinds]
    for path, values in view.columns.items():
        if not _STATES & set(words(path.rpartition(".")[2])) or path == feed.event_type:
            continue
        there = zip(values, is_purchase, strict=True)
        states = Counter(text_of(v) for v, counts in there if counts and v is not MISSING)
        if 1 < len(states) <= _MOST_STATES:
            told = ", ".join(value for value, _ in states.most_common(_TOLD))
            yield f"Purchases differ in {path} ({told}): SALES_ONLY={path}=... keeps some of them."


def _repeated(sample: ArchiveSample) -> int:
    """Events of the sample that are there before."""
    texts = Counter(json.dumps(event, sort_keys=True, default=str) for event in sample.events)
    return sum(texts.values()) - len(texts)
