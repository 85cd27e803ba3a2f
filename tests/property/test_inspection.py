"""Feeds of any names and formats: proposed settings count what the feed was made to hold."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.catalog.env_line import env_line
from pipeline_core.configuration.places import Places
from pipeline_core.inspection.inspect import inspect
from pipeline_core.messages import Options
from tests.support.archives import archive_zip, day_zip
from tests.support.whole_runs import whole_runs

_TYPES = st.sampled_from(
    ["event_type", "type", "event", "name", "event_name", "action", "meta.kind", "f1"]
)
_CUSTOMERS = st.sampled_from(
    ["customer_id", "user", "userId", "user.id", "client.no", "buyer_id", "distinct_id", "f2"]
)
_PRODUCTS = st.sampled_from(
    ["product_id", "sku", "item.sku", "article", "productId", "item.id", "ean", "f3"]
)
_QUANTITIES = st.sampled_from(["quantity", "qty", "item.count", "units", "amount", "menge", "f4"])
_WORDS = st.sampled_from(
    [
        ("purchase", "view", "add_to_cart"),
        ("Order Completed", "Product Viewed", "Checkout Started"),
        ("kauf", "ansicht", "korb"),
        ("SALE", "SEARCH", "LOGIN"),
        ("c", "a", "b"),
    ]
)
_LISTS = st.sampled_from([None, None, "items", "properties.products", "order.lines"])
_WRITTEN = st.sampled_from([int, int, float, str])
_TABLES = st.sampled_from(
    [
        ("customers", "customer_id", "segment", "products", "product_id", "category", "price"),
        ("clients", "client no", "tier", "articles", "article", "family", "list price"),
        ("users", "id", "group", "skus", "sku", "department", "amount"),
    ]
)


def _as_lines(events: Sequence[object]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


# How a part may be called and hold events.
_PARTS = st.sampled_from(
    [
        ("a.json", lambda events: json.dumps(events).encode()),
        ("a.jsonl", _as_lines),
        ("a.json.gz", lambda events: gzip.compress(_as_lines(events))),
        ("a.json", lambda events: _as_lines(events).replace(b"\n", b"")),
        ("a.json", lambda events: json.dumps({"n": 1, "rows": events}).encode()),
        ("a.json", lambda events: json.dumps({"of": [{"x": 1}], "rows": events}).encode()),
        ("a.log", _as_lines),
        ("shop-1-0", _as_lines),
    ]
)
_IN_A_DAY_ZIP = st.booleans()


@dataclass(frozen=True)
class Made:
    """A feed, its tables, and how many events or items were made to count."""

    events: list[object]
    files: Mapping[str, str]
    counted: int


@st.composite
def feeds(draw: st.DrawFn) -> Made:
    """Some dozens of events, of which few are bad."""
    kind, customer, product = draw(_TYPES), draw(_CUSTOMERS), draw(_PRODUCTS)
    quantity, in_list, written = draw(_QUANTITIES), draw(_LISTS), draw(_WRITTEN)
    purchase, *others = draw(_WORDS)
    as_numbers = draw(st.booleans())
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311  (no secret)
    customers = [1001 + n if as_numbers else f"c{n:03d}" for n in range(25)]
    products = [501 + n if as_numbers else f"p{n:02d}" for n in range(9)]
    events, counted = list[object](), 0
    for n in range(draw(st.integers(60, 120))):
        is_purchase = n % 3 == 0
        who: object = chance.choice(customers)
        good = True
        if chance.random() < 0.02:
            who, good = "nobody", False
        items = []
        for _ in range(chance.choice([1, 2, 3]) if in_list else 1):
            item: dict[str, object] = {}
            _put(item, product, chance.choice(products))
            if is_purchase:
                _put(item, quantity, written(chance.choice([1, 1, 2, 3])))
            items.append(item)
        event: dict[str, object] = {"at": f"2024-03-01T10:{n % 60:02d}:00Z", "price": n + 0.5}
        if in_list:
            _put(event, in_list, items)
        else:
            event |= items[0]
        _put(event, kind, purchase if is_purchase else chance.choice(others))
        _put(event, customer, who)
        events.append(event)
        counted += len(items) * (is_purchase and good)
    tables = draw(_TABLES)
    return Made(events, _files(tables, customers, products), counted)


def _put(event: dict[str, object], path: str, value: object) -> None:
    *outer, last = path.split(".")
    for key in outer:
        inside = event.setdefault(key, {})
        assert isinstance(inside, dict)
        event = inside
    event[last] = value


def _files(
    names: tuple[str, ...], customers: Sequence[object], products: Sequence[object]
) -> dict[str, str]:
    people, who, segment, goods, what, category, price = names
    tiers, families = ("VIP", "New", "Lapsed"), ("Toys", "Books")
    rows = [f"2024-01-01;{each};{tiers[n % 3]}" for n, each in enumerate(customers)]
    lines = [
        f"{each};Thing {n};{families[n % 2]};{n}.99" for n, each in enumerate(products, start=1)
    ]
    return {
        f"{people}.csv": "\n".join([f"joined;{who};{segment}", *rows]) + "\n",
        f"{goods}.csv": "\n".join([f"{what};title;{category};{price}", *lines]) + "\n",
    }


@whole_runs(60)
@given(made=feeds(), part=_PARTS, in_a_day_zip=_IN_A_DAY_ZIP)
def test_the_proposal_counts_what_the_feed_was_made_to_hold(
    made: Made, part: tuple[str, Callable[[Sequence[object]], bytes]], in_a_day_zip: bool
) -> None:
    name_of_part, written = part
    content = written(made.events)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in made.files.items():
            (folder / file).write_text(text)
        (folder / "data").mkdir()
        entries = (
            {"2024-03-01.zip": day_zip({name_of_part: content})}
            if in_a_day_zip
            else {f"2024-03-01/{name_of_part}": content}
        )
        (folder / "data" / "week.zip").write_bytes(archive_zip(entries))
        found = inspect(_places(folder), Options())
    best = found.today if found.proposed is None else found.proposed
    told = [env_line(line.name, line.value) for line in found.lines]
    assert best.counted == made.counted, (told, made.events[:3])


def _places(folder: Path) -> Places:
    return Places(
        data=str(folder / "data"),
        reports=str(folder / "reports"),
        state=str(folder / "state"),
        dimensions=str(folder),
        database_url="",
    )
