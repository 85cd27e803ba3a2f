"""Whatever happens to archives, customers and products: reusing equals reading everything."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.merging import merge
from pipeline_core.messages import Feed
from pipeline_core.publication.rebuild import rebuild
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.changing_lists import ChangingList
from tests.support.successive import Runs, check
from tests.support.whole_runs import seeds

STEPS = 50
CUSTOMERS = [f"c{n}" for n in range(18)]
PRODUCTS = [f"p{n}" for n in range(18)]
DAYS = [f"events_2024-01-{day:02}.zip" for day in range(1, 29)]
DAYS += [f"events_{name}.zip" for name in ("a", "b", "c", "d")]
# Dropped if it is sent again, where a feed says by which fields that is known.
SENT_TWICE = Feed(event_id=("order",))


@dataclass
class World:
    """A shop, its tables as they are now, and the runs of it."""

    chance: random.Random
    runs: Runs
    tables: list[ChangingList]

    @property
    def data(self) -> Path:
        """Where its archives are."""
        return self.runs.shop.data

    def write_tables(self) -> None:
        """Puts the tables of now into the place of those before."""
        for table in self.tables:
            table.write(self.runs.shop.dimensions)

    def step(self) -> None:
        """One thing happens, or none; some archive there is in the end."""
        self.chance.choice(MUTATIONS)(self)
        if not any(self.data.iterdir()):
            _add(self)


def a_world(folder: Path, chance: random.Random, *, dated: bool = True) -> World:
    """With some archives, and without a run yet."""
    archives = {f"week_{n}.zip": _week(chance) for n in range(8)}
    shop = write_shop(folder / "shop", archives)
    tables = [
        ChangingList("customers", chance, CUSTOMERS, dated),
        ChangingList("products", chance, PRODUCTS, dated),
    ]
    world = World(chance, Runs(shop, folder / "runs"), tables)
    world.write_tables()
    return world


def _week(chance: random.Random) -> bytes:
    """A few days, each of a few purchases by few; some are of nobody, or of nothing known."""
    days = {}
    for day in chance.sample(DAYS, chance.randint(0, 3)):
        bought = [
            purchase(chance.choice(CUSTOMERS), chance.choice(PRODUCTS), n - 1, order=_order(chance))
            for n in range(chance.randint(0, 4))
        ]
        days[day] = day_zip({"part-1.json": part(bought[1:]), "part-2.json": part(bought[:1])})
    return archive_zip(days)


def _order(chance: random.Random) -> int:
    return chance.randint(0, 40)


def _add(world: World) -> None:
    name = f"week_{world.chance.randint(0, 9)}.zip"
    (world.data / name).write_bytes(_week(world.chance))


def _remove(world: World) -> None:
    _any_archive(world).unlink()


def _rename(world: World) -> None:
    _any_archive(world).rename(world.data / f"renamed_{world.chance.randint(0, 3)}.zip")


def _copy(world: World) -> None:
    data = _any_archive(world).read_bytes()
    (world.data / f"copy_{world.chance.randint(0, 3)}.zip").write_bytes(data)


def _corrupt(world: World) -> None:
    path, chance = _any_archive(world), world.chance
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _change_lists(world: World) -> None:
    """Rows of customers and products are added, closed, corrected, taken away."""
    for _ in range(world.chance.randint(1, 3)):
        world.chance.choice(world.tables).change()
    world.write_tables()


def _is_dated(world: World) -> bool:
    """Whether any archive has a day with a date."""
    return any("2024-01" in name for path in world.data.iterdir() for name in _names(path))


def _names(path: Path) -> list[str]:
    try:
        return zipfile.ZipFile(path).namelist()
    except zipfile.BadZipFile:
        return []


def _nothing(world: World) -> None:
    """An ordinary night."""


def _any_archive(world: World) -> Path:
    if not any(world.data.iterdir()):
        _add(world)
    return world.chance.choice(sorted(world.data.iterdir()))


MUTATIONS: list[Callable[[World], None]] = [
    *(_add, _add, _remove, _rename, _copy, _corrupt, _nothing),
    *(_change_lists,) * 8,
]


@pytest.mark.parametrize("seed", seeds(4))
def test_after_any_step_the_figures_are_those_of_a_full_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(merge, "_BLOCK_ARCHIVES", 2)
    chance = random.Random(seed)  # noqa: S311
    world = a_world(tmp_path, chance)
    runs = world.runs
    unknown, feed = "reject", SENT_TWICE if seed % 2 else Feed()
    was, touched, untouched = "", 0, 0
    memory, remembered = runs.folder / "state" / "kept" / "archives.json", list[bytes]()
    for _ in range(STEPS):
        world.step()
        if remembered and chance.random() < 0.1:  # as if another run had been planned then, too
            memory.write_bytes(chance.choice(remembered))
        if chance.random() < 0.1:
            unknown = chance.choice(["reject", "bucket"])
        is_past = remembered and chance.random() < 0.1 and _is_dated(world)
        as_of = date(2024, 1, 28) if is_past else None
        digest = check(runs, unknown=unknown, feed=feed, as_of=as_of)["dimensions_digest"]
        if digest != was:
            ledger = RunLedger(open_state(str(runs.folder / "state")), f"run-{runs.number:03}")
            untouched += len(ledger.reused())
            touched += len(list(ledger.receipts())) - len(ledger.reused())
        was = digest
        remembered.append(memory.read_bytes())
    for number in chance.sample(range(1, STEPS + 1), 3):
        again = rebuild(str(runs.folder / "state"), f"run-{number:03}", dry_run=True)
        assert again.state == "as_published", again
    assert untouched > STEPS // 2
    assert touched > STEPS // 4
