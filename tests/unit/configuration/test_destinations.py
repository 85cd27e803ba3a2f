"""Destinations: what is taken, and that a login is neither shown nor part of what they are."""

from __future__ import annotations

import pytest

from pipeline_core.configuration.destinations import parse_destinations

_SAMPLE = "postgresql://me:se%2Ccret@db.shop:5433/bi?schema=sales&sslmode=require"


def test_a_destination_is_taken_apart() -> None:
    [found] = parse_destinations(_SAMPLE)
    assert found.url == "postgresql://me:se%2Ccret@db.shop:5433/bi?sslmode=require"
    assert found.schema == "sales"
    assert found.shown == "postgresql://***@db.shop:5433/bi?schema=sales"
    assert "cret" not in repr(found)


def test_a_schema_of_our_own_is_the_default() -> None:
    [found] = parse_destinations("postgresql://db/bi")
    assert (found.schema, found.has_login) == ("sales_pipeline", False)
    assert found.shown == "postgresql://db/bi?schema=sales_pipeline"


def test_several_have_commas_in_between() -> None:
    one, other = parse_destinations("postgresql://db/bi , postgresql://me:x@db/bi?schema=other")
    assert (one.schema, other.schema) == ("sales_pipeline", "other")
    assert one.id != other.id


@pytest.mark.parametrize(
    "same",
    [
        "postgresql://you:other@db.shop:5433/bi?schema=sales",
        "postgresql+psycopg2://DB.shop:5433/bi?schema=sales",
        "postgresql:///bi?host=db.shop&port=5433&schema=sales&user=me&password=cret",
    ],
)
def test_the_place_is_what_it_is_not_who_logs_in(same: str) -> None:
    [one], [other] = parse_destinations(_SAMPLE), parse_destinations(same)
    assert one.id == other.id
    assert "cret" not in other.shown


@pytest.mark.parametrize("port", ["", ":5432"])
def test_the_usual_port_needs_no_word(port: str) -> None:
    [one], [other] = (
        parse_destinations(f"postgresql://db{port}/b"),
        parse_destinations("postgresql://db/b"),
    )
    assert one.id == other.id


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "empty"),
        ("postgresql://db/bi,", "destination 2: empty"),
        ("mysql://me:cret@db/bi", "postgresql://.*, file.xlsx:.*, mailto:.* or apprise.URL"),
        ("/a/b/cret.XLSX", "a workbook is a URL, too; write file.xlsx:///folder/report.xlsx"),
        ("C:\\cret\\b.xlsx", "write file.xlsx:///folder/report.xlsx"),
        ("cret@shop.example", "write mailto:a@shop.example"),
        ("/a/b/cret", "postgresql://.*, file.xlsx:.*, mailto:.* or apprise.URL"),
        ("smtp://me:cret@mail", "postgresql://.*, file.xlsx:.*, mailto:.* or apprise.URL"),
        ("postgresql://me:cret@db", "no database"),
        ("postgresql://me:se,cret@db/bi", "a comma within a destination is %2C"),
        ("postgresql://me:cret@db/bi?schema=", "its schema is a name of blanks"),
        ("postgresql://me:cret@db/bi?schema=pg_x", "PostgreSQL's own"),
        ("postgresql://me:cret@db/bi?schema=a&schema=b", "two schemas"),
        ("postgresql://me:cret@db/bi?colour=red", "none of PostgreSQL's"),
        ("postgresql://me:cret@db/b,postgresql://you:cret@db/b", "is named twice"),
        ("file+xlsx:///a/b.xlsx,file+xlsx:///a/./b.xlsx", "is named twice"),
        ("file+xlsx://a/b.xlsx", "three slashes"),
        ("file:///a/b.xlsx", "three slashes"),
        ("file+xlsx:///a/b.xls", "ends with .xlsx"),
        ("file+xlsx:///a/%zz.xlsx", "escapes nothing"),
    ],
)
def test_what_is_none_is_told_without_its_login(given: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        parse_destinations(given)
    assert "cret" not in str(raised.value)


def test_a_workbook_has_a_path() -> None:
    [found] = parse_destinations("file+xlsx:///shared/the%20report%2C%202024.xlsx")
    assert (found.kind, found.path) == ("workbook", "/shared/the report, 2024.xlsx")
    assert found.shown == "file+xlsx:///shared/the%20report%2C%202024.xlsx"
