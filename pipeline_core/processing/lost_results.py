"""Results of a run that came to its end with all of them, and has some no more."""

from __future__ import annotations

from pipeline_core.errors import LostResult
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Results
from pipeline_core.ledger.stored_files import made_again_words
from pipeline_core.messages import Manifest
from pipeline_core.plural import counted


def check_none_lost(ledger: RunLedger, manifest: Manifest, found: Results) -> None:
    """Whoever counts what is ``found`` of a run would take what is lost for what never was.

    Raises:
        LostResult: there is not all that a run had that was published, or refused.
    """
    ended = ledger.verdict() or ledger.outcome()
    if not found.outstanding or ended is None or ended.state == "failed":
        return
    first = found.outstanding[0]
    number = len({work.archive for work in found.outstanding})
    such = "," if number == 1 else ", such as"
    raise LostResult(
        f"Run {ledger.run_id} was {ended.state}, and its results of {counted(number, 'archive')} "
        f"are lost or damaged{such} that of {manifest.archive(first.archive).name} in "
        f"{ledger.place_of(first.id)}.",
        made_again_words(ledger.run_id),
    )
