"""What is said where a table writes ids in another way than the events."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline_core.catalog.env_line import env_line
from pipeline_core.catalog.remedy import remedy
from pipeline_core.configuration.dimension_tables import CUSTOMERS
from tests.support.known_tables import column


@pytest.mark.parametrize(
    ("ids", "known", "sql"),
    [
        (["1", "12"], ["00001", "00012"], "ltrim(customer_id, '0')"),
        (["00001", "00012"], ["1", "12"], "lpad(customer_id, 5, '0')"),
        (["u-1", "u-12"], ["1", "12"], "'u-' || customer_id"),
        (["1", "12"], ["u-1", "u-12"], "substr(customer_id, 3)"),
        (["a1"], ["A1"], "lower(customer_id)"),
        (["A1"], ["a1"], "upper(customer_id)"),
        (["a1"], ["a1 "], "btrim(customer_id)"),
        (["a1   ", "a12  "], ["a1", "a12"], "rpad(customer_id, 5)"),
    ],
)
def test_a_select_writes_ids_as_the_events_do(
    ids: Sequence[str], known: Sequence[str], sql: str
) -> None:
    said = remedy(ids, CUSTOMERS, column("customer_id", known), is_file=False)
    line = env_line("SALES_CUSTOMERS", f"SELECT {sql} AS customer_id, segment FROM customers")
    assert said == (
        f"{line} writes customer_id as the events do; SALES_CUSTOMER_COLUMNS is not needed then."
    )


def test_names_of_others_are_quoted_and_numbers_made_text() -> None:
    table = CUSTOMERS.called("crm.Clients", {"customer_id": "no", "segment": "group"})
    said = remedy(["007"], table, column("no", ["7"], "bigint"), is_file=False)
    assert said.startswith(
        r"""SALES_CUSTOMERS="SELECT lpad(CAST(\"no\" AS text), 3, '0') AS customer_id, """
        r"""\"group\" AS segment FROM \"crm\".\"Clients\"" writes no as the events do"""
    )


def test_a_file_has_to_be_written_anew() -> None:
    said = remedy(["1"], CUSTOMERS, column("customer_id", ["001"]), is_file=True)
    assert said.startswith(
        "Files are read as they are: write customers anew, with customer_id as the events have it, "
        "1 for 001. Or have it in a database: SALES_CUSTOMERS="
    )


def test_where_no_way_is_found_it_is_left_to_a_person() -> None:
    said = remedy(["x-1", "y-22"], CUSTOMERS, column("customer_id", ["1", "22"]), is_file=False)
    assert said.startswith("A SELECT of it may write customer_id as the events do;")


def test_a_select_of_a_history_keeps_when_its_rows_are_valid() -> None:
    table = CUSTOMERS.called("clients", {"customer_id": "no", "valid_from": "since"})
    said = remedy(["007"], table, column("no", ["7"]), is_file=False)
    assert r"AS customer_id, segment, \"since\" AS valid_from FROM" in said
