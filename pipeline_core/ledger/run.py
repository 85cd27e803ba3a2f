"""The record of one run: its plan, receipts, attempts, verdict and outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from pipeline_core.blocks.archives import in_blocks, with_archives
from pipeline_core.blocks.distinct import distinct_in_blocks, distinct_of
from pipeline_core.blocks.inputs import inputs_apart, with_inputs
from pipeline_core.errors import ConfigError, DamagedBlock
from pipeline_core.ledger.run_receipts import RunReceipts
from pipeline_core.ledger.runs import run_ids
from pipeline_core.ledger.state import damaged_record, no_such_run
from pipeline_core.messages import (
    ArchiveBlock,
    Attempt,
    Dispatch,
    DistinctReceipts,
    Manifest,
    Outcome,
    Receipt,
    Summary,
    Verdict,
    Work,
    to_json,
)
from pipeline_core.messages.changes import Changes
from pipeline_core.messages.notification import Told

OUTCOME, VERDICT, CHANGES = "outcome.json", "verdict.json", "changes.json"
_MANIFEST, _DISTINCT = "manifest.json", "distinct.json"

START_ANOTHER = "Start another: `sales-pipeline run`."


class RunLedger(RunReceipts):
    """The record of one run. What a power cut tore is removed when it is read: not yet done."""

    def create_manifest(self, manifest: Manifest, earlier: Iterable[ArchiveBlock] = ()) -> Manifest:
        """The run's manifest: this one, or the one that another planner created before. What
        stands in blocks that an ``earlier`` one named is not written again."""
        kept = in_blocks(self.state, manifest, earlier)
        found = self._create_once(_MANIFEST, kept)
        return manifest if found is kept else with_archives(self.state, found)

    def manifest(self) -> Manifest:
        """Raises ConfigError if there is no such run, or no plan; DamagedRecord if it is lost."""
        manifest = self.planned()
        if manifest is None:
            if self.has_lost_plan():
                raise damaged_record(f"The plan of run {self.run_id}", START_ANOTHER)
            if (outcome := self.outcome()) is not None and outcome.summary is not None:
                raise ConfigError(
                    f"Of run {self.run_id} only how it ended is kept: `gc` removed its records.",
                    "`sales-pipeline show` has its figures; SALES_KEEP_RECORDS says how many stay.",
                )
            if self.run_id in run_ids(self.state):
                raise ConfigError(
                    f"Run {self.run_id} has nothing to work with: it was not planned.",
                    START_ANOTHER,
                )
            raise no_such_run(self.state.uri, self.run_id)
        return manifest

    def has_lost_plan(self) -> bool:
        """Whether none counts, though work was done by one, and `gc` did not remove it: last."""
        found = self.records()
        by_gc = OUTCOME in found and VERDICT not in found
        worked = not by_gc and not found.isdisjoint(("receipts", "reused.json", "dispatches"))
        return (worked or _MANIFEST in found) and self.planned() is None

    def planned(self) -> Manifest | None:
        """The manifest, or None while the run is not planned."""
        found = self._read(_MANIFEST, Manifest)
        return None if found is None else with_archives(self.state, found)

    def published(self) -> tuple[Manifest, Summary]:
        """The manifest and the summary of a published run. Raises ConfigError if there is no such
        run, or it is not published."""
        manifest, outcome = self.manifest(), self.outcome()
        if outcome is None:
            self.check_outcome()
        if outcome is None or outcome.summary is None or outcome.state != "published":
            raise ConfigError(
                f"Run {self.run_id} is not published, so it has no report.",
                "`sales-pipeline runs` shows which are.",
            )
        return manifest, outcome.summary

    def write_distinct(self, receipts: dict[str, Receipt]) -> None:
        """Keeps receipts of work that has events sent before, once these are left out, by its
        id."""
        kept = distinct_in_blocks(self.state, self.run_id, receipts)
        self.state.write(self._key(_DISTINCT), to_json(kept))

    def distinct(self) -> dict[str, Receipt] | None:
        """These receipts, or None if nobody looked for such events, or some are lost."""
        found = self._read(_DISTINCT, DistinctReceipts)
        with suppress(DamagedBlock):  # the log says so
            return distinct_of(self.state, found) if found is not None else None
        return None

    def distinct_blocks(self) -> set[str]:
        """Keys of the blocks that these are in."""
        found = self._read(_DISTINCT, DistinctReceipts)
        return {block.key for block in found.blocks} if found is not None else set()

    def discard_receipt(self, *works: Work) -> None:
        """Takes work for not done: what its receipt names is damaged or gone, or a person wants it
        tried anew. No attempt has made that of quarantined work, nor one taken over."""
        taken_over = self._take_out_of_reused(works)
        for work in (each for each in works if each.id not in taken_over):
            receipt = self.receipt(work)
            if receipt is None or not receipt.quarantined:
                self._hand_back(work.id, receipt.attempt if receipt is not None else 0)
            self._remove_receipt(work.id)

    def create_attempt(self, work_id: str, attempt: Attempt) -> bool:
        """Notes an attempt under its number, unless another has that number."""
        return self.state.create(self._attempt_key(work_id, attempt.number), to_json(attempt))

    def write_attempt(self, work_id: str, attempt: Attempt) -> None:
        """Replaces an attempt's record."""
        self.state.write(self._attempt_key(work_id, attempt.number), to_json(attempt))

    def attempts(self, work_id: str, known: int = -1) -> list[Attempt]:
        """Every attempt at the work so far, oldest first; no more than are ``known``. What is done
        by one that has no record any more says who made it."""
        found = self._numbered(f"attempts/{work_id}.", Attempt, known)
        receipt = self.receipt_of(work_id) if not found and work_id[:1].isdigit() else None
        return [receipt.made_by] if receipt is not None and receipt.made_by is not None else found

    def attempt_counts(self) -> dict[str, int]:
        """How often work was attempted, by its id, as far as there are records of it."""
        names = (name for name in self._names("attempts") if name.endswith(".json"))
        return dict(Counter(name.rsplit(".", 2)[0] for name in names))

    def remove_attempts(self, work_ids: Iterable[str]) -> None:
        """Removes the record of the first attempt at each work."""
        self.state.remove_files(self._key("attempts"), [f"{each}.1.json" for each in work_ids])

    def forgive_attempts(self, work_id: str) -> None:
        """None of the attempts at the work counts any more: a person wants it tried anew. They
        keep their numbers, for one that lives yet writes to its record again."""
        for each in self._numbered(f"attempts/{work_id}.", Attempt):
            state = "handed_back" if each.state == "running" else each.state
            self.write_attempt(work_id, msgspec.structs.replace(each, state=state, culpable=False))

    def create_dispatch(self, dispatch: Dispatch) -> bool:
        """Notes what is about to be sent, unless another sender has that number."""
        key = self._key(f"dispatches/{dispatch.number}.json")
        return self.state.create(key, to_json(dispatch))

    def remove_dispatch(self, dispatch: Dispatch) -> None:
        """Takes a dispatch back that could not be sent."""
        self.state.remove(self._key(f"dispatches/{dispatch.number}.json"))

    def dispatches(self, most: int = -1) -> list[Dispatch]:
        """Every dispatch so far, oldest first; of some, the first ``most``."""
        return self._numbered("dispatches/", Dispatch, most)

    def create_verdict(self, verdict: Verdict) -> Verdict:
        """Decides what becomes of the run, once; returns the verdict that counts."""
        return self._create_once(VERDICT, verdict)

    def replace_verdict(self, verdict: Verdict) -> None:
        """Overrules the verdict: a person decided."""
        self.state.write(self._key(VERDICT), to_json(verdict))

    def verdict(self) -> Verdict | None:
        """What is to become of the run, or None while that is open."""
        return self._read(VERDICT, Verdict)

    def write_outcome(self, outcome: Outcome, before: Summary | None = None) -> None:
        """Records that the verdict is carried out. Digests of very many archives are not written
        again if the run ``before`` has the same."""
        kept = inputs_apart(self.state, outcome, before)
        self.state.write(self._key(OUTCOME), to_json(kept))

    def outcome(self) -> Outcome | None:
        """How the run ended, or None while it is under way."""
        found = self._read(OUTCOME, Outcome)
        return None if found is None else with_inputs(self.state, found)

    def check_outcome(self) -> None:
        """Raises DamagedRecord if how the run ended is on record, which does not count."""
        if self.outcome() is None and OUTCOME in self.records():
            again = f"`sales-pipeline resume {self.run_id}` makes it again."
            raise damaged_record(f"The record of how run {self.run_id} ended", again)

    def write_changes(self, changes: Changes) -> None:
        """Keeps what changed since the run published before, as far as it is known."""
        self.state.write(self._key(CHANGES), to_json(changes))

    def changes(self) -> Changes | None:
        """What changed since the run published before, or None if nobody looked."""
        return self._read(CHANGES, Changes)

    def reopen(self) -> None:
        """Takes the run for under way again: no verdict, no outcome, nobody told."""
        for name in ("told.json", "lineage.json", OUTCOME, CHANGES, VERDICT):
            self.state.remove(self._key(name))

    def forget_notified(self) -> None:
        """Notes that the outcome is another than the one the hooks know."""
        self.state.remove(self._key("told.json"))

    def is_notified(self) -> bool:
        """Whether the hooks know the outcome, and all that there is to tell of it."""
        told = self._read("told.json", Told)
        return told is not None and told.is_complete
