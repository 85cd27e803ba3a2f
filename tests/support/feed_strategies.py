"""Hypothesis strategies: little shops with feeds of any shape, and the settings that tell of them.

`feeds()` is the one to use. What its events say is as in `strategies.py`, with the same dirt; what
they are called, how they are written down, packed and laid out in archives is drawn here.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import import_module
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.support import strategies as common
from tests.support.strategies import GeneratedShop, Zip

zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

Tree = dict[str, Any]  # keys to JSON texts, or to further trees
Entry = tuple[str, bytes | Zip]


@dataclass(frozen=True)
class GeneratedFeed:
    """A shop to be, and the SALES_* settings that describe what it sends."""

    shop: GeneratedShop
    settings: dict[str, str]


@dataclass(frozen=True)
class Names:
    """What a shop calls things."""

    paths: dict[str, str]
    types: tuple[str, ...]
    returns: tuple[str, ...]
    items: str  # the path of an order's items, or nothing
    any_ids: bool
    quantity: str
    only: str
    records: str
    event_id: str
    price: str  # its path, or nothing
    decimals: str

    def settings(self) -> dict[str, str]:
        """Those that are not the default."""
        own = [f"{ours}={path}" for ours, path in self.paths.items() if ours != path]
        found = {
            "SALES_FIELDS": ",".join(own),
            "SALES_PURCHASE_TYPES": "" if self.types == ("purchase",) else ",".join(self.types),
            "SALES_RETURN_TYPES": ",".join(self.returns),
            "SALES_ITEMS": self.items,
            "SALES_IDS": "any" if self.any_ids else "",
            "SALES_QUANTITY": self.quantity,
            "SALES_ONLY": self.only,
            "SALES_RECORDS": self.records,
            "SALES_EVENT_ID": self.event_id,
            "SALES_PRICE_FIELD": self.price,
            "SALES_PRICE_DECIMALS": self.decimals if self.price else "",
        }
        return {name: text for name, text in found.items() if text}


NAMES = {
    "event_type": ("event_type", "event_type", "type", "event.name", "$kind"),
    "customer_id": ("customer_id", "customer_id", "userId", "user.id", "properties.user"),
    "product_id": ("product_id", "product_id", "sku", "item.sku", "properties.$productId"),
    "quantity": ("quantity", "quantity", "qty", "item.qty", "properties.$quantity"),
}
TYPES = (("purchase",), ("purchase",), ("Order Completed",), ("buy", "Rebuy ö", "purchase"))
ITEMS = ("", "", "", "items[]", "properties.products[]", "carts[].lines[]")
ONLY = (
    *("", "", "test!=true", "status=done|sent", "status!=draft|null", "meta.n=5|5.0"),
    *("status=done|5,test!=true", "meta.n!=1e2"),
)
EVENT_ID = ("", "", "", "messageId", "ids.n", "messageId,ids.n", "{customer_id},ids.n", "no.where")
PRICE = ("", "", "price", "$price", "item.price")


@st.composite
def names(draw: DrawFn) -> Names:
    """Some of what a shop may choose."""
    paths = {ours: draw(st.sampled_from(theirs)) for ours, theirs in NAMES.items()}
    return Names(
        paths=paths,
        types=draw(st.sampled_from(TYPES)),
        returns=draw(st.sampled_from(((), (), ("refund",), ("refund", "Order Refunded")))),
        items=draw(st.sampled_from(ITEMS)),
        any_ids=draw(st.booleans()),
        quantity=draw(st.sampled_from(("", "", "number", "number:1", "number:3"))),
        only=draw(st.sampled_from(ONLY)),
        records=draw(st.sampled_from(("", "", "events", "data.rows"))),
        event_id=draw(st.sampled_from(EVENT_ID)).format(**paths),
        price=draw(st.sampled_from(PRICE)),
        decimals=draw(st.sampled_from(("", "", "0", "3"))),
    )


# --- events --------------------------------------------------------------------------------------

NUMBERS = (
    *(
        "2.0",
        "2e0",
        "20e-1",
        "2.5",
        "-2.0",
        "0.0",
        "2147483647.0",
        "2147483648.0",
        "1e400",
        "1e-400",
    ),
    *('"2"', '"2.0"', '"02"', '"2."', '"-2"', '" 2"', '"2.5"', '"2e0"', '"0"', '"٢"', "null", None),
)
PAID = (
    *("9.95", "9.950", "0", "12", "1e2", "0.5", '"9.95"', '"12"', '"007.5"', "90071992547409.91"),
    *(
        "9.951",
        "-1",
        "-0",
        '"1e2"',
        '"9,95"',
        "null",
        None,
        "true",
        "[1]",
        "9007199254740992",
        "1e-3",
    ),
)
ODD_IDS = ("7", "12", "-5", "-0", "1.0", "1e3", "true", common.HUGE, common.ENDLESS)
NO_LISTS = ("null", "5", '"x"', "{}", '{"lines": [{}]}')
FIELDS_OF_ONLY = {
    "test": ("true", "false", None),
    "status": ('"done"', '"sent"', '"draft"', "null", "5", "[5]", None),
    "meta.n": ("5", "5.0", "1e2", '"5"', "100", None),
}
FIELDS_OF_EVENT_ID = {
    "messageId": ('"m1"', '"m2"', '"\\u006d1"', '"M1"', "null", None, '""', '"m3"', '"m4"'),
    "ids.n": (
        *("1", "1.0", "1e0", '"1"', "-0", "0", "true", "[1]", "[1.0]", '["n1"]', "null", None),
        *('""', '{"a": 1, "b": [null]}', '{"b": [null], "a": 1}', "{}", '"\\ud800"', "[0, 1]"),
    ),
}

_mostly_sound = st.sampled_from((*(True,) * 9, False))
_tenths = st.integers(0, 9)


def _put(tree: Tree, path: str, text: str, *, is_flat: bool) -> None:
    """At the path itself, or in objects by its dots."""
    keys = [path] if is_flat else path.split(".")
    for key in keys[:-1]:
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        tree = inner
    tree[keys[-1]] = text


def _written(tree: Tree, *, indent: bool = False) -> str:
    """As JSON, on one line or on several."""
    start, between, end = ("{\n ", ",\n ", "\n}") if indent else ("{", ", ", "}")
    pairs = (
        f"{json.dumps(key, ensure_ascii=False)}: "
        + (_written(each, indent=indent) if isinstance(each, dict) else each)
        for key, each in tree.items()
    )
    return start + between.join(pairs) + end


@st.composite
def _id(draw: DrawFn, ids: SearchStrategy[str], *, any_ids: bool) -> str:
    found = draw(ids)
    if any_ids and draw(st.booleans()) and re.fullmatch("0|[1-9][0-9]{0,17}", found):
        return found
    return str(draw(st.sampled_from(common.SPELLINGS))(found))


@st.composite
def events(
    draw: DrawFn, own: Names, customer_ids: SearchStrategy[str], product_ids: SearchStrategy[str]
) -> str | Tree:
    """One event: mostly a purchase, or an order of some; a str stands as it is."""
    if draw(st.sampled_from((*(False,) * 40, True))):
        return draw(st.sampled_from([t for f, t in common.FAULTS if f == common.WHOLE_EVENT and t]))
    order: Tree = {}
    is_flat = draw(st.sampled_from((False, False, False, True)))
    kind: str | None = json.dumps(draw(st.sampled_from((*own.types * 4, *own.returns))))
    if draw(_tenths) == 9:
        other = (*common.OTHER_TYPES, ("", None), ("", "5"), ("", '"view"'))
        kind = draw(st.sampled_from([text for _, text in other]))
    if kind is not None:
        _put(order, own.paths["event_type"], kind, is_flat=is_flat)
    customer: str | None = draw(_id(customer_ids, any_ids=own.any_ids))
    if draw(_tenths) == 9:
        customer = draw(st.sampled_from((*ODD_IDS, None, "null", '""', "[]", '"never seen"')))
    if customer is not None:
        _put(order, own.paths["customer_id"], customer, is_flat=is_flat)
    _put_only(draw, order, own)
    _put_price(draw, order, own, is_flat=is_flat, often=3 if own.items else 0)
    if not own.items:
        _put_product(draw, order, own, product_ids, is_flat=is_flat)
        return order
    steps = own.items.removesuffix("[]").split("[].")
    lists = draw(st.lists(st.lists(_item(own, product_ids), max_size=3), min_size=1, max_size=2))
    text = _listed(lists[0])
    if len(steps) > 1:
        inner = [draw(st.sampled_from((*(_listed(each),) * 9, *NO_LISTS))) for each in lists]
        text = _listed([_written({steps[1]: each}) for each in inner])
    fate = draw(st.sampled_from((*(0,) * 12, 1, 2, 3)))
    if fate == 1:
        return order
    if fate > 1:
        text = draw(st.sampled_from(("null", "[]", "5", '"x"', "true") if fate == 2 else ("{}",)))
    _put(order, steps[0], text, is_flat=is_flat)
    return order


@st.composite
def _item(draw: DrawFn, own: Names, product_ids: SearchStrategy[str]) -> str:
    if draw(st.sampled_from((*(False,) * 20, True))):
        return draw(st.sampled_from(("null", "5", '"x"', "[]", "[{}]")))
    item: Tree = {}
    is_flat = draw(st.booleans())
    _put_product(draw, item, own, product_ids, is_flat=is_flat)
    if draw(_tenths) == 9:
        ours = draw(st.sampled_from(("customer_id", "event_type")))
        text = draw(st.sampled_from(("null", '"c1"', '"purchase"', "5")))
        _put(item, own.paths[ours], text, is_flat=is_flat)
    if draw(_tenths) > 7:
        _put_only(draw, item, own)
    return _written(item)


def _put_product(
    draw: DrawFn, tree: Tree, own: Names, product_ids: SearchStrategy[str], *, is_flat: bool
) -> None:
    product: str | None = draw(_id(product_ids, any_ids=own.any_ids))
    quantity: str | None = draw(
        st.sampled_from((*common.SOUND_QUANTITIES, *common.SOUND_QUANTITIES[:4]))
    )
    fate = draw(_tenths)
    if fate == 9:
        product = draw(st.sampled_from((*ODD_IDS, None, "null", '""', "{}", '"never seen"')))
    if fate == 8 or (fate == 7 and own.quantity):
        wrong = [text for field, text in common.FAULTS if field == "quantity"]
        quantity = draw(st.sampled_from((*NUMBERS, *wrong)))
    for ours, text in (("product_id", product), ("quantity", quantity)):
        if text is not None:
            _put(tree, own.paths[ours], text, is_flat=is_flat)
    _put_price(draw, tree, own, is_flat=is_flat)


def _put_price(draw: DrawFn, tree: Tree, own: Names, *, is_flat: bool, often: int = 10) -> None:
    price = draw(st.sampled_from((*PAID[:10] * 2, *PAID))) if own.price else None
    if price is not None and draw(_tenths) < often:
        _put(tree, own.price, price, is_flat=is_flat)


def _put_only(draw: DrawFn, tree: Tree, own: Names) -> None:
    for path, texts in FIELDS_OF_ONLY.items():
        text = draw(st.sampled_from((texts[0], texts[0], *texts)))
        if text is not None:
            _put(tree, path, text, is_flat=False)
    for path, texts in FIELDS_OF_EVENT_ID.items() if own.event_id else ():
        text = draw(st.sampled_from(texts))
        if text is not None:
            _put(tree, path, text, is_flat=False)


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join(texts) + "]"


# --- parts ---------------------------------------------------------------------------------------

BAD_LINES = (
    *(b"not JSON", b'{"event_type": "pur', b"\xff", b'{"a": "\xe9"}', b"{}}", b"{},{}", b"{} x"),
    *(b"NaN", b"[" * 257 + b"]" * 257, b'{"a": 1,}', b"\0", b"'a'", b"\xef\xbb\xbf{}"),
)
TORN = (b'{"event_type": "purchase", "quantity": ', b'"', b"{", b"nul", b"\xff", b"[1, 2")
SKIPPED = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"  # a frame of Zstandard's that is passed over


@st.composite
def parts(draw: DrawFn, own: Names, event: SearchStrategy[str | Tree], *, damage: bool) -> bytes:
    """The bytes of a part."""
    found = draw(st.lists(event, min_size=draw(st.sampled_from((0, 1, 1, 1))), max_size=5))
    shape = draw(st.sampled_from((_array, _lines, _lines, _values, _envelope)))
    content = shape(draw, own, found, damage)
    if draw(_tenths) == 9:
        content = b"\xef\xbb\xbf" + content
    if damage and draw(st.integers(0, 29)) == 29:
        content = draw(st.sampled_from(common.SPOILS[:-2]))(
            content.decode(errors="ignore").encode()
        )
    return draw(_packed(content, damage=damage))


def _texts(events: Sequence[str | Tree], *, indent: bool = False) -> list[str]:
    return [each if isinstance(each, str) else _written(each, indent=indent) for each in events]


def _array(draw: DrawFn, _: Names, events: Sequence[str | Tree], damage: bool) -> bytes:
    texts = _texts(events, indent=draw(st.booleans()))
    if damage and draw(st.integers(0, 19)) == 19:
        texts.append(draw(st.sampled_from(common.NOT_JSON)))
    start, between, end = draw(st.sampled_from(common.SPACINGS))[0]
    return (start + between.join(texts) + end).encode()


def _lines(draw: DrawFn, _: Names, events: Sequence[str | Tree], damage: bool) -> bytes:
    lines = [text.encode() for text in _texts(events)]
    for more in draw(st.lists(st.sampled_from((b"", b" \t", b"\r", *BAD_LINES)), max_size=2)):
        lines.insert(draw(st.integers(0, len(lines))), more)
    if len(lines) > 1 and draw(_tenths) == 9:
        lines[:2] = [lines[0] + draw(st.sampled_from((b"", b" "))) + lines[1]]
    end = draw(st.sampled_from((b"\n", b"\r\n")))
    content = end.join(lines) + (draw(st.sampled_from((end, end, b""))) if lines else end)
    torn = damage and draw(st.integers(0, 19)) == 19
    return content + (draw(st.sampled_from(TORN)) if torn else b"")


def _values(draw: DrawFn, _: Names, events: Sequence[str | Tree], damage: bool) -> bytes:
    texts = _texts(events, indent=draw(st.booleans()))
    if damage and draw(st.integers(0, 19)) == 19:
        texts.append(draw(st.sampled_from(common.NOT_JSON)))
    # Numbers and words that touch would be others.
    between = draw(st.sampled_from(("", " ", "\n\n", "\t")))
    if any(text[-1:] not in "}]" for text in texts):
        between = " "
    return between.join(texts).encode()


def _envelope(draw: DrawFn, own: Names, events: Sequence[str | Tree], damage: bool) -> bytes:
    """An export's object around an array; now and then around none, or around two."""
    tree: Tree = {}
    for key, text in (("version", "2"), ("columns", '["a", 1]'), ("next", "null")):
        if draw(_tenths) > 6:
            tree[key] = text
    path = own.records or draw(st.sampled_from(("events", "data.items.rows", "EVENTS")))
    array = _listed(_texts(events, indent=draw(st.booleans())))
    fate = draw(st.integers(0, 19)) if damage else 0
    if fate < 18:
        _put(tree, path, array, is_flat=False)
    if fate == 19:
        tree["others"] = draw(st.sampled_from((array, '[{"a": 1}]')))
    if draw(_tenths) == 9:
        _put(tree, own.paths["event_type"], '"purchase"', is_flat=False)
    if draw(_tenths) > 6:
        tree["took"] = "0.5"
    end = draw(st.sampled_from(("", "\n")))
    return (_written(tree, indent=draw(st.booleans())) + end).encode()


