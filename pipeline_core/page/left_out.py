"""What was left out, by reason, with the first few events of each."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

from pipeline_core.load.rejects import HEADER
from pipeline_core.messages import Summary
from pipeline_core.page import RejectedByReason, RejectSample

SAMPLES = 3
_LOOKED_AT = 1 << 18
_LONGEST_EVENT = 300


def left_out(summary: Summary, rejects: Path) -> tuple[RejectedByReason, ...]:
    """Every reason of the summary; samples from the beginning of rejects.csv."""
    samples = _samples(rejects)
    return tuple(
        RejectedByReason(reason, of.events, of.units, of.revenue, tuple(samples[reason]))
        for reason, of in summary.rejected.items()
    )


def _samples(rejects: Path) -> defaultdict[str, list[RejectSample]]:
    with rejects.open("rb") as file:
        head = file.read(_LOOKED_AT)
    whole = head if len(head) < _LOOKED_AT else head[: head.rfind(b"\n") + 1]
    found: defaultdict[str, list[RejectSample]] = defaultdict(list)
    records = list(csv.reader(io.StringIO(whole.decode(errors="replace"), newline="")))[1:]
    for record in records:
        if len(record) != len(HEADER):  # the last one, cut between the lines of its event
            continue
        reason, archive, day, part, position, event = record
        if len(found[reason]) < SAMPLES:
            found[reason].append(RejectSample(archive, day, part, position, _short(event)))
    return found


def _short(event: str) -> str:
    return event if len(event) <= _LONGEST_EVENT else event[:_LONGEST_EVENT] + "…"
