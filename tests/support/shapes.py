"""Parts of every shape with what is in them, and names with their dates: by hand, one a rule."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

A, B, C = ({"event_type": each} for each in "abc")
BYTES = b'{"event_type": "a"}', b'{"event_type": "b"}', b'{"event_type": "c"}'
SKIPPED = b"\x50\x2a\x4d\x18\x02\0\0\0ab"


class Shape(NamedTuple):
    """A part, and its events; none if it cannot be read."""

    content: bytes
    events: list[Any] | None
    settings: Mapping[str, str] = MappingProxyType({})


_a, _b, _c = BYTES
_LINES = b"%s\n%s\n" % (_a, _b)
_DEEP = b'{"a": %s}' % (b"[" * 256 + b"]" * 256)
_RECORDS = {"SALES_RECORDS": "data.rows"}
_ITEMS = {"SALES_ITEMS": "items[]"}

_BOUGHT = b'{"event_type":"purchase"}'
_NAMED = b'{"event_type":"export","events":[%s,%s]}'
_PAGES = _NAMED % (_a, _b) + b'\n{"rows":[%s]}\n' % _c
_LAST_PAGE = b'{"events":[%s]}\n{"events":[]}\n' % _a
SHAPES = {
    "an envelope with a type": Shape(_NAMED % (_a, _b), [A, B]),
    "an envelope with a type and an array": Shape(
        b'{"event_type":"export","tags":["a"],"data":{"events":[%s]}}' % _a, [A]
    ),
    "an event with objects": Shape(
        b'{"event_type":"a","items":[{"id":"1"}]}', [{"event_type": "a", "items": [{"id": "1"}]}]
    ),
    "an event with two arrays of events": Shape(
        b'{"event_type":"a","x":[%s],"y":[{}]}' % _a, [{"event_type": "a", "x": [A], "y": [{}]}]
    ),
    "an envelope a line": Shape(_PAGES, [A, B, C]),
    "an envelope a line, the first with a bad event": Shape(
        b'{"events":[5]}\n{"events":[%s]}\n' % _a, None
    ),
    "envelopes one after another": Shape(_PAGES.replace(b"\n", b" "), [A, B, C]),
    "envelopes told by a purchase that is called in other letters": Shape(
        b'{"event_type":"export","rows":[{"event_type":"\xc3\xbc"}]} ' * 2,
        [{"event_type": "ü"}] * 2,
        {"SALES_PURCHASE_TYPES": "ü"},
    ),
    "envelopes over lines": Shape(
        b'{\n"events": [\n%s]}\n{"events": [\n%s\n]\n}' % (_a, _b), [A, B]
    ),
    "a named array a line": Shape(
        b'{"event_type":"x","data":{"rows":[]}}\n{"event_type":"x","data":{"rows":[%s]},"x":[{}]}\n'
        % _a,
        [A],
        _RECORDS,
    ),
    "lines without the named array": Shape(_LINES, [A, B], _RECORDS),
    "an event among envelopes": Shape(b'{"events":[%s]}\n%s\n' % (_a, _b), None),
    "an envelope among events": Shape(b"%s\n%s\n" % (_a, _NAMED % (_BOUGHT, _b)), None),
    "events with lists of what has types": Shape(
        b'{"event_type":"a","x":[{"event_type":"b"}]}\n%s\n' % _BOUGHT,
        [{"event_type": "a", "x": [{"event_type": "b"}]}, {"event_type": "purchase"}],
    ),
    "a purchase with a list of what has types": Shape(
        b'{"event_type":"purchase","x":[{"event_type":"b"}]}',
        [{"event_type": "purchase", "x": [{"event_type": "b"}]}],
    ),
    "a bad line among envelopes": Shape(b'no\n{"events":[%s]}\n' % _a, None),
    "a torn last envelope": Shape(_PAGES + b'{"events":[%s' % _a, None),
    "envelopes of several arrays": Shape(b'{"x":[{}],"events":[%s]}\n' % _a * 2, None),
    "objects with objects": Shape(
        b'{"x":[{"id":"1"}]}\n{"x":[{"id":"2"}]}\n', [{"x": [{"id": "1"}]}, {"x": [{"id": "2"}]}]
    ),
    "an array that is there twice": Shape(b'{"events":[%s],"events":[%s]}' % (_a, _b), None),
    "an array and a number of one name": Shape(b'{"events":[%s],"events":5}' % _a, None),
    "a holder of the array that is there twice": Shape(
        b'{"data":5,"data":{"rows":[%s]}}' % _a, None, _RECORDS
    ),
    "a named array that is there twice": Shape(
        b'{"data":{"rows":[%s],"rows":[%s]}}' % (_a, _b), None, _RECORDS
    ),
    "another key twice": Shape(b'{"n":1,"events":[%s],"n":2}' % _a, [A]),
    "an array": Shape(b" [%s,\n%s]\n" % (_a, _b), [A, B]),
    "an empty array": Shape(b"[]", []),
    "an array and more": Shape(b"[%s]\n%s\n" % (_a, _b), None),
    "nothing": Shape(b" \n", None),
    "one word": Shape(b"null", None),
    "lines": Shape(_LINES, [A, B]),
    "lines of Windows": Shape(b"\xef\xbb\xbf%s\r\n%s\r\n" % (_a, _b), [A, B]),
    "lines without the last end": Shape(_LINES + _c, [A, B, C]),
    "blank lines": Shape(b"\n \n%s\n\n\t\n%s\n\n" % (_a, _b), [A, B]),
    "a bad line": Shape(b"%s\nno\n%s\n" % (_a, _b), [A, "no", B]),
    "a bad first line": Shape(b"no\n%s\n%s\n" % (_a, _b), ["no", A, B]),
    "a bad first line and one without an end": Shape(b"no\n%s" % _a, ["no", A]),
    "a torn first line": Shape(b'{"event_type": "\n%s\n' % _a, ['{"event_type": "', A]),
    "an array of NULs before lines": Shape(b"[\0\0\n%s\n" % _a, None),
    "only bad lines": Shape(b"no\nno\nno\n", None),
    "a torn last line": Shape(_LINES + b'{"event_type', None),
    "a bad last line with its end": Shape(_LINES + b'{"event_type\n', [A, B, '{"event_type']),
    "a line that is not UTF-8": Shape(b'%s\n{"a": "\xff"}\n' % _a, [A, '{"a": "\ufffd"}']),
    "a first line that is not UTF-8": Shape(b'{"a": "\xff"}\n%s\n' % _a, ['{"a": "\ufffd"}', A]),
    "a line too deep": Shape(b"%s\n%s\n" % (_a, _DEEP), [A, _DEEP.decode()]),
    "a last line too deep without its end": Shape(b"%s\n%s" % (_a, _DEEP), [A, _DEEP.decode()]),
    "a last line too deep and cut off": Shape(b"%s\n%s" % (_a, _DEEP[:-1]), None),
    "a last line of which one is too deep": Shape(b"%s\n%s x" % (_a, _DEEP), None),
    "a first line too deep": Shape(b"%s\n5\n" % _DEEP, [_DEEP.decode(), 5]),
    "only lines too deep": Shape(b"%s\n%s\n" % (_DEEP, _DEEP), [_DEEP.decode()] * 2),
    "a bad line, and one too deep": Shape(b"no\n%s\n" % _DEEP, ["no", _DEEP.decode()]),
    "one that is too deep": Shape(_DEEP, None),
    "a value too deep": Shape(b"%s %s" % (_DEEP, _a), None),
    "lines that are no objects": Shape(b'%s\n5\n"x"\n[{}]\nnull\n' % _a, [A, 5, "x", [{}], None]),
    "several on a line": Shape(b"%s\n%s %s%s\n" % (_a, _b, _c, _a), [A, B, C, A]),
    "a bad one of several on a line": Shape(b"%s\n%s x\n" % (_a, _b), [A, _b.decode() + " x"]),
    "values": Shape(_a + _b + _c, [A, B, C]),
    "values of which one begins with 0": Shape(_a + b" 01", None),
    "a line that begins with 0": Shape(b"%s\n01\n%s\n" % (_a, _b), [A, "01", B]),
    "values with blanks": Shape(b"%s %s\n\n%s\n" % (_a, _b, _c), [A, B, C]),
    "values over lines": Shape(b'{\n"event_type": "a"\n}\n{\n"event_type":\n"b"}\n', [A, B]),
    "values with braces in strings": Shape(
        b'{"event_type":"}{\\"}"}{}', [{"event_type": '}{"}'}, {}]
    ),
    "a bad value": Shape(_a + _b + b"{", None),
    "values with commas": Shape(b"%s,%s" % (_a, _b), None),
    "one event": Shape(_a, [A]),
    "one event on a line": Shape(_a + b"\n", [A]),
    "one object without a type": Shape(b'{"a": 1}\n', None),
    "an envelope": Shape(b'{"n": [1], "m": {"events": [%s, 5, %s]}}' % (_a, _b), [A, 5, B]),
    "an envelope over lines": Shape(b'{\n"events": [\n%s,\n%s\n]\n}\n' % (_a, _b), [A, B]),
    "an empty envelope": Shape(b'{"n": 0, "events": []}', None),
    "an error message": Shape(b'{"message": "Forbidden", "problem": {"errors": []}}', None),
    "an empty envelope whose array is named": Shape(
        b'{"n": 0, "events": []}', [], {"SALES_RECORDS": "events"}
    ),
    "an empty envelope among others": Shape(_LAST_PAGE, None),
    "an empty one whose array is named": Shape(_LAST_PAGE, [A], {"SALES_RECORDS": "events"}),
    "an event with an empty array": Shape(
        b'{"event_type":"a","tags":[]}', [{"event_type": "a", "tags": []}]
    ),
    "an envelope with empty arrays": Shape(b'{"events": [], "more": []}', None),
    "an envelope with two arrays": Shape(b'{"x": [%s], "y": [%s]}' % (_a, _b), None),
    "an envelope's array in an array": Shape(b'{"x": [[%s]]}' % _a, None),
    "an event with an array": Shape(
        b'{"event_type": "a", "x": ["5", %s]}' % _b, [{**A, "x": ["5", B]}]
    ),
    "an order with items and no type": Shape(b'{"items": [%s]}' % _a, None, _ITEMS),
    "an envelope beside items": Shape(b'{"items": [%s], "rows": [%s]}' % (_a, _b), [B], _ITEMS),
    "a named array of several": Shape(
        b'{"x": [%s], "data": {"rows": [%s]}}' % (_a, _b), [B], _RECORDS
    ),
    "a named array that is empty": Shape(b'{"data": {"rows": []}, "x": [%s]}' % _a, [], _RECORDS),
    "a named array beside a type": Shape(
        b'{"event_type": "a", "data": {"rows": [%s]}}' % _b, [B], _RECORDS
    ),
    "a named array that is none": Shape(b'{"x": [%s], "data": {"rows": 5}}' % _a, None, _RECORDS),
    "an event that has no such array": Shape(_a, [A], _RECORDS),
    "an envelope that is too deep": Shape(
        b'{"events": [%s, %s]}' % (_a, b"[" * 255 + b"]" * 255), None
    ),
    "lines, and an envelope that is not UTF-8": Shape(
        b'%s\n{"rows": [%s], "\xff": 1}\n' % (_a, _b),
        [A, f'{{"rows": [{_b.decode()}], "\ufffd": 1}}'],
    ),
    "envelopes, one too deep": Shape(
        b'{"rows": [%s]}\n{"rows": [%s, %s]}\n' % (_DEEP, _a, _DEEP), None
    ),
    "gzip": Shape(gzip.compress(_LINES), [A, B]),
    "gzip of several members": Shape(
        gzip.compress(_a) + gzip.compress(b"") + gzip.compress(_b), [A, B]
    ),
    "gzip and zeros": Shape(gzip.compress(_LINES) + bytes(600), [A, B]),
    "gzip and more": Shape(gzip.compress(_LINES) + b"x", None),
    "gzip cut off": Shape(gzip.compress(_LINES)[:-1], None),
    "gzip with another sum": Shape(gzip.compress(_LINES)[:-8] + bytes(8), None),
    "gzip of gzip": Shape(gzip.compress(gzip.compress(_LINES)), None),
    "gzip of nothing": Shape(gzip.compress(b""), None),
    "Zstandard": Shape(zstd.compress(_LINES), [A, B]),
    "several frames": Shape(zstd.compress(_a) + SKIPPED + zstd.compress(_b), [A, B]),
    "a skipped frame first": Shape(SKIPPED + zstd.compress(_LINES), [A, B]),
    "Zstandard and more": Shape(zstd.compress(_LINES) + b"x", None),
    "Zstandard cut off": Shape(zstd.compress(_LINES)[:-1], None),
    "a torn last frame": Shape(zstd.compress(_LINES) + zstd.compress(_c)[:6], None),
    "a torn last member": Shape(gzip.compress(_LINES) + gzip.compress(_c)[:12], None),
    "only a skipped frame": Shape(SKIPPED, None),
}

# A loose part's name and its archive's, without the ending; the date.
DATES = {
    ("2023-10-23/part.json", ""): "2023-10-23",
    ("2023/10/23/06/part.json", ""): "2023-10-23",
    ("x/year=2023/month=10/day=23/part.json", ""): "2023-10-23",
    ("x/Year=2023/Month=1/Day=5/hour=3/part.json", ""): "2023-01-05",
    ("dt=2023_10_23/part.json", ""): "2023-10-23",
    ("x\\2023-10-23\\part.json", ""): "2023-10-23",
    ("events_2023-10-23_11.json", ""): "2023-10-23",
    ("events_20231023_000000000000.json", ""): "2023-10-23",
    ("2023-10-22/events_2023-10-23.json", ""): "2023-10-23",
    ("2023-10-22/2023-10-23/part.json", ""): "2023-10-23",
    ("2023-10-22/x/part.json", ""): "2023-10-22",
    ("2023-10-22/2023/10/23/part.json", ""): "2023-10-23",
    ("2023/10/23/2023-10-22/part.json", ""): "2023-10-22",
    ("20231022/2023-10-23/part.json", ""): "2023-10-23",
    ("2023-10-23/part-20231022.json", ""): "2023-10-23",  # separators before digits
    ("20231022/part-20231023.json", ""): "2023-10-23",
    ("20231023/part.json", "2023-10-22"): "2023-10-23",
    ("231107/231107_2023-10-23_11#1.json.gz", "week_43"): "2023-10-23",
    ("srcA1b2/1698019200000/1698019200000.a0.gz", ""): "",
    ("x20231023/part20231023.json", ""): "",  # eight digits of something else
    ("2023-13-23/part.json", ""): "",
    ("2023-02-30/2023-02-28.json", ""): "2023-02-28",
    ("2023-10-233/part.json", ""): "",
    ("2023-10_23/part.json", ""): "",
    ("part.json", "events_2023-10-23"): "2023-10-23",
    ("part.json", "events 20231023"): "2023-10-23",
    ("part.json", "20231022_2023-10-23"): "2023-10-23",
    ("part.json", "week_43"): "",
    ("2023.10.23/part.json", ""): "2023-10-23",
    ("part.2023.10.23.json", ""): "2023-10-23",
    ("2023.10-23/part.json", ""): "",
    ("2023-10/23/part.json", ""): "2023-10-23",
    ("x/2023_10/5/06/part.json", ""): "2023-10-05",
    ("2023-10/23.json.gz", ""): "2023-10-23",
    ("2023/10/23.json", ""): "2023-10-23",
    ("2023/10/3.json", ""): "",  # the third part
    ("2023/10/22/05.json", ""): "2023-10-22",  # an hour
    ("2023-10-22/05.json", ""): "2023-10-22",
    ("year=2023/month=10/23.json", ""): "2023-10-23",
    ("events-20231023T101500Z.json", ""): "2023-10-23",
    ("20231023t10/part.json", ""): "2023-10-23",
    ("20231023T1x/part.json", ""): "",
    ("2023102305.json", ""): "2023-10-23",
    ("part_20231023101500Z.json", ""): "2023-10-23",
    ("2023102324.json", ""): "",  # no hour
    ("1690120405/part.json", ""): "",  # seconds
    ("120231023/202310235/part.json", ""): "",
    ("part.json", "events2023102305"): "2023-10-23",
    ("part.json", "events20231023"): "2023-10-23",  # letters may be next to it
    ("part.json", "events202310235"): "",
    ("part.json", "2023.10.23"): "2023-10-23",
}
