"""Purchases of a sample that were sent twice, and the field that tells one from all others."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipeline_core.catalog.words import words
from pipeline_core.framing.field_paths import lookup
from pipeline_core.inspection.candidates import is_writable
from pipeline_core.inspection.rows import id_text, view_of
from pipeline_core.messages import Feed

# What such a field is called, the likeliest first; and what orders' ids are called: an event that
# is one item of an order has its order's, as the others have.
_OF_EVENTS = ["messageid", "insertid", "eventid", "eventuuid", "uuid", "id"]
_OF_ORDERS = ["orderid", "transactionid", "invoiceid", "purchaseid"]


def event_id(events: Sequence[object], feed: Feed) -> tuple[str, ...]:
    """The path of an id that all purchases have, each another one, but for those that stand there
    twice, alike in every field. Nothing if none does, or no field is so. None that items of orders
    have as well: theirs would be looked at, such as the id of a product."""
    purchases = [
        event
        for event in events
        if isinstance(event, dict) and lookup(event, feed.event_type) in feed.taken_types
    ]
    distinct = {json.dumps(each, sort_keys=True, default=str): each for each in purchases}
    if len(distinct) == len(purchases):
        return ()
    view = view_of(list(distinct.values()), None)
    of_items = view_of(list(distinct.values()), feed.items).inner
    names = _OF_EVENTS + (_OF_ORDERS if feed.items else [])
    found = [
        (names.index(name), path)
        for path, values in view.columns.items()
        if (name := "".join(words(path.rpartition(".")[2]))) in names
        and ("." not in path or name != "id")
        and path not in {feed.customer_id, feed.product_id, *of_items}
        and is_writable(path)
        and len({id_text(value) for value in values} - {None}) == view.rows
    ]
    return tuple(path for _, path in sorted(found)[:1])
