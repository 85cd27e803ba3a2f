"""What the fields of sampled events hold: how often, of which type, and examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from pipeline_core.containers.cut import cut
from pipeline_core.framing.field_paths import MISSING, lookup
from pipeline_core.inspection.rows import View, items_of, kind_of, lists_of, view_of
from pipeline_core.messages.inspection import Field, TypeValue

_EXAMPLES = 3
_LONGEST_EXAMPLE = 40
_MOST_DISTINCT = 10_000


def fields_of(events: Sequence[object]) -> list[Field]:
    """Every field by its dotted path, those of lists of objects (``items[].sku``) included, in the
    order in which they are met."""
    found = _of_view(view_of(events, None), "")
    orders = [event for event in events if isinstance(event, dict)]
    for path in lists_of(orders):
        inside = [item for order in orders for item in items_of(order, path)]
        found += _of_view(view_of(inside, None), f"{path}.")
    return found


def _of_view(view: View, before: str) -> list[Field]:
    return [_field(before + path, values, view.rows) for path, values in view.columns.items()]


def _field(path: str, values: Sequence[object], rows: int) -> Field:
    there = [value for value in values if value is not MISSING]
    texts = list(dict.fromkeys(text_of(value) for value in there))
    return Field(
        path=path,
        present=len(there),
        rows=rows,
        types=dict(Counter(map(kind_of, there)).most_common()),
        distinct=min(len(texts), _MOST_DISTINCT),
        examples=[cut(text, _LONGEST_EXAMPLE) for text in texts[:_EXAMPLES]],
    )


def type_values(events: Sequence[object], path: str, items: str | None) -> list[TypeValue]:
    """The values of a field with how many events have each, the commonest first; and how many of
    their ``items``, if that is a list. An item that has the field itself has it for its event."""
    of_events, of_items = Counter[str](), Counter[str]()
    for event in events:
        if isinstance(event, dict):
            inside = items_of(event, items) if items else []
            outer = lookup(event, path)
            values = [outer if (own := lookup(i, path)) is MISSING else own for i in inside]
            texts = [text_of(value) for value in values if value is not MISSING]
            of_items.update(texts)
            if not inside and outer is not MISSING:
                texts = [text_of(outer)]
            of_events.update(set(texts))
    ordered = sorted(of_events.items(), key=lambda item: (-item[1], item[0]))
    return [
        TypeValue(cut(value, _LONGEST_EXAMPLE), n, of_items[value] if items else None)
        for value, n in ordered
    ]


def text_of(value: object) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
