"""``prices``: the price history that is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import note
from console.options import completed_runs, json_option, run_settings, state_option
from pipeline_core.plural import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline_core.messages import PriceList
    from pipeline_core.storage import Storage


@click.command()
@state_option
@click.option("--product", metavar="ID", help="Only the prices of one product.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=str),
    metavar="FILE",
    help="Write them as a products file with valid_from and valid_to; - is stdout.",
)
@click.option(
    "--restore",
    metavar="RUN",
    shell_complete=completed_runs,
    help="Where the history is lost or damaged: take the prices that a run was made by.",
)
@click.option(
    "--load",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Correct the history: take that of a products file (.csv or .parquet).",
)
@json_option
def prices_command(
    product: str | None,
    csv_file: str | None,
    restore: str | None,
    load: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show the price history that SALES_PRICE_HISTORY=keep makes."""
    from pipeline_core.ledger import open_state, read_state, unvouched_words
    from pipeline_core.price_history.price_lists import load_prices

    if restore is not None and load is not None:
        raise click.UsageError("--restore and --load are two histories; take one.")
    settings = run_settings(options)
    note(unvouched_words(settings.state))
    state = (open_state if restore or load else read_state)(settings.state)
    if restore is not None or load is not None:
        made = _put(state, restore, load)
        note(f"The price history is {made}.")
    prices = _newest(state)
    rows = load_prices(state, prices)
    if product is not None:
        rows = _of_product(rows, product)
    if csv_file is not None:
        _write(rows, csv_file)
    else:
        from console.display.prices import print_prices, print_prices_as_json

        (print_prices_as_json if as_json else print_prices)(prices, rows)


def _put(state: Storage, restore: str | None, load: Path | None) -> str:
    """What it is now, in words."""
    from pipeline_core.dimensions.files import read_products
    from pipeline_core.price_history.restored import loaded, restored

    now = datetime.now(UTC)
    if load is not None:
        made, of = loaded(state, read_products(load), now), f"of {load}"
    else:
        made, of = restored(state, str(restore), now), f"of run {restore} again"
    return f"that {of}: {counted(made.file.rows, 'row')}"


def _newest(state: Storage) -> PriceList:
    from pipeline_core.errors import ConfigError
    from pipeline_core.price_history.price_lists import newest_prices

    prices = newest_prices(state)
    if prices is None:
        raise ConfigError(
            f"No price history is kept in {state.uri}.",
            "SALES_PRICE_HISTORY=keep keeps one, from the next run on.",
        )
    return prices


def _of_product(rows: pa.Table, product: str) -> pa.Table:
    from difflib import get_close_matches

    import pyarrow.compute as pc

    from pipeline_core.errors import ConfigError

    found = rows.filter(pc.equal(rows["product_id"], product))
    if not found.num_rows:
        close = get_close_matches(product, rows["product_id"].to_pylist(), n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else "`sales-pipeline prices` lists all."
        raise ConfigError(f"The price history has no product {product!r}.", remedy)
    return found


def _write(rows: pa.Table, csv_file: str) -> None:
    """As a products file: verbatim, so that it can be read again."""
    from pipeline_core.load.tables import csv_lines, write_csv

    if csv_file == "-":
        for line in csv_lines(rows):
            click.echo(line.encode(), nl=False)
        return
    from pipeline_core.errors import ConfigError

    try:
        write_csv(rows, Path(csv_file))
    except OSError as error:
        raise ConfigError(
            f"{csv_file} cannot be written: {error.strerror or error}.", "Name another file."
        ) from error
