"""The records of the newest published run, and its report: what they need is there, and whole."""

from __future__ import annotations

import gzip
import zlib
from itertools import islice

from console.doctor.checks import Check
from pipeline_core.ledger import RunLedger, read_state
from pipeline_core.ledger.run import START_ANOTHER
from pipeline_core.load.read_back import damaged_report
from pipeline_core.merging.lost_records import check_results
from pipeline_core.places.standing_report import stands
from pipeline_core.plural import counted
from pipeline_core.publication.latest import newest_shown
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage

# Of more blocks it is asked whether they are there.
_READ = 16


def check_records(settings: Settings) -> Check:
    """Whether the plan, the results and the report of the newest published run are there; blocks
    of them are listed, and some are read; of the report, sizes are added up.

    Raises:
        DamagedRecord, LostResult: the plan is lost, or results are.
        ConfigError: the report is damaged.
    """
    state = read_state(settings.state)
    run_id = newest_shown(state)
    if run_id is None:
        return Check("records", "ok", "no run is published yet")
    ledger = RunLedger(state, run_id)
    manifest = ledger.manifest()
    planned = {block.key for block in (*manifest.blocks, manifest.work) if block is not None}
    damaged = _damaged(state, planned | ledger.blocks())
    if lost := sorted(damaged & planned):
        found = f"the plan of run {run_id} is lost or damaged, in {lost[0]}."
        return Check("records", "failed", found, START_ANOTHER)
    check_results(ledger, damaged)
    outcome = ledger.outcome()
    if outcome is not None and not stands(manifest, outcome):
        raise damaged_report(run_id)
    blocks = counted(len(planned | ledger.blocks()), "block")
    return Check("records", "ok", f"those of run {run_id} are there, {blocks} among them")


def _damaged(state: Storage, keys: set[str]) -> set[str]:
    """Those of blocks that are gone, and of the first ones those that are torn."""
    there = {stored.key for stored in state.files("blocks")} if keys else set()
    damaged = keys - there
    for key in islice(sorted(keys & there), _READ):
        try:
            gzip.decompress(state.read(key))
        except (OSError, EOFError, zlib.error):  # what was asked, or it was removed just now
            damaged.add(key)
    return damaged
