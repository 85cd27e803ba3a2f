"""Between Arrow's tables and pandas' frames, value by value: no type is guessed on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.io.common import get_handle  # type: ignore[import-not-found]

from pipeline_core.dimensions.source import check_names
from pipeline_core.errors import ConfigError
from pipeline_core.load.tables import csv_line


class ReportFrame(pd.DataFrame):
    """A finished report. ``to_csv(index=False)`` writes it as the command does; what is made of it
    is a plain DataFrame."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def to_csv(self, path_or_buf: Any = None, **options: Any) -> str | None:  # type: ignore[override]
        """As pandas does. With ``index=False`` alone, the bytes are the command's: Python's csv
        quotes differently in each version, and writes small money with an exponent."""
        if options != {"index": False}:
            found: str | None = super().to_csv(path_or_buf, **options)
            return found
        rows = self.astype(object).where(self.notna(), None).itertuples(index=False, name=None)
        text = "".join(map(csv_line, [list(self.columns), *rows]))
        if path_or_buf is None:
            return text
        with get_handle(path_or_buf, "w", encoding="utf-8", compression="infer") as opened:
            opened.handle.write(text)
        return None


def report_frame(table: pa.Table) -> ReportFrame:
    """A finished report: whole numbers are int64, all else is as Python has it."""
    columns = {name: table[name].to_pylist() for name in table.schema.names}
    whole = {field.name for field in table.schema if pa.types.is_integer(field.type)}
    return ReportFrame(frame_of(columns, whole))


def frame_of(columns: Mapping[str, Sequence[Any]], whole: Iterable[str] = ()) -> pd.DataFrame:
    """The columns, int64 those that are ``whole`` numbers and object all others; names as well."""
    series = [
        pd.Series(values, dtype=np.int64 if name in whole else object)
        for name, values in columns.items()
    ]
    frame = pd.DataFrame(dict(enumerate(series)))
    frame.columns = pd.Index(list(columns), dtype=object)
    return frame


def python_values(column: pd.Series[Any]) -> list[Any]:
    """The values as JSON would give them, None where one is missing."""
    values = column.astype(object).where(column.notna(), None).tolist()
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def arrow_table(frame: pd.DataFrame, columns: Sequence[str], name: str) -> pa.Table:
    """Some columns of the frame ``name``, each of the type of its values.

    Raises:
        ConfigError: a column is not there, or its values have no common type.
    """
    check_names([str(each) for each in frame.columns], columns, name)
    found = {}
    for column in columns:
        try:
            found[column] = pa.array(python_values(frame[column]))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise ConfigError(
                f"{name}: the column {column} has no type that all its values are of: {said}.",
                "Make all of them text, or all of them numbers.",
            ) from error
    return pa.table(found)
