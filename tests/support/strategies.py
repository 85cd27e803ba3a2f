"""Hypothesis strategies: whole little shops, mostly sales, with every kind of dirt mixed in.

`shops()` is the one to use. A shop keeps its zips as a tree of names and bytes until it is
written, so that a failing example can be read. Values shrink towards the first of each list.
"""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.support import archives as build

Pair = tuple[str, str]  # a key and a value, both as JSON text
Event = tuple[Pair, ...] | str  # a str stands as it is
Extras = tuple[tuple[Pair, ...], tuple[Pair, ...]]
Fault = tuple[str, str | None]  # a field and the JSON text it gets; None: the field is missing
Customer = tuple[str, str, str | None, str, str]  # valid_from and valid_to: ISO, or empty
Product = tuple[str, str, str | None, str, str, str]

FIELDS = ("event_type", "customer_id", "product_id", "quantity")
WHOLE_EVENT = ""  # as a fault's field: the text stands in place of the event


@dataclass(frozen=True)
class Zip:
    """A zip to be."""

    entries: tuple[tuple[str, bytes | Zip], ...]
    compression: int = zipfile.ZIP_DEFLATED
    damage: Literal["", "truncated", "flipped"] = ""

    def content(self) -> bytes:
        entries = [(name, _content(content)) for name, content in self.entries]
        sound = build.day_zip(entries, compression=self.compression)
        if self.damage == "truncated":
            return build.truncated(sound)
        full = [n for n, (_, content) in enumerate(entries) if content]
        if self.damage == "flipped" and full:
            return build.flipped(sound, entry=full[0])
        return sound


@dataclass(frozen=True)
class GeneratedShop:
    """A shop to be."""

    archives: dict[str, bytes | Zip]
    customers: list[Customer]
    products: list[Product]

    def write(self, folder: Path) -> build.Shop:
        """Write it into `folder`, which must not have a shop yet."""
        contents = {name: _content(content) for name, content in self.archives.items()}
        return build.write_shop(folder, contents, self.customers, self.products)


def _content(content: bytes | Zip) -> bytes:
    return content.content() if isinstance(content, Zip) else content


# --- dimensions ----------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)

# Twins by case, space, Unicode form or number; words that readers of CSV like to reinterpret.
IDS = (
    *("c1", "C1", " c1", "c1 ", "12", "0012", "12.0", "1e5", "-", " ", "_"),
    *("NA", "nan", "null", "None", "true", "\\N", "=1+1", "#1", "nobody"),
    *('"', "'", '""', "a,b", "a\nb", "a\r\nb", "a\tb", "a\\b", "a/b", "\\u0061", "\x7f", "\x01"),
    *("é", "e\u0301", "ß", "SS", "\u0131", "İ", "\ufeffid", "\u2028", "店", "\uff5e", "🛒", "🛒🛒"),
    *("x" * 300, "x" * 299 + "y", "ü" * 200),
)
NAMES = (
    *("Books", "books", "Toys", "Unknown", "unknown", "NA", "nan", "null", " ", " Books"),
    *('Toys, "Games"', '"', ",", "Line\nbreak", "Line\r\nbreak", "Cr\r", "Tab\t", "=SUM(A1)", "0"),
    *("A/B", "A\\B", "A:B", "A_B", "..", ".", "CON", "nul.txt", "<b>&amp;</b>", "x" * 250),
    *("Ünïcode ☕", "é", "e\u0301", "İ", "\uff5e", "😀", "\u202egnp.exe"),  # U+FF5E sorts before 😀
)
PRICES = (
    *("0.10", "0.01", "33.33", "99999999.99", "1.00", "10.00", "0.99", "19.95", "4.35"),
    *("1", "0.5", "19.999", "0.0001", "12345678.9", "9.950000000000000000"),
)

_ids = st.one_of(st.sampled_from(IDS), TEXT)
_names = st.one_of(st.sampled_from(NAMES), TEXT)
_prices = st.one_of(
    st.sampled_from(PRICES), st.integers(1, 10**10 - 1).map(lambda cents: f"{cents / 100:.2f}")
)


def _few_names() -> SearchStrategy[list[str | None]]:
    """Some names to share among the rows, now and then a null or an empty one."""
    return st.builds(
        lambda names, missing: [*names * 4, *missing],
        st.lists(_names, min_size=1, max_size=3),
        st.sampled_from(((), (), (None,), ("",))),
    )


