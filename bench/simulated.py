"""A shop of very many archives, of which nothing is read: archives that are directories of days,
and receipts made of one that was processed. Each step is a process, so that memory is its own."""

from __future__ import annotations

import gzip
import hashlib
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import msgspec

from console.garbage_collector import collect_seldom
from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.kept.extract_names import file_name
from pipeline_core.kept.extracts import extracts_folder
from pipeline_core.ledger import RunLedger, run_ids
from pipeline_core.ledger.attempts import Worker
from pipeline_core.messages import (
    ArchiveRef,
    Limits,
    Options,
    Receipt,
    StoredFile,
    Work,
    to_json,
)
from pipeline_core.processing.process import process
from pipeline_core.storage import open_storage
from pipeline_core.watching.watch import Watch

_DAYS = 7
_FIRST_DAY = date(2000, 1, 1)
_EVENT = (
    b'[{"event_type": "purchase", "customer_id": "c1", "product_id": "p1", "quantity": 1, '
    b'"timestamp": "2024-03-01T00:00:00Z"}]'
)


def write_shop(folder: Path, count: int) -> None:
    """Archives of seven days, which differ in a name inside of each; no day has two copies."""
    (folder / "data").mkdir(parents=True)
    (folder / "dimensions").mkdir()
    (folder / "dimensions" / "customers.csv").write_text("customer_id,segment\nc1,Retail\n")
    products = "product_id,category,price\np1,Office,1.50\n"
    (folder / "dimensions" / "products.csv").write_text(products)
    for number in range(count):
        with zipfile.ZipFile(folder / "data" / f"events_week_{number:06}.zip", "w") as archive:
            for day in range(_DAYS):
                named = _FIRST_DAY + timedelta(days=day + _DAYS * number)
                archive.writestr(f"events_{named}.zip", _day(number * _DAYS + day))


def plan(folder: Path) -> None:
    """Plans a run."""
    pipeline.plan(
        pipeline.Order(
            run_id=pipeline.new_run_id(datetime.now(UTC), open_storage(str(folder / "state"))),
            places=_places(folder),
            options=Options(limits=Limits()),
            processes=lambda: 1,
        )
    )


def receipts(folder: Path) -> None:
    """As if every archive had been processed: what one came to, under all names, who did it, and
    what is kept of its days."""
    ledger = _newest(folder)
    manifest, first = ledger.manifest(), Work("00000")
    made = process(ledger.state.uri, ledger.run_id, first, Worker("bench"))
    stored = ledger.state.read(f"runs/{ledger.run_id}/receipts/00000.result")
    behind = stored.partition(b"\0")[2]
    attempts, kept = f"runs/{ledger.run_id}/attempts", extracts_folder(manifest.options)
    attempt = ledger.state.read(f"{attempts}/00000.1.json")
    extracts = ledger.state.read(f"{kept}/{_extracts_of(manifest.archives[0], made)}")
    for archive in manifest.archives[1:]:
        receipt = _of(archive, made, ledger.run_id)
        ledger.state.create(f"{attempts}/{archive.id}.1.json", attempt)
        ledger.state.write(f"{kept}/{_extracts_of(archive, receipt)}", extracts)
        ledger.create_receipt(Work(archive.id), receipt, behind)


def publish(folder: Path) -> None:
    """Publishes the run."""
    outcome = pipeline.publish(str(folder / "state"), _newest(folder).run_id)
    if outcome.state != "published":
        raise SystemExit(outcome.reason)


def again(folder: Path) -> None:
    """Plans and publishes a run in which nothing is new."""
    plan(folder)
    publish(folder)


def progress(folder: Path) -> None:
    """Looks at the newest run twice, as ``serve`` does, and says how many bytes that is."""
    watch = Watch(open_storage(str(folder / "state")), _newest(folder).run_id)
    for _ in range(2):
        seen = watch.look()
    sys.stdout.write(f"{len(gzip.compress(to_json(seen), 1))}\n")


STEPS: dict[str, Callable[[Path], None]] = {
    each.__name__: each for each in (plan, receipts, publish, again, progress)
}


def _day(number: int) -> bytes:
    """Nothing inflates it but the first."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as day:
        day.writestr(f"{number}.json", _EVENT)
    return buffer.getvalue()


def _of(archive: ArchiveRef, made: Receipt, run_id: str) -> Receipt:
    key = f"runs/{run_id}/receipts/{archive.id}.result"

    def here(stored: StoredFile) -> StoredFile:
        return msgspec.structs.replace(stored, key=key)

    named = made.named_ids
    return msgspec.structs.replace(
        made,
        archive=archive.id,
        digest=hashlib.sha256(archive.name.encode()).hexdigest(),
        partials={name: here(stored) for name, stored in made.partials.items()},
        rejects=here(made.rejects) if made.rejects else None,
        day_digests={
            day.index: hashlib.sha256(f"{archive.name} {day.name}".encode()).hexdigest()
            for day in archive.days
        },
        named_ids=msgspec.structs.replace(named, file=here(named.file)) if named.file else named,
    )


def _extracts_of(archive: ArchiveRef, receipt: Receipt) -> str:
    return file_name(archive.name, receipt.day_digests.values())


def _newest(folder: Path) -> RunLedger:
    state = open_storage(str(folder / "state"))
    return RunLedger(state, run_ids(state)[-1])


def _places(folder: Path) -> Places:
    data, reports, state, dimensions = (
        str(folder / name) for name in ("data", "reports", "state", "dimensions")
    )
    return Places(data, reports, state, dimensions, "")


if __name__ == "__main__":
    collect_seldom()  # as the command does
    STEPS[sys.argv[1]](Path(sys.argv[2]))
