"""The tables and views of a destination: what they are called, hold, and are made by.

They are made once and stay for ever, with their grants, views and whatever else was built on them;
only their rows change. A comment says whose they are: what has none of ours is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.sql import SQL, Composable, Identifier, Literal

MARK = "Made by sales-pipeline"
_COMMENT = f"{MARK}: its rows are replaced by each delivery, and only while this comment stands."
_VIEW_COMMENT = f"{MARK}: made again if it is gone."

TEXT, COUNT, MONEY, DATE, TIME = "text", "bigint", "numeric", "date", "timestamptz"
# NaN is above all, and Infinity next to it: neither is money.
_FINITE = SQL("CHECK ({column} > '-Infinity' AND {column} < 'Infinity')")


@dataclass(frozen=True)
class DeliveredTable:
    """A table. ``optional`` columns may be NULL; ``run_id`` is behind all others of facts."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    optional: frozenset[str] = frozenset()

    def named(self, schema: str) -> Composable:
        """It, as SQL."""
        return Identifier(schema, self.name)

    def created(self, schema: str) -> Composable:
        """SQL that makes it, and says whose it is."""
        columns = [self._column(name, kind) for name, kind in self.columns.items()]
        unique = SQL("UNIQUE NULLS NOT DISTINCT" if self.optional & {*self.key} else "PRIMARY KEY")
        columns.append(SQL("{} ({})").format(unique, names(self.key)))
        return SQL(
            "CREATE TABLE {table} ({columns}); COMMENT ON TABLE {table} IS {comment}"
        ).format(
            table=self.named(schema), columns=SQL(", ").join(columns), comment=Literal(_COMMENT)
        )

    def _column(self, name: str, kind: str) -> Composable:
        parts: list[Composable] = [Identifier(name), SQL(kind)]
        if name not in self.optional:
            parts.append(SQL("NOT NULL"))
        if kind == MONEY:
            parts.append(_FINITE.format(column=Identifier(name)))
        return SQL(" ").join(parts)


SALES_REPORT = DeliveredTable(
    "sales_report",
    {
        "category": TEXT,
        "customer_segment": TEXT,
        "total_revenue": MONEY,
        "units_sold": COUNT,
        "unique_customers": COUNT,
        "run_id": TEXT,
    },
    ("category", "customer_segment"),
)
DAILY_SALES = DeliveredTable(
    "daily_sales",
    {
        "date": DATE,  # NULL of sales of days without a date
        "category": TEXT,
        "customer_segment": TEXT,
        "total_revenue": MONEY,
        "units_sold": COUNT,
        "run_id": TEXT,
    },
    ("date", "category", "customer_segment"),
    frozenset({"date"}),
)
REJECTS_BY_REASON = DeliveredTable(
    "rejects_by_reason",
    {
        "reason": TEXT,
        "events": COUNT,
        "units": COUNT,
        "revenue": MONEY,
        "unknown_units": COUNT,
        "unknown_revenue": COUNT,
        "run_id": TEXT,
    },
    ("reason",),
    frozenset({"units", "revenue", "unknown_units", "unknown_revenue"}),
)
# Every run that was delivered; the others hold the rows of the current one.
RUNS = DeliveredTable(
    "runs",
    {
        "run_id": TEXT,
        "is_current": "boolean",
        "status": TEXT,
        "as_of": DATE,
        "planned_at": TIME,
        "finished_at": TIME,
        "total_revenue": MONEY,
        "units_sold": COUNT,
        "unique_customers": COUNT,
        "events_seen": COUNT,
        "events_counted": COUNT,
        "events_not_purchase": COUNT,
        "events_rejected": COUNT,
        "unreadable": COUNT,
    },
    ("run_id",),
    frozenset({"as_of"}),
)
FACTS = (SALES_REPORT, DAILY_SALES, REJECTS_BY_REASON)
TABLES = (*FACTS, RUNS)

# By name, over the schema's own tables.
VIEWS = {
    "sales_by_month": SQL("""
        SELECT date_trunc('month', date)::date AS month, category, customer_segment,
            sum(total_revenue) AS total_revenue, sum(units_sold) AS units_sold,
            min(run_id) AS run_id
        FROM {schema}.daily_sales GROUP BY 1, 2, 3
    """),
    "current_run": SQL("SELECT * FROM {schema}.runs WHERE is_current"),
}


def created_view(schema: str, name: str) -> Composable:
    """SQL that makes a view, and says whose it is."""
    return SQL("CREATE VIEW {view} AS {query}; COMMENT ON VIEW {view} IS {comment}").format(
        view=Identifier(schema, name),
        query=VIEWS[name].format(schema=Identifier(schema)),
        comment=Literal(_VIEW_COMMENT),
    )


def names(columns: Sequence[str]) -> Composable:
    """Columns with commas between."""
    return SQL(", ").join(map(Identifier, columns))
