"""verify's recount of a shop, without a run: how its feed is read, and what it comes to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from decimal import Context, localcontext
from pathlib import Path

from pipeline_core.configuration.places import Places
from pipeline_core.messages import Feed, Options
from pipeline_core.planning.sources import read_dimensions
from pipeline_core.settings.feed import FeedSettings
from pipeline_core.verify.judge import Rules
from pipeline_core.verify.recount import Recount


def feed_of(texts: Mapping[str, str]) -> Feed:
    """What SALES_* settings say."""
    named = {name.removeprefix("SALES_").lower(): text for name, text in texts.items()}
    return FeedSettings.model_validate(named).feed()


def recounted(data: Path, dimensions: Path, options: Options) -> tuple[Recount, int]:
    """The recount, and the decimals of its money."""
    snapshot = read_dimensions(Places("", "", "", str(dimensions), ""), options.feed)
    rules = Rules.of(snapshot, options)
    recount = Recount(rules, options, lambda *_: None)
    with closing(recount), localcontext(Context(prec=200)):
        for file in sorted(data.iterdir()):
            if file.name.lower().endswith(".zip"):
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                    recount.take(file.name, stream, digest)
        recount.finish()
    return recount, rules.scale
