"""One run's files. Whatever must happen once is a file that is created once."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from msgspec import Struct

from pipeline_core.ledger.names import is_run_id
from pipeline_core.ledger.records import read_record
from pipeline_core.ledger.result_files import HeldResults
from pipeline_core.ledger.state import no_such_run
from pipeline_core.ledger.stored_files import load_stored, opened_stored
from pipeline_core.messages import StoredFile, Work, to_json
from pipeline_core.storage import Storage

_Message = TypeVar("_Message", bound=Struct)


@dataclass(frozen=True)
class RunFiles:
    """The folder of one run in the state: what its work stored, and its records by their names.
    What is behind receipts stays in ``held`` once they are read, if there is one."""

    state: Storage
    run_id: str
    held: HeldResults | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ConfigError if no run can be called so."""
        if not is_run_id(self.run_id):
            raise no_such_run(self.state.uri, self.run_id)

    def store(
        self, kind: str, work: Work, suffix: str, content: bytes | Path, rows: int
    ) -> StoredFile:
        """As ``Stores.store``, in a file of their own. Its digest goes into its name, so two who do
        the same work never overwrite each other's, and into the receipt."""
        if isinstance(content, bytes):
            digest = hashlib.sha256(content).hexdigest()
        else:
            with content.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        stem, _, ending = suffix.rpartition(".")
        key = self._key(f"{kind}/{work.id}{stem}.{digest[:16]}.{ending}")
        if isinstance(content, bytes):
            self.state.write(key, content)
        else:
            self.state.store_file(key, content)
        return StoredFile(key, digest, rows)

    def load(self, stored: StoredFile) -> bytes:
        """The bytes of a stored file. Raises DamagedResult if they are not those stored."""
        return load_stored(self.state, stored, self.held, self.run_id)

    def opened(self, stored: StoredFile) -> AbstractContextManager[IO[bytes]]:
        """The same to read from its beginning, of any size. Raises DamagedResult."""
        return opened_stored(self.state, stored, self.held, self.run_id)

    def records(self) -> frozenset[str]:
        """Names of the run's records, and of folders of such, that there are, whoever wrote them:
        whoever needs several asks once which there are."""
        inside = self.state.contents(f"runs/{self.run_id}")
        names = (stored.key.rsplit("/", 1)[1] for stored in inside.files)
        return frozenset((*names, *inside.folders))

    def _names(self, folder: str) -> list[str]:
        """Of very many files nobody asks more than what they are called."""
        return sorted(self.state.names(self._key(folder), sys.maxsize) or ())

    def _create_once(self, name: str, message: _Message) -> _Message:
        def read() -> _Message | None:
            return self._read(name, type(message))

        return self._first(name, to_json(message), message, read)

    def _first(
        self, name: str, data: bytes, message: _Message, read: Callable[[], _Message | None]
    ) -> _Message:
        """What was created first. Raises FileNotFoundError if another's file vanishes as fast as
        it is created."""
        for _ in range(3):
            if self.state.create(self._key(name), data):
                return message
            found = read()
            if found is not None:
                return found
        raise FileNotFoundError(self._key(name))

    def _read(self, name: str, kind: type[_Message]) -> _Message | None:
        return read_record(self.state, self._key(name), kind, self.run_id)

    def _numbered(self, prefix: str, kind: type[_Message], most: int = -1) -> list[_Message]:
        found: list[_Message] = []
        while len(found) != most and (one := self._read(f"{prefix}{len(found) + 1}.json", kind)):
            found.append(one)
        return found

    def _attempt_key(self, work_id: str, number: int) -> str:
        return self._key(f"attempts/{work_id}.{number}.json")

    def _key(self, name: str) -> str:
        return f"runs/{self.run_id}/{name}"
