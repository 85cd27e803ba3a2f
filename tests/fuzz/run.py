"""Archives gone wrong, for so many seconds: ``make fuzz``.

``python -m tests.fuzz.run [--seconds 600] [--seed 1]``. One part of any shape, packed or not, in a
daily zip or in a folder, one day or one archive is mutated; its neighbours are sound. Whatever the
mutation did: planning and processing raise nothing, end in time and within the memory of this
process, every event seen is accounted for, what cannot be read has its place and cause, the
neighbours count in full, nothing is written outside of the places that were given, and verify's
recount says the same.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zipfile import ZIP_LZMA

from pipeline_core.ledger import RunLedger
from pipeline_core.logs import configure_logs
from pipeline_core.messages import Options, Receipt
from pipeline_core.storage import open_storage
from tests.support.archives import (
    DEFLATE64,
    ZSTANDARD,
    Shop,
    archive_zip,
    crowded_zip,
    day_zip,
    deep_part,
    encrypted_zip,
    gzip_data,
    lying_zip,
    overlap_zip,
    packed_entry,
    packed_zip,
    part,
    purchase,
    raw_zip,
    unsupported_zip,
    write_shop,
    zstandard_data,
)
from tests.support.mutate import mutated
from tests.support.recounted import recounted
from tests.support.run import plan_local, process_local

NEWER = (DEFLATE64, ZIP_LZMA, ZSTANDARD)
LOOSE_SHARE = 0.4
MUTATED_AGAIN_SHARE = 0.2
NEIGHBOURS = part([purchase(quantity=n) for n in (1, 2, 3)])
ARCHIVE = "week.zip"
SECONDS_A_CASE = 10
MEMORY_BYTES = 4 << 30  # address space, most of it never touched
LIMITS = {
    "part_bytes": 200_000,
    "day_bytes": 400_000,
    "archive_bytes": 2_000_000,
    "event_bytes": 50_000,
    "zip_entries": 300,
    "json_depth": 64,
}

EVENTS = (purchase(), {"event_type": "view"}, purchase(product_id="x"), purchase("c2", "p1", 2))
TEXTS = tuple(json.dumps(event).encode() for event in EVENTS)
ENVELOPES = tuple(
    json.dumps({"v": 1, **of_its_own, "data": {"events": EVENTS[:2]}, "next": None}).encode()
    for of_its_own in ({}, {"event_type": "export"})
)
PARTS = (
    part(EVENTS[:3]),
    part([purchase(extra={"nested": [1, 2.5, None, "ü\u2028"]})], indent=2, bom=True),
    deep_part(60),
    b"[]",
    b"\n".join(TEXTS) + b"\n",
    b"not JSON\r\n" + b"\r\n".join(TEXTS),
    b"".join(TEXTS),
    b"\n\n".join(json.dumps(event, indent=1).encode() for event in EVENTS),
    *ENVELOPES,
    b"\n".join((*ENVELOPES, ENVELOPES[1])),
)
PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    bytes,
    partial(gzip_data, members=2),
    partial(zstandard_data, frames=2),
)
DAYS = (
    day_zip({f"{n}.json": content for n, content in enumerate(PARTS)}),
    day_zip({"deep/er/1.json": PARTS[0], "__MACOSX/._1.json": b"x", "note.txt": b"y"}),
    lying_zip("1.json", PARTS[0], declared=7),
    encrypted_zip("1.json", PARTS[0]),
    unsupported_zip("1.json", PARTS[0]),
    crowded_zip(299),
    overlap_zip(PARTS[0], 5),
    *(packed_zip({"1.json": PARTS[0], "2.json": PARTS[1]}, method) for method in NEWER),
    raw_zip([packed_entry("1.json", PARTS[0]), packed_entry("1.json", PARTS[1])], zip64=True),
    day_zip({f"{n}.json.gz": PACKERS[n % 2 + 2](content) for n, content in enumerate(PARTS)}),
    b"MZ" * 500 + day_zip({"1.json": PARTS[0]}),
    day_zip({"1.json": PARTS[0]}) + day_zip({"2.json": PARTS[1]}),
)
LOOSE = {
    "2024-03-01/a.jsonl": PARTS[4],
    "2024-03-01/b/c.json.gz": PACKERS[2](PARTS[0]),
    "shop/2024/03/02/d.ndjson.zst": PACKERS[3](PARTS[5]),
    "year=2024/month=03/day=03/e.json": ENVELOPES[0],
    "readme.txt": b"x",
}
ARCHIVES = (
    *(archive_zip({"1.zip": day, "2.zip": DAYS[0]}) for day in DAYS),
    archive_zip(LOOSE),
    *(archive_zip({"1.zip": day, **LOOSE, "x/2024-03-01.zip": day}) for day in DAYS[:3]),
    *(packed_zip({"events_2024-03-01.zip": DAYS[0], **LOOSE}, method) for method in NEWER),
    *(
        packed_zip({"1.zip": day, "2.zip": DAYS[0]}, method)
        for day in DAYS[-3:]
        for method in NEWER
    ),
    raw_zip([packed_entry("1.zip", DAYS[0], 0), packed_entry("2.zip", DAYS[1], 0)], zip64=True),
)


class FuzzError(AssertionError):
    """A promise was broken."""


def archive(kind: str, choose: random.Random) -> bytes:
    """An archive with one mutated part or day among sound ones, or mutated as a whole."""
    if kind == "archive":
        return mutated(choose.choice(ARCHIVES), ARCHIVES, choose)
    sound = {"sound.zip": day_zip({"0.json": NEIGHBOURS})}
    if kind == "day":
        loose = choose.choice(({}, LOOSE))
        return archive_zip(
            {"mutated.zip": mutated(choose.choice(DAYS), DAYS, choose)} | sound | loose
        )
    content = choose.choice(PACKERS)(mutated(choose.choice(PARTS), PARTS, choose))
    if choose.random() < MUTATED_AGAIN_SHARE:
        content = mutated(content, PARTS, choose)
    if choose.random() < LOOSE_SHARE:
        return archive_zip(
            {"2024-03-01/mutated.json": content, "2024-03-01/sound.json": NEIGHBOURS} | sound
        )
    return archive_zip(
        {"mutated.zip": day_zip({"mutated.json": content, "sound.json": NEIGHBOURS})} | sound
    )


def check(shop: Shop, folder: Path, kind: str, content: bytes) -> Receipt:
    """Processes the archive, and says what of it was read.

    Raises FuzzError, or whatever the pipeline raises.
    """
    (shop.data / ARCHIVE).write_bytes(content)
    before = _outside(folder)
    manifest = plan_local(shop, folder / "places", limits=LIMITS)
    process_local(folder / "places", manifest)
    ledger = RunLedger(open_storage(str(folder / "places" / "state")), manifest.run_id)
    receipt = ledger.receipt(manifest.planned_work()[0])
    if receipt is None:
        raise FuzzError("there is no receipt")
    counts = receipt.counts
    rejected = sum(figures.events for figures in counts.rejected.values())
    if counts.seen != counts.counted + counts.not_purchase + rejected:
        raise FuzzError(f"events are not accounted for: {counts}")
    # One part cannot use an archive's limits up, so both sound parts must count.
    neighbours = {"part": 6, "day": 3, "archive": 0}[kind]
    if counts.counted < neighbours:
        raise FuzzError(f"sound neighbours are not counted: {receipt}")
    if any(each.archive != ARCHIVE or not each.cause for each in receipt.unreadable):
        raise FuzzError(f"something unreadable has no place, or no cause: {receipt}")
    _compare(shop, manifest.options, receipt)
    if _outside(folder) != before:
        raise FuzzError("something was written outside of the places")
    return receipt


def _compare(shop: Shop, options: Options, receipt: Receipt) -> None:
    """Raises FuzzError unless verify's recount says the same."""
    count = recounted(shop.data, shop.dimensions, options)[0].total
    rejected = {reason: lost.events for reason, lost in count.rejected.items()}
    recount = (count.seen, count.counted, count.not_purchase, rejected, count.ignored)
    counts = receipt.counts
    rejected = {reason: lost.events for reason, lost in counts.rejected.items()}
    found = (counts.seen, counts.counted, counts.not_purchase, rejected, receipt.ignored)
    if recount != found:
        raise FuzzError(f"the recount says {recount}, the receipt {found}")
    places = [(each.archive, each.day, each.part) for each in receipt.unreadable]
    if Counter[object](count.unreadable) != Counter[object](places):
        raise FuzzError(f"unreadable are {count.unreadable} to the recount, {places} else")