# Days of shops' archives, and those beside them.
BORDERS = (
    "1999-12-31",
    *(f"2024-02-{n}" for n in (28, 29)),
    *(f"2024-03-0{n}" for n in range(1, 9)),
)
ALWAYS = ("", "")


@st.composite
def histories(draw: DrawFn) -> list[tuple[str, str]]:
    """When the rows of one id are valid: mostly always; else one after the other, with gaps."""
    if draw(st.booleans()):
        return [ALWAYS]
    borders = ["", *sorted(draw(st.sets(st.sampled_from(BORDERS), min_size=1, max_size=6))), ""]
    spans = list(itertools.pairwise(borders))
    kept = draw(st.lists(st.sampled_from(spans), min_size=1, unique=True))
    return kept if draw(st.integers(0, 3)) else [spans[0]]


@st.composite
def customers(draw: DrawFn) -> list[Customer]:
    """Rows of customers.csv; no two of an id are valid on one day."""
    ids = draw(st.lists(_ids, min_size=1, max_size=6, unique=True))
    segments = st.sampled_from(draw(_few_names()))
    dates = st.sampled_from(("2020-01-01", "1999-12-31"))
    spans = draw(st.sampled_from((st.just([ALWAYS]), histories())))
    rows = [(one, draw(dates), draw(segments), *span) for one in ids for span in draw(spans)]
    return draw(st.permutations(rows))


@st.composite
def products(draw: DrawFn) -> list[Product]:
    """The same of products.csv; prices have mixed numbers of decimals."""
    ids = draw(st.lists(_ids, min_size=1, max_size=5, unique=True))
    categories = st.sampled_from(draw(_few_names()))
    spans = draw(st.sampled_from((st.just([ALWAYS]), histories())))
    rows = [
        (one, draw(_names), draw(categories), draw(_prices), *span)
        for one in ids
        for span in draw(spans)
    ]
    return draw(st.permutations(rows))


# What becomes of returns.
RETURNS = st.sampled_from(("reject", "net", "separate"))

# --- events --------------------------------------------------------------------------------------

PURCHASE_TEXT = '{"event_type": "purchase", "customer_id": "c1", "product_id": "c1", "quantity": 7}'
HUGE = "9" * 30
ENDLESS = "1" + "0" * 5000  # more digits than int() takes from text

SOUND_QUANTITIES = ("1", "2", "3", "7", "100", "2147483647")
RETURNED = ("-1", "-3", "-2147483647")

OTHER_TYPES: tuple[Fault, ...] = tuple(
    ("event_type", f'"{text}"')
    for text in (
        *("view_product", "add_to_cart", "", "Purchase", "purchase ", " purchase", "purchases"),
        *("purch", "PURCHASE", "\\ud800", "purchase\\u0000", "purchas\u0435"),
    )
)
FAULTS: tuple[Fault, ...] = (
    *((WHOLE_EVENT, t) for t in ("null", "true", "5", "-0.5", "1e400", '"purchase"', '""', "[]")),
    *((WHOLE_EVENT, t) for t in (ENDLESS, f"[{PURCHASE_TEXT}]", json.dumps(PURCHASE_TEXT))),
    (WHOLE_EVENT, "[" * 255 + "]" * 255),  # with the part's own array just deep enough
    (WHOLE_EVENT, "{}"),
    *(("event_type", t) for t in (None, "null", "5", "true", '["purchase"]', PURCHASE_TEXT)),
    *(("customer_id", t) for t in (None, "null", '""', "5", "0", "false", "[]", "{}", '["c1"]')),
    *(("customer_id", t) for t in ('"\\ud800"', '"\\udbff"', '"c1\\u0000"', '"never seen"')),
    *(("product_id", t) for t in (None, "null", '""', "5", "0", "false", "[]", "{}", '["c1"]')),
    *(("product_id", t) for t in ('"\\ud800"', '"c1\\u0000"', '"never seen"')),
    *(("quantity", t) for t in (None, "null", "0", "-0", "-2147483648", "2147483648")),
    *(("quantity", t) for t in ("-1", "-3", "-2147483647", "-1.0", "-1e2", '"-3"')),
    *(("quantity", t) for t in ("1.0", "1e2", "1E0", "2147483647.0", "0.5", "1e400", "true")),
    *(("quantity", t) for t in ('"3"', '""', "[1]", '{"quantity": 1}', HUGE, f"-{HUGE}", ENDLESS)),
)

