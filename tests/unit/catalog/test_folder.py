"""Tables of a folder, of any format and delimiter."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline_core.catalog.folder import SAMPLE_ROWS, folder_tables


def test_tables_of_any_delimiter_and_format_are_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("id;name of it\n1;x, y\n2;z\n", encoding="utf-8-sig")
    pq.write_table(pa.table({"n": [1, None], "list": [[1], [2]]}), tmp_path / "a.parquet")
    (tmp_path / "c.parquet").mkdir()
    pq.write_table(pa.table({"n": [7]}), tmp_path / "c.parquet" / "part-0.parquet")
    (tmp_path / "notes.txt").write_text("id,name\n")
    a, b, c = folder_tables(tmp_path, frozenset())
    assert [(each.name, each.type, each.sample) for each in a.columns] == [
        ("n", "int64", ("1", None)),
        ("list", "list<element: int64>", (None, None)),
    ]
    assert [(each.name, each.sample) for each in b.columns] == [
        ("id", ("1", "2")),
        ("name of it", ("x, y", "z")),
    ]
    assert [each.name for each in (a, b, c)] == ["a", "b", "c"]


def test_what_is_no_table_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.csv").write_text("")
    assert [table.name for table in folder_tables(tmp_path, frozenset())] == ["c"]


def test_ids_are_found_behind_the_rows_that_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"{n}\n" for n in range(3 * SAMPLE_ROWS))
    (tmp_path / "t.csv").write_text(f"id\n{rows}")
    late = str(3 * SAMPLE_ROWS - 1)
    [table] = folder_tables(tmp_path, frozenset([late, "x"]))
    assert len(table["id"].sample) == SAMPLE_ROWS
    assert late in table["id"].ids
    assert "x" not in table["id"].ids
