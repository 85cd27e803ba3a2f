"""The data that contenders read: made once by data_generator, kept for the next run."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.results import DataFacts
from data_generator import generate

_FACTS = "facts.json"
_SEGMENTS = ("New", "Regular", "VIP")
_CATEGORIES = ("Books", "Clothing", "Electronics", "Garden", "Toys")


class Recipe(Struct, frozen=True):
    """What decides the data, down to the byte."""

    archives: int
    parts_per_day: int
    events_per_part: int
    customers: int
    products: int

    @property
    def name(self) -> str:
        """A folder's name."""
        return "-".join(map(str, msgspec.structs.astuple(self)))


class Shop(Struct, frozen=True):
    """Archives and dimensions on the disk."""

    data: Path
    dimensions: Path
    facts: DataFacts


SIZES = {
    "tiny": Recipe(2, 1, 50, 20, 10),  # to see that everything works
    "small": Recipe(20, 3, 1_000, 1_000, 100),
    "large": Recipe(50, 4, 8_000, 20_000, 500),
}


def prepare(folder: Path, recipe: Recipe) -> Shop:
    """Makes the shop under ``folder``, unless it is there."""
    place = folder / recipe.name
    data, dimensions = place / "data", place / "dimensions"
    if not is_kept(place):
        shutil.rmtree(place, ignore_errors=True)
        generate(
            data,
            recipe.archives,
            events_per_part=recipe.events_per_part,
            parts_per_day=recipe.parts_per_day,
            customers=recipe.customers,
            products=recipe.products,
            indent=None,
        )
        _write_dimensions(dimensions, recipe)
        keep_facts(place, facts_of(data, recipe))
    return kept_shop(place)


def keep_facts(place: Path, facts: DataFacts) -> None:
    """Says that a shop is complete."""
    (place / _FACTS).write_bytes(msgspec.json.encode(facts))


def kept_shop(place: Path) -> Shop:
    """A shop that is complete."""
    facts = msgspec.json.decode((place / _FACTS).read_bytes(), type=DataFacts)
    return Shop(place / "data", place / "dimensions", facts)


def is_kept(place: Path) -> bool:
    """Whether a shop is there, and complete."""
    return (place / _FACTS).is_file()


def _write_dimensions(folder: Path, recipe: Recipe) -> None:
    """Customers and products with the generator's ids."""
    folder.mkdir()
    customers = [f"c{n:03},{_SEGMENTS[n % 3]}" for n in range(1, recipe.customers + 1)]
    products = [
        f"p{n:03},{_CATEGORIES[n % 5]},{n % 300 + 1}.{n % 100:02}"
        for n in range(1, recipe.products + 1)
    ]
    (folder / "customers.csv").write_text("\n".join(["customer_id,segment", *customers, ""]))
    (folder / "products.csv").write_text("\n".join(["product_id,category,price", *products, ""]))


def facts_of(data: Path, recipe: Recipe) -> DataFacts:
    """What is in archives, which is counted where the recipe does not say it."""
    parts = json_bytes = zip_bytes = 0
    for path in data.glob("*.zip"):
        zip_bytes += path.stat().st_size
        with zipfile.ZipFile(path) as days:
            for day in days.namelist():
                with zipfile.ZipFile(io.BytesIO(days.read(day))) as zipped:
                    parts += len(zipped.infolist())
                    json_bytes += sum(entry.file_size for entry in zipped.infolist())
    return DataFacts(
        archives=recipe.archives,
        parts=parts,
        events=parts * recipe.events_per_part,
        customers=recipe.customers,
        products=recipe.products,
        zip_bytes=zip_bytes,
        json_bytes=json_bytes,
    )