# More pairs before and after the event's own. The last of several equal keys wins.
EXTRAS: tuple[Extras, ...] = (
    ((), ()),
    ((('"timestamp"', '"2024-03-01T08:26:00"'),), ()),
    ((), (('"timestamp"', "null"), ('"session"', '{"id": [1, 2.50, null, true]}'))),
    # words that look like a purchase, in strings and in nested values
    ((), (('"note"', json.dumps(PURCHASE_TEXT)),)),
    ((('"note"', json.dumps('}, {"event_type": "purchase", ')),), ()),
    ((), (('"event_type "', '"view"'), ('"Event_Type"', '"view"'), ('""', '"event_type"'))),
    ((('"meta"', PURCHASE_TEXT),), ()),
    ((), (('"meta"', f'{{"event_type": "view", "items": [{PURCHASE_TEXT}, "]", "}}"]}}'),)),
    ((('"event"', '{"quantity": 0, "customer_id": null}'),), (('"purchase"', '"event_type"'),)),
    # equal keys, also in disguise
    ((('"event_type"', '"view_product"'),), ()),
    ((('"event\\u005ftype"', '"view_product"'),), ()),
    ((), (('"event_type"', '"view_product"'),)),
    ((), (('"\\u0065vent_type"', '"view_product"'),)),
    ((('"quantity"', "0"), ('"customer_id"', "null")), ()),
    ((), (('"quantity"', "2"),)),
    ((), (('"quantity"', "2.0"),)),
    ((('"product_id"', '"never seen"'),), (('"note"', "1"), ('"note"', "2"))),
    # awkward, and legal
    ((('"big"', HUGE), ('"bigger"', ENDLESS), ('"tiny"', "-1.5E-400"), ('"inf"', "1e400")), ()),
    ((), (('"text"', '"\\u0000\\ud83d\\uDED2\\ud800\\/\\b\\f\\n\\r\\t\\"\\\\"'),)),
    ((('"\\udc00"', '"\u2028\ufeff\x7f🛒"'),), ()),
    ((), (('"deep"', "[" * 254 + "]" * 254),)),
)


