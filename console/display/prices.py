"""The price history that is kept, as a table and as JSON."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from console.display.json_output import KeptPrice, KeptPrices
from console.display.terminal import print_json
from console.display.views import output, table
from pipeline_core.messages import PriceList
from pipeline_core.plural import counted
from pipeline_core.transform.money import grouped
from pipeline_core.unprintable import plain

_SHOWN = 200


def print_prices_as_json(prices: PriceList, rows: pa.Table) -> None:
    """All rows, as ``KeptPrices``."""
    print_json(
        KeptPrices(
            number=prices.number,
            read_at=prices.read_at,
            run_id=prices.run_id,
            rows=[
                KeptPrice(**row | {"price": _text(row["price"])})
                for batch in rows.to_batches(max_chunksize=10_000)
                for row in batch.to_pylist()
            ],
        )
    )


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def print_prices(prices: PriceList, rows: pa.Table) -> None:
    """The first rows, and which version they are of."""
    cells = [
        (
            plain(row["product_id"]),
            plain(row["category"] or ""),
            "none" if (price := _text(row["price"])) is None else grouped(price),
            row["valid_from"] or "",
            row["valid_to"] or "",
        )
        for row in rows.slice(0, _SHOWN).to_pylist()
    ]
    grid = table(["product", "category", "price", "valid from", "valid to"], cells, numbers=(2,))
    if rows.num_rows > _SHOWN:
        grid.caption = f"and {counted(rows.num_rows - _SHOWN, 'more row')}; --csv writes all"
    console = output()
    console.print(grid)
    origin = f"by run {prices.run_id}" if prices.run_id else "from a file"
    console.print(
        f"Version {prices.number}, {origin}; a row counts from its first day to before its last, "
        "empty is open.",
        soft_wrap=True,
    )
