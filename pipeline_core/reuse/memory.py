"""The memory of a state: what runs leave to later ones of what they found out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby

import msgspec

from pipeline_core.blocks.in_order import InOrder
from pipeline_core.blocks.known import KnownInBlocks, as_taken_over, taken_over_blocks
from pipeline_core.blocks.packed import held
from pipeline_core.extract.version import EXTRACTION_VERSION
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.messages import (
    ArchiveRef,
    ClosedDays,
    DriftLimits,
    Feed,
    Known,
    Manifest,
    Memory,
    Options,
    Receipt,
    ReusedReceipts,
)
from pipeline_core.reuse.cache import ARCHIVES, DAYS, load_memory, save_memory
from pipeline_core.storage import Storage

# Goes up whenever the same events would be counted otherwise, or partials written otherwise.
RULES_VERSION = 10


def rules_of_now() -> str:
    """The versions of extraction and counting, as a manifest records them."""
    return f"{EXTRACTION_VERSION}.{RULES_VERSION}"


def is_of_rules_of_now(memory: Memory) -> bool:
    """Whether receipts in it came out as they would now, as far as versions say."""
    return (memory.rules, memory.extraction) == (RULES_VERSION, EXTRACTION_VERSION)


def recall(state: Storage, data_uri: str, key: str = ARCHIVES) -> Memory | None:
    """What the last run found out about the archives of ``data_uri``."""
    memory = load_memory(state, key)
    return memory if memory is not None and memory.data == data_uri else None


def recall_days(state: Storage, data_uri: str) -> Memory | None:
    """What as-of runs found out about the archives of ``data_uri``, and their days."""
    return recall(state, data_uri, DAYS)


def known_archives(memory: Memory | None) -> Iterator[ArchiveRef]:
    """Archives by name, as the last run found them, with every digest that is known."""
    return (_with_digests(known) for known in (memory.archives if memory is not None else ()))


def listed_archives(memory: Memory | None, feed: Feed) -> Iterator[ArchiveRef]:
    """``known_archives`` as planning would find them now: what is a part, and what is left out, was
    no other matter then."""
    if memory is None or memory.extraction != EXTRACTION_VERSION:
        return iter(())
    then = memory.options.feed
    is_same = (then.parts, then.ignore) == (feed.parts, feed.ignore)
    return known_archives(memory) if is_same else iter(())


def is_known_feed(feed: Feed, *memories: Memory | None) -> bool:
    """Whether a run before read by just this feed."""
    return any(each is not None and each.options.feed == feed for each in memories)


def finished_archives(memory: Memory) -> set[str]:
    """Names of those with receipts: unless something else changed, they need no work."""
    return {known.archive.name for known in memory.archives if known.done}


def reuse_receipts(
    ledger: RunLedger, manifest: Manifest, memory: Memory | None, names: Collection[str]
) -> None:
    """Takes over the receipts of archives that need no work, by their names."""
    if memory is None or not names:
        return
    numbers = {archive.name: number for number, archive in enumerate(manifest.archives)}
    if isinstance(memory.archives, KnownInBlocks):
        ledger.create_reused(taken_over_blocks(memory.archives, numbers, names))
        return
    receipts = {}
    for known in memory.archives:
        if known.archive.name in names:
            archive_id = manifest.archives[numbers[known.archive.name]].id
            for work, receipt in known.done:
                work_id = msgspec.structs.replace(work, archive=archive_id).id
                receipts[work_id] = as_taken_over(receipt, ledger.run_id, archive_id)
    ledger.create_reused(ReusedReceipts(receipts))


def remember_results(state: Storage, manifest: Manifest, found: Iterable[Done]) -> None:
    """Leaves to the next run what this one found out, ``found`` being in the order of archives."""
    memory = _memory(manifest, _KnownOfRun(manifest, found))
    save_memory(state, memory, known=manifest.remembered)


class _KnownOfRun(Collection[Known]):
    """What is known of a run's archives; nothing of those that planning could not read."""

    def __init__(self, manifest: Manifest, done: Iterable[Done]) -> None:
        self._manifest, self._done = manifest, done

    def __len__(self) -> int:
        return len(self._manifest.archives)

    def __contains__(self, known: object) -> bool:
        return any(each == known for each in self)

    def __iter__(self) -> Iterator[Known]:
        results = groupby(self._done, key=lambda each: each.archive.id)
        archive_id, of_one = next(results, ("", iter(())))
        for archive in self._manifest.archives:
            done = list(of_one) if archive.id == archive_id else []
            if archive.id == archive_id:
                archive_id, of_one = next(results, ("", iter(())))
            if archive.unreadable is None:
                yield _known(archive, done)


