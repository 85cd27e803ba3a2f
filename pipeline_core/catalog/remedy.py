"""How ids of a table are made those of the events, where they are written in another way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from os.path import commonprefix

from pipeline_core.catalog.env_line import env_line
from pipeline_core.catalog.tables import Column
from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    PRODUCT_COLUMNS,
    VALIDITY_COLUMNS,
    DimensionTable,
    split_name,
)
from pipeline_core.dimensions.table_lookup import quoted

_NO_DIGITS = re.compile(r"\D*")
# Names that are no words of SQL.
_PLAIN = frozenset(
    ["customers", "products", *CUSTOMER_COLUMNS, *PRODUCT_COLUMNS, *VALIDITY_COLUMNS]
)
_FEW = 0.5

# SQL of a column, ``{}`` being the column, and the same in Python.
_Way = tuple[str, Callable[[str], str]]


def remedy(ids: Sequence[str], table: DimensionTable, column: Column, *, is_file: bool) -> str:
    """What makes ids of ``column``, which is one of ``table``, be written as in the events."""
    way = _best_way(ids, column)
    does = "A SELECT of it may write"
    if way is not None:
        does = f"{env_line(table.setting, _select(way[0], table, column))} writes"
    if not is_file:
        return f"{does} {column.name} as the events do; {table.columns_setting} is not needed then."
    text = next((text for text in column.sample if text and way), None)
    example = f", {way[1](text)} for {text}" if way and text else ""
    return (
        f"Files are read as they are: write {table.named} anew, with {column.name} as the events "
        f"have it{example}. Or have it in a database: {does} it so."
    )


def _best_way(ids: Sequence[str], column: Column) -> _Way | None:
    """The one that makes most ids of the events; None if none makes half of them."""
    wanted, best, most = set(ids), None, len(set(ids)) * _FEW
    for way in _ways(ids, column):
        found = len(wanted & {way[1](text) for text in column.ids})
        if found >= most and found:
            best, most = way, found + 1
    return best


def _ways(ids: Sequence[str], column: Column) -> Iterator[_Way]:
    """Those that may, from what ids and column have in common."""
    yield "ltrim({}, '0')", lambda text: text.lstrip("0")
    yield "lower({})", str.lower
    yield "upper({})", str.upper
    yield "btrim({})", lambda text: text.strip(" ")
    yield "replace({}, ' ', '')", lambda text: text.replace(" ", "")
    widths = {len(each) for each in ids}
    if len(widths) == 1:
        width = widths.pop()
        yield f"lpad({{}}, {width}, '0')", lambda text: text.rjust(width, "0")[:width]
        yield f"rpad({{}}, {width})", lambda text: text.ljust(width)[:width]
    if before := _beginning(ids):
        literal = before.replace("'", "''").replace("{", "{{").replace("}", "}}")
        yield f"'{literal}' || {{}}", lambda text: before + text
    if cut := len(_beginning(list(column.ids))):
        yield f"substr({{}}, {cut + 1})", lambda text: text[cut:]


def _beginning(texts: Sequence[str]) -> str:
    """What all begin with, up to the first digit."""
    found = _NO_DIGITS.match(commonprefix(texts))  # noqa: RUF071  (characters are meant)
    return found[0] if found else ""


def _select(sql: str, table: DimensionTable, column: Column) -> str:
    """A SELECT of our columns, the id by ``sql``."""
    wanted = table.wanted([])
    theirs = [_written(name) for name in wanted.values()]
    text = theirs[0] if column.type == "text" else f"CAST({theirs[0]} AS text)"
    named = [sql.format(text), *theirs[1:]]
    columns = [
        own if own == ours else f"{own} AS {ours}" for own, ours in zip(named, wanted, strict=True)
    ]
    schema, name = split_name(table.named)
    place = ".".join(_written(each) for each in (schema, name) if each is not None)
    return f"SELECT {', '.join(columns)} FROM {place}"  # noqa: S608  (names are quoted)


def _written(name: str) -> str:
    return name if name in _PLAIN else quoted(name)
