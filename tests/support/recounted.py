"""verify's recount of a shop, without a run: how its feed is read, and what it comes to."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from contextlib import closing
from decimal import Context, localcontext
from pathlib import Path
from typing import IO

from pipeline_core.configuration.places import Places
from pipeline_core.errors import UnreadableArchive
from pipeline_core.messages import Feed, Options
from pipeline_core.planning.sources import read_dimensions
from pipeline_core.settings.feed import FeedSettings
from pipeline_core.verify.archive import ArchiveReader
from pipeline_core.verify.children import MOST_HELD, by_itself
from pipeline_core.verify.judge import Rules
from pipeline_core.verify.recount import ArchiveFound, Recount


def feed_of(texts: Mapping[str, str]) -> Feed:
    """What SALES_* settings say."""
    named = {name.removeprefix("SALES_").lower(): text for name, text in texts.items()}
    return FeedSettings.model_validate(named).feed()


def recounted(
    data: Path, dimensions: Path, options: Options, *, is_ahead: bool = False
) -> tuple[Recount, int]:
    """The recount, and the decimals of its money. ``is_ahead``: of archives that were counted by
    themselves, as other processes do it."""
    snapshot = read_dimensions(Places("", "", "", str(dimensions), ""), options.feed)
    rules = Rules.of(snapshot, options)
    recount = Recount(rules, options, lambda *_: None)
    with closing(recount), localcontext(Context(prec=200)):
        for file in sorted(data.iterdir()):
            if file.name.lower().endswith(".zip"):
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                    found = _found(rules, options, file.name, stream) if is_ahead else None
                    if found is None:
                        recount.take(file.name, stream, digest)
                    else:
                        recount.take_found(file.name, digest, found)
        recount.finish()
    return recount, rules.scale


def _found(rules: Rules, options: Options, name: str, file: IO[bytes]) -> ArchiveFound | None:
    reader = ArchiveReader(rules, options, lambda *_: None)
    try:
        found = by_itself(reader, name, file, MOST_HELD)
    except UnreadableArchive:
        return None
    handed_over: ArchiveFound = pickle.loads(pickle.dumps(found))  # noqa: S301
    return handed_over
