"""What customers or products were read from."""

from __future__ import annotations

from msgspec import Struct

DATABASE = "database"


class DimensionSource(Struct, frozen=True, kw_only=True):
    """Where the customers, or the products, of a run came from."""

    place: str
    """Path of the folder, ``database``, or a plug-in with its package and the version of that."""
    table: str
    """As it was set: a table, a view or a SELECT of the database, or a file without its ending."""
    columns: dict[str, str]
    """What each of our columns is called there."""

    @property
    def words(self) -> str:
        """It, on one line, and its columns that have another name than ours."""
        where = "" if self.place == DATABASE else f"{self.place.rstrip('/')}/"
        other = [f"{ours}={theirs}" for ours, theirs in self.columns.items() if ours != theirs]
        named = f"{where}{' '.join(self.table.split())}"
        return f"{named} ({', '.join(other)})" if other else named
