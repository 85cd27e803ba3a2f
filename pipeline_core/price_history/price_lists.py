"""The price history: what plans saw of a shop's prices, in versions of which the last one counts.

::

    prices/<digest>.parquet      rows of all products of a version
    prices/<number>.json         PriceList: created once, so of two plans one makes the next version
    price_history.json           created once: there is a history, and one that is gone is lost

Nothing of it can be made again, so nothing is taken for empty: a version that is gone or torn stops
whoever wants the prices, and ``gc`` leaves all of it alone. A run's manifest says by which version
it was made, so one that the newest run has, and that is not there, is lost as well.
"""

from __future__ import annotations

import hashlib
import io
import re
from datetime import datetime
from itertools import islice
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline_core.errors import ConfigError
from pipeline_core.ledger.run import RunLedger
from pipeline_core.ledger.runs import newest_runs
from pipeline_core.ledger.state import is_kept_elsewhere
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import PriceList, StoredFile, to_json
from pipeline_core.parquet import read_parquet
from pipeline_core.storage import Storage

PRICES = "prices"
_MARK = "price_history.json"
_RECORD = re.compile(rf"{PRICES}/([0-9]{{6,12}})\.json")
# Versions that stay, the newest among them.
_KEPT = 10
_RUNS_LOOKED_AT = 100


def newest_prices(state: Storage) -> PriceList | None:
    """The version that counts, or None if there never was one.

    Raises:
        ConfigError: there was one, and it is gone or torn.
        RetryableError: the state does not answer.
    """
    made_by = _newest_run_with_prices(state)  # before the records: it has one that is among them
    numbers = _numbers(state)
    if made_by is not None and made_by.version > max(numbers, default=0):
        how = f"is gone: run {made_by.run_id} was made by version {made_by.version}, "
        how += f"and the last one there is {numbers[-1]}" if numbers else "and there is none"
        raise lost_prices(state, how)
    if not numbers:
        if any(stored.key == _MARK for stored in state.files()) and state.vouches(_MARK):
            raise lost_prices(state, "is gone")
        if is_kept_elsewhere(state.uri, _MARK):
            raise ConfigError(
                f"The price history of {state.uri} was kept under another SALES_STATE_KEY than the "
                "one here, or one of the two has none.",
                "Set the key of that time. To go on with another one, write the history with that "
                "of then (`sales-pipeline prices --csv products.csv`), and make it your products.",
            )
        return None
    key = _key(numbers[-1])
    try:
        found = msgspec.json.decode(state.read(key), type=known(PriceList))
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        raise lost_prices(state, f"is damaged: {key} is no record") from None
    return found


def load_prices(state: Storage, prices: PriceList) -> pa.Table:
    """The rows of a version: product_id and category (string), price (decimal), valid_from and
    valid_to (date32).

    Raises:
        ConfigError: the file is gone or torn.
        RetryableError: the state does not answer.
    """
    try:
        data = state.read(prices.file.key)
    except FileNotFoundError:
        raise lost_prices(state, f"is gone: there is no {prices.file.key}") from None
    if hashlib.sha256(data).hexdigest() != prices.file.digest:
        raise lost_prices(state, f"is damaged: {prices.file.key} is not what was written")
    return read_parquet(data)


def add_prices(
    state: Storage, before: PriceList | None, rows: pa.Table, read_at: datetime, run_id: str
) -> PriceList | None:
    """The version after ``before``, stored; None if another plan made that one meanwhile."""
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd", use_dictionary=False)
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    key = f"{PRICES}/{digest}.parquet"
    state.write(key, data)
    number = 1 if before is None else before.number + 1
    stored = StoredFile(key, digest, rows.num_rows)
    made = PriceList(number=number, file=stored, read_at=read_at, run_id=run_id)
    if not state.create(_key(number), to_json(made)):
        return None
    _forget(state)
    return made


def note_prices(state: Storage) -> None:
    """Makes sure that a history which is gone later is known to have been there."""
    state.create(_MARK, b"{}\n")


def replace_prices(
    state: Storage, rows: pa.Table, read_at: datetime, run_id: str
) -> PriceList | None:
    """A version behind all that there are records of, whatever is left of these, and behind that of
    the newest run."""
    made_by = _newest_run_with_prices(state)
    number = max([*_numbers(state), 0 if made_by is None else made_by.version])
    empty = StoredFile("", "", 0)
    last = PriceList(number=number, file=empty, read_at=read_at, run_id=run_id)
    return add_prices(state, last, rows, read_at, run_id)


def lost_prices(state: Storage, how: str) -> ConfigError:
    """The refusal to begin anew, which would price all of the past by the prices of today."""
    made_by = _newest_run_with_prices(state)
    known = "Put its files back from a copy of the state"
    if made_by is not None:
        run_id = made_by.run_id
        known += f", or take the prices of run {run_id}: `sales-pipeline prices --restore {run_id}`"
    return ConfigError(f"The price history of {state.uri} {how}.", f"{known}.")


class _MadeBy(NamedTuple):
    """A run, and the version of the history that it was made by."""

    run_id: str
    version: int


def _newest_run_with_prices(state: Storage) -> _MadeBy | None:
    for run_id in islice(newest_runs(state), _RUNS_LOOKED_AT):
        manifest = RunLedger(state, run_id).planned()
        if manifest is not None and manifest.price_history is not None:
            return _MadeBy(run_id, manifest.price_history)
    return None


def _numbers(state: Storage) -> list[int]:
    """Of the versions that there are records of, ascending."""
    found = (_RECORD.fullmatch(stored.key) for stored in state.files(PRICES))
    return sorted(int(each[1]) for each in found if each is not None)


def _forget(state: Storage) -> None:
    """Removes old versions, but for files that a younger one has as well."""
    numbers = _numbers(state)
    old = numbers[:-_KEPT]
    if not old:
        return
    files = {number: _file_of(state, number) for number in numbers}
    kept = {files[number] for number in numbers[-_KEPT:]}
    for number in old:
        if (file := files[number]) is not None and file not in kept:
            state.remove(file)
        state.remove(_key(number))


def _file_of(state: Storage, number: int) -> str | None:
    try:
        return msgspec.json.decode(state.read(_key(number)), type=known(PriceList)).file.key
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None  # of an old version, which nobody asks for


def _key(number: int) -> str:
    return f"{PRICES}/{number:06d}.json"