@st.composite
def _packed(draw: DrawFn, content: bytes, *, damage: bool) -> bytes:
    kind = draw(st.sampled_from(("", "", "gzip", "zstandard")))
    if not kind:
        return content
    cut = draw(st.integers(0, len(content)))
    pieces = draw(st.sampled_from(((content,), (content[:cut], content[cut:]))))
    if kind == "gzip":
        packed = b"".join(map(partial(gzip.compress, mtime=0), pieces)) + draw(
            st.sampled_from((b"", b"", b"\0" * 9))
        )
    else:
        before, after = draw(st.sampled_from(((b"", b""), (SKIPPED, b""), (b"", SKIPPED))))
        packed = before + b"".join(map(zstd.compress, pieces)) + after
    if damage and draw(st.integers(0, 19)) == 19:
        return draw(st.sampled_from((packed[:-3], packed + b"x", packed[:9])))
    return packed


# --- archives ------------------------------------------------------------------------------------

ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".JSONL.GZ", ".ndjson.zst", ".Json.Zst")
FURTHER = {  # SALES_PARTS: names it makes parts
    "": (),
    ".log,.txt.gz": (".log", ".LOG", ".txt.gz", ".log.zst"),
    "shop-*": ("",),
    "*": ("", ".gz", ".parquet"),
}
IGNORE = ("", "", "*_intraday_*", "old/*", "manifest.json")
PASSED_OVER = (
    *("readme.md", "x.parquet", "old/x.json", "manifest.json", "events_intraday_1.json"),
    *("2024-03-01/readme.md", "x/2024/03/05/x.parquet", "2024-03-05/manifest.json", ".x/1.json"),
)
DATES = tuple(map(date.fromisoformat, ("2024-02-29", "2024-03-01", "2024-03-02", "2024-03-03")))
LAYOUTS = (
    *("zip", "zip", "{d}/part-{n}", "shop/{y}/{m}/{day}/07/{n}", "events_{d}_{n}", "{u}/{n}"),
    *(
        "a/year={y}/month={m}/day={day}/{n}",
        "x/{flat}/{n}",
        "events_{flat}_{n}",
        "231107_{d}_6#{n}",
    ),
    *(
        "2020-01-01/{d}/{n}",
        "20230101/{d}/{n}",
        "srcA/1698019200000/{n}",
        "part-{n}",
        "{n}/2024-13-01",
    ),
    *("{d}/part-{n}", "copy/{d}/part-{n}", "{y}.{m}.{day}/{n}", "{y}-{m}/{day}/{n}"),
    *("{flat}T0715Z-{n}", "x{flat}07/{flat}23_{n}"),
)
ARCHIVE_NAMES = ("week_01.zip", "week_02.ZIP", "events_2024-03-04.zip", "shop 20240305.zip")


