"""What the state storage knows of runs: ``runs/<run_id>/`` and the dimension snapshots.

::

    runs/<run_id>/manifest.json                 the plan, created once
    runs/<run_id>/partials/<archive>.<report>.parquet
    runs/<run_id>/rejects/<archive>.csv
    runs/<run_id>/receipts/<archive>.json       written last: the archive is done
    runs/<run_id>/outcome.json                  published, refused or failed
    dimensions/<digest>/customers.parquet, products.parquet
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline_core.dimensions.snapshot import Snapshot, from_parquet
from pipeline_core.errors import ConfigError, ContractError
from pipeline_core.messages import Manifest, Outcome, Receipt, StoredFile, to_json
from pipeline_core.storage import Storage


@dataclass(frozen=True)
class RunLedger:
    """One run's files."""

    state: Storage
    run_id: str

    def create_manifest(self, manifest: Manifest) -> None:
        """Raises ContractError if a run of this id was planned already."""
        if not self.state.create(self._key("manifest.json"), to_json(manifest)):
            raise ContractError(f"run {self.run_id} was planned already")

    def manifest(self) -> Manifest:
        """Raises ConfigError if there is no such run."""
        try:
            data = self.state.read(self._key("manifest.json"))
        except FileNotFoundError:
            raise ConfigError(
                f"There is no run {self.run_id!r} in {self.state.uri}.",
                "`sales-pipeline runs` lists them.",
            ) from None
        return msgspec.json.decode(data, type=Manifest)

    def store(self, kind: str, archive_id: str, suffix: str, path: Path, rows: int) -> StoredFile:
        """Copies a finished local file into the run; its digest goes into the receipt."""
        key = self._key(f"{kind}/{archive_id}{suffix}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.state.store_file(key, path)
        return StoredFile(key, digest, rows)

    def load(self, stored: StoredFile) -> bytes:
        """The bytes of a stored file. Raises ContractError if they are not those stored."""
        try:
            data = self.state.read(stored.key)
        except FileNotFoundError:
            raise ContractError(f"{stored.key} is in a receipt but not in the storage") from None
        if hashlib.sha256(data).hexdigest() != stored.digest:
            raise ContractError(f"{stored.key} is damaged: its digest is not the receipt's")
        return data

    def write_receipt(self, receipt: Receipt) -> None:
        """Marks an archive as done; the files it names are stored already."""
        self.state.write(self._key(f"receipts/{receipt.archive}.json"), to_json(receipt))

    def receipt(self, archive_id: str) -> Receipt | None:
        """One archive's receipt, or None while it is not done."""
        try:
            data = self.state.read(self._key(f"receipts/{archive_id}.json"))
        except FileNotFoundError:
            return None
        return msgspec.json.decode(data, type=Receipt)

    def receipt_ids(self) -> set[str]:
        """Ids of the archives that are done."""
        keys = (stored.key for stored in self.state.files(self._key("receipts")))
        return {
            key.rsplit("/", 1)[1].removesuffix(".json") for key in keys if key.endswith(".json")
        }

    def write_outcome(self, outcome: Outcome) -> None:
        """Records how the run ended; a later publication takes the place of a refusal."""
        self.state.write(self._key("outcome.json"), to_json(outcome))

    def outcome(self) -> Outcome | None:
        """How the run ended, or None while it is under way."""
        try:
            data = self.state.read(self._key("outcome.json"))
        except FileNotFoundError:
            return None
        return msgspec.json.decode(data, type=Outcome)

    def _key(self, name: str) -> str:
        return f"runs/{self.run_id}/{name}"


def run_ids(state: Storage) -> list[str]:
    """Every run, oldest first (ids begin with their time of planning)."""
    return state.folders("runs")


def save_snapshot(state: Storage, snapshot: Snapshot) -> str:
    """Stores a dimension snapshot under its digest, unless it is there; returns the digest."""
    digest = snapshot.digest
    for name, data in snapshot.to_parquet().items():
        # Always the same content, so writing again mends a file that a power cut tore.
        state.write(f"dimensions/{digest}/{name}", data)
    return digest


def load_snapshot(state: Storage, digest: str) -> Snapshot:
    """Raises ContractError if the snapshot is gone or damaged."""
    names = ("customers.parquet", "products.parquet")
    try:
        files = {name: state.read(f"dimensions/{digest}/{name}") for name in names}
    except FileNotFoundError as error:
        raise ContractError(f"dimension snapshot {digest} is gone from {state.uri}") from error
    return from_parquet(files, digest)
