"""What was seen besides, and a person may want to know or to set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline_core.catalog.words import words
from pipeline_core.framing.field_paths import MISSING
from pipeline_core.inspection.fields import text_of
from pipeline_core.inspection.rows import View
from pipeline_core.inspection.sample import ArchiveSample
from pipeline_core.inspection.search import Chosen
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


def key_hints(today: Chosen, best: Chosen | None) -> Iterator[str]:
    """What the key of events, or its lack, does to what counts today and by the proposal."""
    if differing := today.share.copies_differ:
        yield (
            f"SALES_EVENT_ID={','.join(today.feed.event_id)} takes "
            f"{counted(differing, 'purchase')} for sent twice, but they differ from the first in "
            "customer, product or quantity: it is not what tells an event from all others."
        )
    for whose, shown in (("Today's settings", today), ("The settings below", best)):
        if shown is not None and (again := shown.share.counted_again):
            yield (
                f"{whose} would count {counted(again, 'purchase')} again: alike in every field, "
                "they stood there before. SALES_EVENT_ID names what tells an event from all others."
            )
