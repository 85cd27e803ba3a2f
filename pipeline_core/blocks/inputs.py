"""The digests of very many archives: they stand in a file of their own, so that whoever asks how a
run ended reads none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import msgspec

from pipeline_core.blocks.files import BlockWriter, are_few, read_block
from pipeline_core.messages import ArchiveBlock, Outcome, Summary
from pipeline_core.storage import Storage


class InputsApart(Mapping[str, str | None]):
    """Reads its ``block`` once a digest is asked for. Raises DamagedBlock if that is damaged."""

    def __init__(self, state: Storage, block: ArchiveBlock) -> None:
        self._state, self.block = state, block

    @cached_property
    def _found(self) -> dict[str, str | None]:
        return dict(read_block(self._state, self.block, tuple[str, str | None]))

    def __getitem__(self, name: str) -> str | None:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return self.block.records


def inputs_apart(state: Storage, outcome: Outcome, before: Summary | None) -> Outcome:
    """An outcome as it is to be kept: of many archives it names the file with their digests, that
    of the run ``before`` if they are the same. Raises RetryableError."""
    if outcome.summary is None or are_few(outcome.summary.inputs):
        return msgspec.structs.replace(outcome, inputs=None)
    known = before.inputs if before is not None else None
    earlier = (known.block,) if isinstance(known, InputsApart) else ()
    writer = BlockWriter(state, outcome.run_id, earlier)
    block = writer.write(list(outcome.summary.inputs.items()))
    bare = msgspec.structs.replace(outcome.summary, inputs={})
    return msgspec.structs.replace(outcome, summary=bare, inputs=block)


def with_inputs(state: Storage, outcome: Outcome) -> Outcome:
    """An outcome as it was kept, with the digests of its archives."""
    if outcome.summary is None or outcome.inputs is None:
        return outcome
    whole = msgspec.structs.replace(outcome.summary, inputs=InputsApart(state, outcome.inputs))
    return msgspec.structs.replace(outcome, summary=whole)