def _as_is(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _escaped(text: str) -> str:
    """Every character by its number, capitals and small letters mixed."""
    units = text.encode("utf-16-be").hex()
    codes = [units[n : n + 4] for n in range(0, len(units), 4)]
    return '"' + "".join("\\u" + (c.upper() if n % 2 else c) for n, c in enumerate(codes)) + '"'


def _underscored(text: str) -> str:
    return _as_is(text).replace("_", "\\u005f")


SPELLINGS = (*(_as_is,) * 4, *(json.dumps,) * 2, _underscored, _escaped)


# How many faults an event has, and whether it is something else than a purchase.
FATES = (*((0, False),) * 24, (0, True), (0, True), (1, True), (1, False), (1, False), (2, False))

_fates = st.sampled_from(FATES)
_faults = st.sampled_from(FAULTS)
_other_types = st.sampled_from(OTHER_TYPES)
_spellings = st.sampled_from(SPELLINGS)
_quantities = st.sampled_from((*SOUND_QUANTITIES[:4] * 3, *SOUND_QUANTITIES, *RETURNED))
_extras = st.sampled_from((*EXTRAS[:1] * len(EXTRAS) * 2, *EXTRAS))
_turns = st.integers(0, 3)


@st.composite
def events(
    draw: DrawFn, customer_ids: SearchStrategy[str], product_ids: SearchStrategy[str]
) -> Event:
    """Mostly sound purchases; of two faults the first reason must win."""
    count, other = draw(_fates)
    faults = [draw(_faults) for _ in range(count)]
    faults += [draw(_other_types)] if other else []
    spell = draw(_spellings)
    values: dict[str, str | None] = {
        "event_type": spell("purchase"),
        "customer_id": spell(draw(customer_ids)),
        "product_id": spell(draw(product_ids)),
        "quantity": draw(_quantities),
    }
    for field, text in faults:
        if field == WHOLE_EVENT and text is not None:
            return text
        values[field] = text
    turn = draw(_turns)
    order = (*FIELDS[turn:], *FIELDS[:turn])
    own = [(spell(field), text) for field in order if (text := values[field]) is not None]
    before, after = draw(_extras)
    return (*before, *own, *after)


# --- parts ---------------------------------------------------------------------------------------

# Text before, between and after events; the same for pairs; between key and value.
SPACINGS = (
    (("[", ", ", "]"), ("{", ", ", "}"), ": "),  # json.dumps
    (("[\n  ", ",\n  ", "\n]"), ("{\n    ", ",\n    ", "\n  }"), ": "),  # with indent=2
    (("[", ",", "]"), ("{", ",", "}"), ":"),
    (("[\r\n", ",\r\n", "\r\n]\r\n"), ("{", ", ", "}"), ":"),  # one event a line
    ((" \t\r\n[ ", " ,\t", "\r]\n\n"), ("{\n\n", "\t,", " }"), " :\n"),
)
# One of these among the events, and the part is not JSON.
NOT_JSON = (
    *("NaN", "Infinity", "-Infinity", "nan", "True", "'a'", "01", "+1", "1.", ".5", "1e", "0x1"),
    *("", "1 2", "{", "}", "]", '{"a"}', '{"a": 1,}', "{'a': 1}", '{"quantity": NaN}', "/* */ 1"),
    *('"', '"a\nb"', '"a\tb"', '"\x00"', '"\\x41"', '"\\u12"', '"\\u 123"', "\ufeff1", "\x0c1"),
    *("\xa01", "٣", '{"event_type": "purchase",', "[" * 256 + "]" * 256, "[" * 5000 + "]" * 5000),
)
# What becomes of a part's bytes that makes it unreadable.
SPOILS: tuple[Callable[[bytes], bytes], ...] = (
    *(lambda part: part.rstrip()[:-1], lambda part: part.rstrip()[1:], lambda part: part[:-20]),
    *(lambda _: b"", lambda _: b" \n", lambda _: b"null", lambda _: b"{}", lambda _: b'"[]"'),
    *(lambda part: part + part, lambda part: part + b"\0", lambda part: part + b",{}"),
    *(lambda part: b'{"one": [{}], "other": [{}], "third": ' + part + b"}",),
    *(lambda part: b"\xef\xbb\xbf\xef\xbb\xbf" + part, lambda part: b'{"one": ' + part),
    *(lambda part: part.rstrip()[:-1] + b',"\xe9"]', lambda _: b'["\xed\xa0\x80"]'),
    *(lambda part: part.decode().encode("utf-16"), lambda _: b'[{"note": "\xc0\x80"}]'),
)


def _part(
    own: Sequence[Event],
    spacing: tuple[tuple[str, str, str], tuple[str, str, str], str],
    bom: bytes,
    not_json: str | None,
    spoil: Callable[[bytes], bytes] | None,
) -> bytes:
    (start, between, end), (opening, comma, closing), colon = spacing
    texts = [
        event
        if isinstance(event, str)
        else opening + comma.join(key + colon + value for key, value in event) + closing
        for event in own
    ]
    if not_json is not None:
        texts.insert(len(texts) // 2, not_json)
        texts.append("0")  # even nothing at all is then wrong
    content = (start + between.join(texts) + end).encode()
    return bom + (spoil(content) if spoil else content)


_spacings = st.sampled_from(SPACINGS)
_boms = st.sampled_from((b"", b"", b"", b"\xef\xbb\xbf"))
_not_json = st.sampled_from(NOT_JSON)
_spoils = st.sampled_from(SPOILS)
_twentieths = st.integers(0, 19)


@st.composite
def parts(draw: DrawFn, event: SearchStrategy[Event], *, damage: bool = True) -> bytes:
    """A part, usually sound; one in twenty is empty."""
    fate = draw(_twentieths)
    return _part(
        [] if fate == 17 else draw(st.lists(event, min_size=1, max_size=5)),
        draw(_spacings),
        draw(_boms),
        draw(_not_json) if damage and fate == 18 else None,
        draw(_spoils) if damage and fate == 19 else None,
    )


# --- zips ----------------------------------------------------------------------------------------

PART_NAMES = (
    *("part-001.json", "part-002.json", "part-003.json", "a/b/part-001.json", "PART.JSON"),
    *("../../part.json", "/etc/part.json", "C:\\part.json", "a\\part.Json", "ü.json", "a b,c.json"),
)
DAY_NAMES = (
    *("2024-02-29.zip", "events_2024-03-01.zip", "events_2024-03-02_v2.ZIP", "2024-03-03.zip"),
    *("x/2024-03-03.zip", "x\\y\\events_2024-03-04.zip", "../2024-03-05.zip", "2024-03-06/day.zip"),
    *(
        "undated.zip",
        "sales_20240307.zip",
        "2024-02-30.zip",
        "ü 2024-03-08.Zip",
        "1.2024-03-09.zip",
    ),
)
ARCHIVE_NAMES = (
    *("week_01.zip", "week_02.zip", "week_03.ZIP", "Week 4.zip", "ü,week.Zip", "2024-03-01.zip"),
)
# Entries and files to pass over, whatever is in them.
PASSED_OVER = (
    *("__MACOSX/._{}", "__MACOSX/{}", "a/__MACOSX/b/{}", ".{}", "a/.{}", "a\\.{}", "{}.txt", "{}~"),
    *(".x/{}", "a/.x\\b/{}", "{}/", "{}.bz2", "readme.txt", ".DS_Store"),
)
NO_ZIP = (b"", b"PK", b"PK\3\4", b"not a zip", b"[]", b"PK\5\6" + b"\0" * 10, b"\0" * 100)
METHODS = (*(zipfile.ZIP_DEFLATED,) * 10, *(zipfile.ZIP_STORED,) * 4, zipfile.ZIP_BZIP2)


_methods = st.sampled_from(METHODS)
_no_zip = st.sampled_from(NO_ZIP)
_passed_over = st.sampled_from(PASSED_OVER)


@st.composite
def _zips(
    draw: DrawFn, names: Sequence[str], contents: Sequence[bytes | Zip], *, damage: bool
) -> bytes | Zip:
    """A zip of the contents under some of the names; now and then something worse."""
    entries: list[tuple[str, bytes | Zip]] = []
    for content in contents:
        name = draw(st.sampled_from(names))
        if draw(_twentieths) == 19 and (damage or entries):  # nothing else is unreadable
            name = draw(_passed_over).format(name)
        entries.append((name, b"" if name.endswith("/") else content))
    sound = Zip(tuple(entries), draw(_methods))
    fate = draw(_twentieths) if damage and draw(_twentieths) > 15 else 0
    if fate < 10:
        return sound
    if fate < 12:
        return draw(_no_zip)
    if fate < 16:
        return Zip(sound.entries, sound.compression, "truncated" if fate < 14 else "flipped")
    wrong = build.encrypted_zip if fate < 18 else build.unsupported_zip
    return wrong(names[0], sound.content())


def _mostly(ids: list[str]) -> SearchStrategy[str]:
    """One of the ids, now and then another that looks like one."""
    return st.sampled_from([*ids * (40 // len(ids)), "c1", "C1"])


@st.composite
def shops(draw: DrawFn, *, damage: bool = True) -> GeneratedShop:
    """A whole shop; without `damage` everything in it can be read (single events may be bad)."""
    people, things = draw(customers()), draw(products())
    event = events(
        _mostly([row[0] for row in people]),
        _mostly([row[0] for row in things]),
    )
    part = st.lists(parts(event, damage=damage), min_size=1, max_size=3)
    days = [
        draw(_zips(PART_NAMES, draw(part), damage=damage)) for _ in range(draw(st.integers(1, 4)))
    ]
    # Every day is in some week, and some are in another too, or there under another name.
    weeks: list[list[bytes | Zip]] = [[] for _ in range(draw(st.integers(1, 3)))]
    for day in (*days, *draw(st.lists(st.sampled_from(days), max_size=2))):
        draw(st.sampled_from(weeks)).append(day)
    contents = [draw(_zips(DAY_NAMES, week, damage=damage)) for week in weeks]
    if draw(_twentieths) > 15:
        contents.append(draw(st.sampled_from(contents)))
    names = draw(st.permutations(ARCHIVE_NAMES))
    shop = dict(zip(names, contents, strict=False))
    if draw(_twentieths) > 15:
        shop[draw(st.sampled_from((".week.zip", "week.zip.part", "notes.txt")))] = contents[0]
    return GeneratedShop(shop, people, things)
