"""The receipts of one run: those that it made, and those that it took over."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec

from pipeline_core.blocks.known import receipts_in, without_archives, works_of
from pipeline_core.errors import DamagedBlock
from pipeline_core.ledger.records import read_record_by
from pipeline_core.ledger.result_files import ResultFile, split_result, to_result
from pipeline_core.ledger.run_files import RunFiles
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import Attempt, Policy, Receipt, ReusedReceipts, Work, to_json
from pipeline_core.storage import StoredObject
from pipeline_core.storage.in_flight import at_once
from pipeline_core.storage.read_only import ReadOnlyStorage

RECEIPTS = "receipts"
_RESULT = ".result"
# Of an earlier version, of a run that lost the others it had taken over, or without what was behind
# it, which no later run can use any more.
_RECEIPT = ".json"
_REUSED = "reused.json"
# Of so few nobody lists which there are.
_FEW = 2
# Receipts of very many that are held at a time.
_AT_ONCE = 64


class RunReceipts(RunFiles):
    """Receipts mark work as done; what they name is stored before, or with them."""

    def result_file(self, work: Work) -> ResultFile:
        """To put the result of work together."""
        return ResultFile(self._key(_result(work.id)), self)

    def create_receipt(self, work: Work, receipt: Receipt, behind: bytes = b"") -> Receipt:
        """Marks work as done, ``behind`` being that of its result file. Returns the receipt that
        counts: the first one."""

        def read() -> Receipt | None:
            return self._read_result(work.id)

        return self._first(_result(work.id), to_result(receipt, behind), receipt, read)

    def replace_receipt(self, work: Work, receipt: Receipt, behind: bytes = b"") -> None:
        """Puts a receipt in the place of one whose files are gone or damaged."""
        self.state.write(self._key(_result(work.id)), to_result(receipt, behind))
        self._take_out_of_reused([work])

    def receipt(self, work: Work) -> Receipt | None:
        """The receipt that this run made of a piece of work, or None while there is none."""
        return self.receipt_of(work.id)

    def receipt_of(self, work_id: str) -> Receipt | None:
        """As ``receipt``, by the work's id."""
        return self._read_result(work_id) or self._read(_receipt(work_id), Receipt)

    def create_reused(self, reused: ReusedReceipts) -> None:
        """Takes receipts over from the run before: in one file, or the blocks of that run, so that
        it makes no difference how many they are."""
        kept = self._create_once(_REUSED, reused)
        if self.held is not None:
            self.held.reused = kept

    def records(self) -> frozenset[str]:
        """As ``RunFiles.records``."""
        found = super().records()
        if self.held is not None and _REUSED not in found:
            self.held.reused = ReusedReceipts()
        return found

    def receipts_of(
        self, work_ids: Iterable[str], requests: int = Policy().requests
    ) -> dict[str, Receipt]:
        """The receipts of what is done of some work, by its id: made by this run or taken over.
        Where the state is far, up to ``requests`` are read at once."""
        wanted = dict.fromkeys(work_ids)
        found: dict[str, Receipt] = dict(self._each_reused(wanted))
        made = [work_id for work_id in wanted if work_id not in found]
        if len(made) > _FEW:
            there = self._made()
            made = [work_id for work_id in made if work_id in there]
        found.update(self._each_made(made, requests))
        return found

    def each_receipt(
        self, work_ids: Sequence[str], requests: int = 1
    ) -> Iterator[tuple[str, Receipt]]:
        """The receipts of work that is done, by its id, in the order of ``work_ids``, which is that
        of archives; few are held."""
        taken = self.reused_ids().intersection(work_ids)
        reused = self._each_reused(taken)
        following = next(reused, None)
        for start in range(0, len(work_ids), _AT_ONCE):
            group = work_ids[start : start + _AT_ONCE]
            own = dict(self._each_made([each for each in group if each not in taken], requests))
            for work_id in group:
                if following is not None and following[0] == work_id:
                    yield following
                    following = next(reused, None)
                elif work_id in own:
                    yield work_id, own[work_id]
                else:  # what it was taken over with is damaged
                    yield from self._each_made((work_id,), requests)

    def reused(self) -> dict[str, Receipt]:
        """The receipts taken over, by the work's id."""
        return dict(self._each_reused())

    def is_reused(self, work_id: str) -> bool:
        """Whether the receipt of a piece of work is one taken over, which is there."""
        return any(True for _ in self._each_reused((work_id,)))

    def reused_ids(self) -> set[str]:
        """Ids of the work whose receipts are taken over; none of them is read."""
        return self._taken_over().receipts.keys() | {each for each, _ in self._in_blocks()}

    def receipt_ids(self) -> set[str]:
        """Ids of the work that is done."""
        return self._made() | self.reused_ids()

    def receipts(self, but: Collection[str] = ()) -> Iterator[Receipt]:
        """Every receipt there is, also of work that does not count in the end; ``but`` those in
        some blocks, by their keys."""
        yield from (receipt for _, receipt in self._each_reused(but=but))
        yield from (receipt for _, receipt in self._each_made(sorted(self._made())))

    def blocks(self) -> set[str]:
        """Keys of the blocks that hold receipts taken over."""
        return {reused.block.key for reused in self._taken_over().blocks}

    def unread(self, work_ids: Iterable[str], damaged: Container[str]) -> list[str]:
        """Work of which no result is there but in ``damaged`` files; none of them is read."""
        sound = {each for each in self._made() if self._key(_result(each)) not in damaged}
        sound |= self._taken_over().receipts.keys()
        sound.update(each for each, key in self._in_blocks() if key not in damaged)
        return [each for each in work_ids if each not in sound]

    def place_of(self, work_id: str) -> str:
        """The key of the file that a result is in, or should be."""
        return dict(self._in_blocks()).get(work_id, self._key(_result(work_id)))

    def _in_blocks(self) -> Iterator[tuple[str, str]]:
        """Work whose receipts are taken over in blocks, by its id, with the key of the block."""
        found = self._taken_over()
        for reused in found.blocks:
            for works in works_of(reused, found.shares):
                yield from ((work.id, reused.block.key) for work in works)

    def _taken_over(self) -> ReusedReceipts:
        if self.held is not None and self.held.reused is not None:
            return self.held.reused
        found = self._read(_REUSED, ReusedReceipts) or ReusedReceipts()
        if self.held is not None:
            self.held.reused = found
        return found

    def _each_reused(
        self, wanted: Collection[str] | None = None, but: Collection[str] = ()
    ) -> Iterator[tuple[str, Receipt]]:
        """Of some work, or all. What is in a damaged block is not taken over: it is done again."""
        found = self._taken_over()
        for work_id, receipt in found.receipts.items():
            if wanted is None or work_id in wanted:
                yield work_id, receipt
        for reused in found.blocks:
            works = (work for each in works_of(reused, found.shares) for work in each)
            if wanted is not None and not any(work.id in wanted for work in works):
                continue
            if reused.block.key in but:
                continue
            with suppress(DamagedBlock):  # the log says so
                for work_id, receipt in receipts_in(self.state, self.run_id, reused, found.shares):
                    if wanted is None or work_id in wanted:
                        yield work_id, receipt

    def result_files(self) -> list[StoredObject]:
        """Files of results, with what is behind their receipts."""
        found = self.state.files(self._key(RECEIPTS))
        return [stored for stored in found if stored.key.endswith(_RESULT)]

    def leave_receipt(self, result_key: str, *, dry_run: bool = False) -> int:
        """Removes what is behind the receipt in a result's file; returns how many bytes that is."""
        try:
            receipt, behind = split_result(self.state.read(result_key))
        except (FileNotFoundError, ValueError):  # whoever wants the result is told
            return 0
        if behind and not dry_run:
            self.state.write(result_key.removesuffix(_RESULT) + _RECEIPT, receipt)
            self.state.remove(result_key)
        return len(behind)

    def _each_made(
        self, work_ids: Collection[str], requests: int = Policy().requests
    ) -> Iterator[tuple[str, Receipt]]:
        found = at_once(self.state, self.receipt_of, work_ids, requests)
        for work_id, receipt in zip(work_ids, found, strict=True):
            if receipt is not None:
                yield work_id, receipt

    def _made(self) -> set[str]:
        """Ids of the work of which there are receipts of this run's own."""
        return {
            name.removesuffix(ending)
            for name in self._names(RECEIPTS)
            for ending in (_RESULT, _RECEIPT)
            if name.endswith(ending)
        }

    def _read_result(self, work_id: str) -> Receipt | None:
        """None if there is none. A torn one is as good as none: who made it has ended long ago."""

        def decode(data: bytes) -> Receipt:
            try:
                receipt, behind = split_result(data)
                read = _sound(msgspec.json.decode(receipt, type=known(Receipt)), work_id)
            except ValueError:
                if not isinstance(self.state, ReadOnlyStorage):
                    self._hand_back(work_id)
                raise
            if self.held is not None:
                self.held.hold(key, behind)
            return read

        key = self._key(_result(work_id))
        return read_record_by(self.state, key, decode, self.run_id)

    def _hand_back(self, work_id: str, number: int = 0) -> None:
        """An attempt that made a result, the last one if nobody says which, has ended long ago: it
        neither counts against the work nor looks as if it lived."""
        for made in self._numbered(f"attempts/{work_id}.", Attempt)[number - 1 :][:1]:
            if made.state == "running":
                ended = msgspec.structs.replace(made, state="handed_back")
                self.state.write(self._attempt_key(work_id, made.number), to_json(ended))

    def _take_out_of_reused(self, works: Iterable[Work]) -> set[str]:
        """Returns the ids of those that were taken over. The others become receipts like any, or
        stay in their blocks."""
        if self.held is not None:
            self.held.reused = None
        found, reused = self._taken_over(), self.reused_ids()
        taken = {work.id for work in works if work.id in reused}
        archives = {work_id.partition("-")[0] for work_id in taken}
        shares = [each for each in reused if "-" in each and each.partition("-")[0] in archives]
        # In blocks, it is the other shares of their archives.
        for other, receipt in self._each_reused(found.receipts or shares) if taken else ():
            if other not in taken:
                self._create_once(_receipt(other), receipt)
        if taken and found.receipts:
            self.state.remove(self._key(_REUSED))
        elif taken:
            self.state.write(self._key(_REUSED), to_json(without_archives(found, archives)))
        if self.held is not None:
            self.held.reused = None
        return taken

    def _remove_receipt(self, work_id: str) -> None:
        for name in (_result(work_id), _receipt(work_id)):
            self.state.remove(self._key(name))


def _sound(receipt: Receipt, work_id: str) -> Receipt:
    """Raises ValueError for one of another archive, or whose events do not add up: nothing vouches
    for a receipt but what it says."""
    if work_id.partition("-")[0] != receipt.archive:
        raise ValueError(f"it is the result of archive {receipt.archive}")
    counts = receipt.counts
    rejected = sum(figures.events for figures in counts.rejected.values())
    if counts.seen != counts.counted + counts.not_purchase + rejected:
        raise ValueError("its events do not add up")
    return receipt


def _result(work_id: str) -> str:
    return f"{RECEIPTS}/{work_id}{_RESULT}"


def _receipt(work_id: str) -> str:
    return f"{RECEIPTS}/{work_id}{_RECEIPT}"
