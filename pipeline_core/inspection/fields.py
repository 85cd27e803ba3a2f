"""What the fields of sampled events hold: how often, of which type, and examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from pipeline_core.containers.cut import cut
from pipeline_core.framing.field_paths import MISSING
from pipeline_core.inspection.rows import View, items_of, kind_of, lists_of, view_of
from pipeline_core.messages.inspection import Field, TypeValue

_EXAMPLES = 3
_LONGEST_EXAMPLE = 40
_MOST_DISTINCT = 10_000
_VALUES_TOLD = 30


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


def type_values(view: View, path: str) -> list[TypeValue]:
    """The values of a field with how often they stand there, the commonest first."""
    counts = Counter(text_of(value) for value in view.columns.get(path, ()) if value is not MISSING)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [TypeValue(cut(value, _LONGEST_EXAMPLE), n) for value, n in ordered[:_VALUES_TOLD]]


def text_of(value: object) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
