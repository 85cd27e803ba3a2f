"""Results of a run that came to its end with all of them, and has some no more."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_core.errors import LostResult
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Results
from pipeline_core.ledger.stored_files import made_again_words
from pipeline_core.messages import Manifest, Work
from pipeline_core.plural import counted


def check_none_lost(ledger: RunLedger, manifest: Manifest, found: Results) -> None:
    """Whoever counts what is ``found`` of a run would take what is lost for what never was.

    Raises:
        LostResult: there is not all that a run had that was published, or refused.
    """
    ended = ledger.verdict() or ledger.outcome()
    if found.outstanding and ended is not None and ended.state != "failed":
        first = manifest.archive(found.outstanding[0].archive)
        raise lost_result(ledger, found.outstanding, first.name)


def lost_result(ledger: RunLedger, works: Sequence[Work], first: str) -> LostResult:
    """That results of these works are lost, ``first`` being the first one's archive."""
    number = len({work.archive for work in works})
    such = "," if number == 1 else ", such as"
    return LostResult(
        f"Of run {ledger.run_id} the results of {counted(number, 'archive')} are lost or "
        f"damaged{such} that of {first} in {ledger.place_of(works[0].id)}.",
        made_again_words(ledger.run_id),
    )