@st.composite
def feeds(draw: DrawFn, *, damage: bool = True) -> GeneratedFeed:
    """A whole shop and its settings; without `damage` all parts can be read."""
    people, things = draw(common.customers()), draw(common.products())
    own = draw(names())
    named = {
        "SALES_PARTS": draw(st.sampled_from(tuple(FURTHER))),
        "SALES_IGNORE": draw(st.sampled_from(IGNORE)),
    }
    event = events(
        own,
        common._mostly([row[0] for row in people]),
        common._mostly([row[0] for row in things]),
    )
    if own.event_id:
        event |= st.sampled_from(draw(st.lists(event, min_size=1, max_size=3)))
    endings = st.sampled_from((*ENDINGS, *FURTHER[named["SALES_PARTS"]]))
    day = st.lists(st.tuples(endings, parts(own, event, damage=damage)), min_size=1, max_size=3)
    drawn = draw(st.lists(day, min_size=1, max_size=4))
    drawn += draw(st.lists(st.sampled_from(drawn), max_size=2))
    days = [draw(_laid_out(each)) for each in drawn]
    weeks: list[list[Entry]] = [[] for _ in range(draw(st.integers(1, 3)))]
    for entries in (*days, *draw(st.lists(st.sampled_from(days), max_size=2))):
        weeks[draw(st.integers(0, len(weeks) - 1))] += entries
    for week in weeks:
        if week and draw(_tenths) > 6:
            week.append((draw(st.sampled_from(PASSED_OVER)), b"[]"))
    methods = st.sampled_from(common.METHODS)
    archives: dict[str, bytes | Zip] = {
        name: Zip(
            tuple(week),
            draw(methods),
            "flipped" if damage and draw(st.integers(0, 19)) == 19 else "",
        )
        for name, week in zip(draw(st.permutations(ARCHIVE_NAMES)), weeks, strict=False)
    }
    settings = own.settings() | named
    return GeneratedFeed(
        GeneratedShop(archives, people, things),
        {name: text for name, text in settings.items() if text},
    )


@st.composite
def _laid_out(draw: DrawFn, parts: Sequence[tuple[str, bytes]]) -> list[Entry]:
    """The parts of a day as an archive holds them."""
    on = draw(st.sampled_from(DATES))
    layout = draw(st.sampled_from(LAYOUTS))
    if layout == "zip":
        inner = tuple((f"shop-{n}{ending}", each) for n, (ending, each) in enumerate(parts))
        return [(f"a/events_{on}.zip", Zip(inner))]
    where = {"d": on, "u": f"{on:%Y_%m_%d}", "flat": f"{on:%Y%m%d}"}
    where |= {"y": f"{on:%Y}", "m": f"{on:%m}", "day": f"{on:%d}"}
    return [
        (layout.format(n=f"shop-{n}", **where) + ending, each)
        for n, (ending, each) in enumerate(parts)
    ]