def _known(archive: ArchiveRef, done: Sequence[Done]) -> Known:
    # It may be read the next time, or count otherwise.
    is_spoilt = any(each.receipt.unreadable_count or each.work.skip is not None for each in done)
    if is_spoilt:
        return Known(archive, ())
    known = Known(archive, tuple((each.work, each.receipt) for each in done))
    return Known(_digested(known), known.done)


def note_days(state: Storage, manifest: Manifest, listed: Iterable[ArchiveRef]) -> None:
    """Leaves to later as-of runs what this one's planning found out: every archive with all its
    days, of which the run itself may have some only."""
    known = [Known(archive, ()) for archive in listed if archive.unreadable is None]
    save_memory(state, _memory(manifest, known), DAYS)


def learn_days(state: Storage, manifest: Manifest, found: Iterable[Done]) -> None:
    """Adds the digests that an as-of run found out: what is known by its digest needs no zip.
    ``found`` is in the order of archives."""
    memory = recall_days(state, manifest.data)
    if memory is not None:
        learnt = held(Known, _each_learnt(memory.archives, found))
        save_memory(state, _memory(manifest, learnt), DAYS)


def _each_learnt(archives: Iterable[Known], found: Iterable[Done]) -> Iterator[Known]:
    of_archives = groupby(found, key=lambda each: each.archive.name)
    results = InOrder(((name, list(done)) for name, done in of_archives), lambda each: each[0])
    for archive in (each.archive for each in archives):
        _, done = results.of_name(archive.name) or ("", [])
        receipts = [each.receipt for each in done if each.archive.version == archive.version]
        yield Known(_learnt(archive, receipts), ())


def _learnt(archive: ArchiveRef, receipts: Sequence[Receipt]) -> ArchiveRef:
    loose = {day.index for day in archive.days if day.parts}
    days = {index: digest for each in receipts for index, digest in each.day_digests.items()}
    if any(each.parts.unreadable for each in receipts):
        # How much was read of loose parts depends on limits, and their digest on that.
        days = {index: days[index] for index in days if index not in loose}
    digests = [each.digest for each in receipts if each.digest is not None]
    return msgspec.structs.replace(
        archive,
        digest=archive.digest or next(iter(digests), None),
        days=tuple(
            msgspec.structs.replace(day, digest=day.digest or days.get(day.index))
            for day in archive.days
        ),
    )


def _memory(manifest: Manifest, archives: Collection[Known]) -> Memory:
    return Memory(
        rules=RULES_VERSION,
        extraction=EXTRACTION_VERSION,
        data=manifest.data,
        options=manifest.options,
        dimensions_digest=manifest.dimensions_digest,
        customer_numbers=manifest.customer_numbers,
        report_plugins=manifest.report_plugins,
        archives=archives,
        run_id=manifest.run_id,
        planned=manifest.blocks if manifest.work is None else (*manifest.blocks, manifest.work),
    )


def _with_digests(known: Known) -> ArchiveRef:
    archive = _digested(known)
    return msgspec.structs.replace(
        archive,
        duplicate_of=None,
        shares=(),
        days=tuple(msgspec.structs.replace(day, duplicate_of=None) for day in archive.days),
    )


def _digested(known: Known) -> ArchiveRef:
    """The archive, with every digest that its receipts have."""
    digest, days = known.archive.digest, dict[int, str]()
    for work, receipt in known.done:
        days |= receipt.day_digests
        digest = digest if work.share else receipt.digest
    return msgspec.structs.replace(
        known.archive,
        digest=digest,
        days=tuple(
            msgspec.structs.replace(day, digest=days.get(day.index, day.digest))
            for day in known.archive.days
        ),
    )


def decisive(options: Options) -> Options:
    """Options as far as they decide what is in a receipt, and in the files it names."""
    return msgspec.structs.replace(
        options,
        allow_incomplete=False,
        allow_drift=False,
        drift=DriftLimits(),
        as_of=None,
        batch_size=1,
        spreadsheet_safe=False,
        follow_links=False,
        most_listed=None,  # what lists something is not reused
        limits=msgspec.structs.replace(options.limits, reject_share=1.0),
        shop="",
        currency="",
        left_out_share=Decimal(0),
        closed_days=ClosedDays(),
    )
