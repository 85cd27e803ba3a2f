"""What of a state is lost or damaged, before something is removed that only it would name."""

from __future__ import annotations

from collections.abc import Container, Iterable

from pipeline_core.errors import DamagedBlock, DamagedRecord
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ArchiveBlock, Memory
from pipeline_core.processing.lost_results import lost_result
from pipeline_core.reuse.cache import ARCHIVES, DAYS, DISTINCT


def check_results(ledger: RunLedger, damaged: Container[str]) -> None:
    """Raises LostResult if a run that was published, or refused, has no sound result of some work;
    ``damaged`` are keys of files that were found so. Names are listed, and no result is read."""
    manifest, ended = ledger.planned(), ledger.verdict() or ledger.outcome()
    if manifest is None or ended is None or ended.state == "failed":
        return
    try:
        works = manifest.planned_work()
    except DamagedBlock:
        if not any(key in damaged for key in ledger.blocks()):
            return
        raise
    unread = set(ledger.unread((work.id for work in works), damaged))
    lost = [work for work in works if work.id in unread]
    if lost:
        raise lost_result(ledger, lost, manifest.archive(lost[0].archive).name)


def check_memory(memory: Memory | None, distinct: Iterable[str], damaged: Container[str]) -> None:
    """Raises DamagedRecord if what runs left to the next one, ``distinct`` being blocks of it, is
    among what is ``damaged``."""
    blocks: Iterable[ArchiveBlock] = memory.blocks if memory is not None else ()
    for key in (ARCHIVES, DAYS, DISTINCT, *(each.key for each in blocks), *distinct):
        if key in damaged:
            raise DamagedRecord(
                f"{key}, which the last run left to the next one, is lost or damaged.",
                "`sales-pipeline run` makes it again.",
            )
