"""Runs the pipeline in this process, and reads what it published."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Attempt, Limits, Manifest, Options, Outcome, Reuse, Summary
from pipeline_core.running.local import process_outstanding
from tests.support import archives as build

Place = tuple[str, str | None, str | None]
SALES_HEADER = "category,customer_segment,total_revenue,units_sold,unique_customers"


def run_local(
    shop: build.Shop,
    folder: Path,
    /,
    *,
    limits: Mapping[str, Any] | None = None,
    publish_incomplete: bool = True,
    after_plan: Callable[[], object] = lambda: None,
    processes: int = 1,
    **options: Any,
) -> Outcome:
    """Plan, process and publish; state and reports are folders of ``folder``."""
    manifest = plan_local(shop, folder, limits=limits, processes=processes, **options)
    after_plan()
    process_local(folder, manifest)
    return publish_local(folder, manifest, allow_incomplete=publish_incomplete)


def plan_local(
    shop: build.Shop,
    folder: Path,
    /,
    *,
    run_id: str | None = None,
    limits: Mapping[str, Any] | None = None,
    processes: int = 1,
    full: bool = False,
    **options: Any,
) -> Manifest:
    places = Places(
        str(shop.data), str(folder / "reports"), str(folder / "state"), str(shop.dimensions), ""
    )
    chosen = Options(limits=Limits(**(limits or {})), **options)
    run_id = run_id or pipeline.new_run_id(datetime.now(UTC))
    return pipeline.plan(
        pipeline.Order(
            run_id=run_id,
            places=places,
            options=chosen,
            processes=lambda: processes,
            reuse=Reuse(full=full),
        )
    )


def note_attempt(
    ledger: RunLedger, work_id: str, number: int = 1, *, age: float = 0, **how: Any
) -> None:
    """As if a worker had begun that many seconds ago, and said nothing since."""
    started = datetime.now(UTC) - timedelta(seconds=age)
    noted = Attempt(
        number=number,
        owner=f"w{number}:7",
        task_id=None,
        retries=0,
        started_at=started,
        expires_at=started + timedelta(seconds=60),
        **how,
    )
    ledger.write_attempt(work_id, noted)


def process_local(folder: Path, manifest: Manifest) -> None:
    process_outstanding(str(folder / "state"), manifest, 1)


def publish_local(
    folder: Path,
    manifest: Manifest,
    *,
    allow_incomplete: bool = False,
    allow_drift: bool = False,
) -> Outcome:
    return pipeline.publish(
        str(folder / "state"),
        manifest.run_id,
        allow_incomplete=allow_incomplete,
        allow_drift=allow_drift,
    )


def week(
    *parts: bytes, days: Mapping[str, bytes] | None = None, day: str = "2024-03-01.zip"
) -> bytes:
    """An archive of one day with these parts (0.json, 1.json, ...), or of the given days."""
    numbered = {f"{number}.json": content for number, content in enumerate(parts)}
    return build.archive_zip(days or {day: build.day_zip(numbered)})


def sales(units: int = 1, **fields: Any) -> bytes:
    """A part of one sound purchase."""
    return build.part([build.purchase(quantity=units, **fields)])


def summary(outcome: Outcome) -> Summary:
    assert outcome.summary is not None
    return outcome.summary


def units(outcome: Outcome) -> int:
    return summary(outcome).totals.units_sold


def unreadable(outcome: Outcome) -> dict[Place, str]:
    """Place to cause."""
    places = summary(outcome).unreadable
    found = {(place.archive, place.day, place.part): place.cause for place in places}
    assert len(found) == len(places)
    return found


def latest(folder: Path) -> Path:
    return folder / "reports" / "latest"


def text(folder: Path, name: str = "sales_report.csv") -> str:
    return (latest(folder) / name).read_bytes().decode()


def rows(folder: Path, name: str = "sales_report.csv") -> list[list[str]]:
    """Records of a published CSV without its header, read by the csv module."""
    return list(csv.reader(io.StringIO(text(folder, name), newline="")))[1:]


def rejects(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(folder, "rejects.csv"), newline="")))


def reasons(folder: Path) -> list[str]:
    return [reject["reason"] for reject in rejects(folder)]


def shop_of(
    folder: Path,
    *parts: bytes,
    customers: Sequence[tuple[str, str, str | None]] = (("c1", "2020-01-01", "Retail"),),
    products: Sequence[tuple[str, str, str | None, str]] = (("p1", "Pen", "Office", "0.10"),),
) -> build.Shop:
    """A shop of one archive, week.zip, with one day, 2024-03-01.zip."""
    return build.write_shop(folder / "shop", {"week.zip": week(*parts)}, customers, products)