def _outside(folder: Path) -> list[str]:
    return sorted(
        str(path) for path in folder.rglob("*") if "places" not in path.relative_to(folder).parts
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="Stop after so many.")
    chosen = parser.parse_args()
    configure_logs("ERROR", "pretty")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    folder = Path(tempfile.mkdtemp(prefix="sales-fuzz-"))
    shop = write_shop(folder / "shop", {})
    (shop.data / ARCHIVE).write_bytes(b"")
    choose = random.Random(chosen.seed)  # noqa: S311
    until, found = time.monotonic() + chosen.seconds, Counter[str]()
    while time.monotonic() < until and found.total() < chosen.cases:
        kind = choose.choice(("part", "day", "archive"))
        content = archive(kind, choose)
        signal.alarm(SECONDS_A_CASE)  # its default is death, which nobody can miss
        try:
            receipt = check(shop, folder, kind, content)
        except BaseException:
            print(f"seed {chosen.seed}, case {found.total()}, {kind}: {shop.data / 'week.zip'}")
            raise
        signal.alarm(0)
        shutil.rmtree(folder / "places")
        found[f"{kind}: {'sound' if not receipt.unreadable else 'unreadable'}"] += 1
    shutil.rmtree(folder)
    print(f"seed {chosen.seed}: {found.total()} archives;", dict(sorted(found.items())))
    return 0 if all(f"{k}: unreadable" in found for k in ("part", "day", "archive")) else 1


if __name__ == "__main__":
    sys.exit(main())
