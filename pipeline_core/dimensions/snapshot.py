"""The frozen customers and products of one run."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline_core.configuration.dimension_tables import VALIDITY_COLUMNS
from pipeline_core.errors import ContractError
from pipeline_core.parquet import read_parquet
from pipeline_core.schemas import CUSTOMERS, NO_PRICE, PRODUCTS, checked
from pipeline_core.valid_ranges import is_dated, with_validity


@dataclass(frozen=True)
class Snapshot:
    """``customers`` (schema CUSTOMERS) and ``products`` (schema PRODUCTS), each sorted by id, then
    valid_from; prices in minor units of ``scale`` decimals."""

    customers: pa.Table
    products: pa.Table
    scale: int

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the values, whatever source or Parquet version they came from."""
        hasher = hashlib.sha256(f"scale={self.scale}".encode())
        for table in (self.customers, self.products):
            stored = _stored(table)
            for name in stored.schema.names:
                hasher.update(f"\n{name} {table.num_rows}\n".encode())
                _hash_column(hasher, stored[name].combine_chunks())
        return hasher.hexdigest()

    @property
    def unpriced(self) -> list[str]:
        """The ids of products without a price, in their order."""
        rows = pc.equal(self.products["price_minor"], NO_PRICE)
        ids = self.products["product_id"].filter(rows).to_pylist()
        return [each.decode(errors="replace") for each in dict.fromkeys(ids)]

    def to_parquet(self) -> dict[str, bytes]:
        """File name to bytes; the scale is in the files' metadata. Without dictionaries: ids are
        distinct, and Arrow's hash tables have no secret key (see transform/ids.py)."""
        scale = {"scale": str(self.scale)}
        files = {}
        for name, table in (("customers", self.customers), ("products", self.products)):
            buffer = io.BytesIO()
            described = _stored(table).replace_schema_metadata(scale)
            pq.write_table(described, buffer, compression="zstd", use_dictionary=False)
            files[f"{name}.parquet"] = buffer.getvalue()
        return files


def from_parquet(files: dict[str, bytes], digest: str) -> Snapshot:
    """The snapshot in those files. Raises ContractError if its digest is not ``digest``."""
    try:
        customers, products = (
            read_parquet(files[f"{name}.parquet"]) for name in ("customers", "products")
        )
        scale = int(products.schema.metadata[b"scale"])
    except (pa.ArrowInvalid, OSError, KeyError, TypeError) as error:
        raise ContractError(f"dimension snapshot {digest} is damaged: {error}") from error
    snapshot = Snapshot(
        checked(with_validity(customers.replace_schema_metadata(None)), CUSTOMERS),
        checked(with_validity(products.replace_schema_metadata(None)), PRODUCTS),
        scale,
    )
    if snapshot.digest != digest:
        raise ContractError(f"dimension snapshot {digest} is damaged: its digest differs")
    return snapshot


def _stored(table: pa.Table) -> pa.Table:
    """Without validity where every row is always valid, as it was stored before there was any."""
    return table if is_dated(table) else table.drop_columns(list(VALIDITY_COLUMNS))


def _hash_column(hasher: hashlib._Hash, column: pa.Array) -> None:
    if pa.types.is_integer(column.type):
        hasher.update(column.to_numpy().astype("<i8").tobytes())
        return
    hasher.update(column.is_valid().to_numpy(zero_copy_only=False).tobytes())
    if pa.types.is_date32(column.type):
        hasher.update(pc.fill_null(column.cast(pa.int32()), 0).to_numpy().astype("<i4").tobytes())
        return
    filled = pc.fill_null(column, b"" if pa.types.is_large_binary(column.type) else "")
    lengths = pc.binary_length(filled).to_numpy().astype("<i8")
    hasher.update(lengths.tobytes())
    _, offsets, data = filled.buffers()
    if data is not None:
        width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
        first = int(np.frombuffer(offsets, width)[filled.offset])
        hasher.update(data[first : first + int(lengths.sum())])
