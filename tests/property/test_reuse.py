"""Whatever happens to the archives and the price list: reusing equals reading everything."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_core.publication import merge
from tests.support.archives import write_shop
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, check, week

STEPS = 50


def add_archive(shop: Runs, chance: random.Random) -> None:
    seeds = chance.sample(range(1, 29), chance.randint(0, 3))
    (shop.shop.data / f"week_{chance.randint(0, 9)}.zip").write_bytes(week(*seeds))


def _remove(shop: Runs, chance: random.Random) -> None:
    _any_archive(shop, chance).unlink()


def _rename(shop: Runs, chance: random.Random) -> None:
    _any_archive(shop, chance).rename(shop.shop.data / f"renamed_{chance.randint(0, 3)}.zip")


def _copy(shop: Runs, chance: random.Random) -> None:
    data = _any_archive(shop, chance).read_bytes()
    (shop.shop.data / f"copy_{chance.randint(0, 3)}.zip").write_bytes(data)


def _corrupt(shop: Runs, chance: random.Random) -> None:
    path = _any_archive(shop, chance)
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _restate(shop: Runs, chance: random.Random) -> None:
    """A price, a category or a segment is another, or gone."""
    path = shop.shop.dimensions / chance.choice(["products.csv", "customers.csv"])
    header, *rows = path.read_text().splitlines()
    fields = chance.choice(rows).split(",")
    rows = [row for row in rows if not row.startswith(fields[0] + ",")]
    if path.stem == "products":
        fields[2] = chance.choice(['"Toys"', '"Food"', '"Art"', '""'])
        fields[3] = f'"{chance.randint(0, 99)}.{chance.randint(0, 99):02}"'
    else:
        fields[2] = chance.choice(['"Retail"', '"VIP"', '""'])
    if chance.random() < 0.8 or len(rows) < 3:
        rows.append(",".join(fields))
    path.write_text("\n".join([header, *rows]) + "\n")


def _nothing(shop: Runs, chance: random.Random) -> None:
    """An ordinary night."""


def _any_archive(shop: Runs, chance: random.Random) -> Path:
    if not any(shop.shop.data.iterdir()):
        add_archive(shop, chance)
    return chance.choice(sorted(shop.shop.data.iterdir()))


MUTATIONS: list[Callable[[Runs, random.Random], None]] = [
    *(add_archive, add_archive, _remove, _rename, _copy, _corrupt, _restate, _restate, _nothing)
]


@pytest.mark.parametrize("seed", range(4))
def test_after_any_step_the_figures_are_those_of_a_full_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(merge, "_BLOCK_ARCHIVES", 2)
    chance = random.Random(seed)  # noqa: S311
    archives = {f"week_{n}.zip": week(2 * n + 1, 2 * n + 2) for n in range(4)}
    runs = Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "reusing")
    for _ in range(STEPS):
        chance.choice(MUTATIONS)(runs, chance)
        if not any(runs.shop.data.iterdir()):
            add_archive(runs, chance)
        check(runs, unknown=chance.choice(["reject", "reject", "bucket"]))
