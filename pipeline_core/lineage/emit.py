"""Emits what becomes of a run, once an event. Nothing of it changes how a run ends, or holds one up
for long."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from pipeline_core.configuration.lineage_target import LineageTarget
from pipeline_core.errors import message_of
from pipeline_core.ledger import RunLedger, slots
from pipeline_core.ledger.records import read_record
from pipeline_core.lineage.datasets import inputs_of, outputs_of
from pipeline_core.lineage.facts import LineageEvent, LineageFacts, SendOrder
from pipeline_core.logs import get_logger
from pipeline_core.machine.install_lines import PROJECT
from pipeline_core.messages import Manifest, Outcome, to_json
from pipeline_core.notify.hooks import SLOT_FORMAT

log = get_logger()

# Of the process that sends, from its start to its end.
MOST_SECONDS = 15
_MOST_TRIES = 3
_PAUSE = timedelta(minutes=1)
_MOST_SAID = 500


class EmittedEvent(Struct, frozen=True, kw_only=True):
    """An event of a run that was emitted, or is."""

    event: LineageEvent
    """What it says became of the run."""
    tries: int
    """How often that was tried."""
    again_at: datetime
    """When another may try (UTC): who tries now has ended by then."""
    is_sent: bool = False
    """Whether it arrived."""


def emit_start(ledger: RunLedger, manifest: Manifest, target: LineageTarget) -> None:
    """Says that a run is planned, and what it will read; once. Of one of a time past it says
    nothing."""
    if manifest.options.as_of is None:
        _emit_once(ledger, manifest, None, target)


def emit_end(
    ledger: RunLedger, manifest: Manifest | None, outcome: Outcome, target: LineageTarget
) -> None:
    """Says how a run ended, once; what could not be sent is tried again by whoever calls this
    later, three times in all."""
    _emit_once(ledger, manifest, outcome, target)


def _emit_once(
    ledger: RunLedger, manifest: Manifest | None, outcome: Outcome | None, target: LineageTarget
) -> None:
    try:
        event = _event(outcome)
        mark = _take_turn(ledger, event)
        if mark is None:
            return
        facts = _facts(ledger, manifest, outcome, target, event)
        cause = send_order(target, facts)
        if cause is None:
            _keep(ledger, msgspec.structs.replace(mark, is_sent=True))
            return
    except Exception as error:  # a run is worth more than news of it
        cause = message_of(error)
    log.warning("lineage_not_sent", run_id=ledger.run_id, to=target.shown, cause=cause)


def _event(outcome: Outcome | None) -> LineageEvent:
    if outcome is None:
        return "START"
    return "COMPLETE" if outcome.state == "published" else "FAIL"


def _take_turn(ledger: RunLedger, event: LineageEvent) -> EmittedEvent | None:
    """The record of a try that is this process's to make; None if it is another's, or all were."""
    now, key = datetime.now(UTC), _key(ledger, event)
    before = read_record(ledger.state, key, EmittedEvent)
    if before is None:
        mine = EmittedEvent(event=event, tries=1, again_at=now + _PAUSE)
        return mine if ledger.state.create(key, to_json(mine)) else None
    if before.event == event:
        if before.is_sent or before.tries >= _MOST_TRIES or now < before.again_at:
            return None
        mine = msgspec.structs.replace(before, tries=before.tries + 1, again_at=now + _PAUSE)
    else:  # it was refused, and somebody published it
        mine = EmittedEvent(event=event, tries=1, again_at=now + _PAUSE)
    _keep(ledger, mine)
    return mine


def _keep(ledger: RunLedger, mark: EmittedEvent) -> None:
    ledger.state.write(_key(ledger, mark.event), to_json(mark))


def _key(ledger: RunLedger, event: LineageEvent) -> str:
    name = "lineage_start" if event == "START" else "lineage"
    return f"runs/{ledger.run_id}/{name}.json"


def _facts(
    ledger: RunLedger,
    manifest: Manifest | None,
    outcome: Outcome | None,
    target: LineageTarget,
    event: LineageEvent,
) -> LineageFacts:
    return LineageFacts(
        event=event,
        at=datetime.now(UTC),
        run_id=ledger.run_id,
        namespace=target.namespace,
        engine=manifest.engine if manifest else "",
        parent=target.parent,
        due=_due(ledger, target),
        inputs=inputs_of(manifest, target, _digests(ledger, outcome)) if manifest else (),
        outputs=outputs_of(manifest) if manifest and event == "COMPLETE" else (),
        error=outcome.reason if outcome is not None else "",
    )


def _digests(ledger: RunLedger, outcome: Outcome | None) -> dict[str, str]:
    """SHA-256 of archives as they were read."""
    if outcome is None:
        return {}
    return {each.archive: each.digest for each in ledger.receipts() if each.digest is not None}


def _due(ledger: RunLedger, target: LineageTarget) -> datetime | None:
    slot = slots.slot_of(ledger.state, ledger.run_id)
    if slot is None:
        return None
    wall = datetime.strptime(slot, SLOT_FORMAT).replace(tzinfo=ZoneInfo(target.timezone))
    return wall.astimezone(UTC)


def send_order(target: LineageTarget, facts: LineageFacts | None) -> str | None:
    """Hands the event to a process that sends it, and waits for its end; what went wrong, if
    anything did. None asks a server whether it answers."""
    order = SendOrder(
        url=target.url, endpoint=target.endpoint, key=target.key, path=target.path, facts=facts
    )
    paths = filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pipeline_core.lineage.send"],
            input=msgspec.json.encode(order),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            timeout=MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it takes over {MOST_SECONDS} s"
    if done.returncode == 0:
        return None
    said = done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
    return said[:_MOST_SAID] or f"exit code {done.returncode}"
