"""Days gone wrong: what a zip holds, by the straight and by the careful way: ``make fuzz``.

``python -m tests.fuzz.days [--cases 100000] [--seed 1]``. Zips of parts in many shapes are mutated
as bytes and in what their records say: sizes, places, checksums, counts, methods and flags. Each is
read as a zip, in memory and from a file, and as a day of an archive, part by part. The straight way
in, which is quick, must give the entries, bytes, windows, digests, meters and causes of the careful
one; the windows must come to the same in both tiers of decoding.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from random import Random

from pipeline_core.containers.plain_zip import plain_directory
from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.windows import Window
from tests.support.archives import packed_zip
from tests.support.decoding import by_both_tiers
from tests.support.mutate import mutated
from tests.support.mutate_zips import with_other_fields
from tests.support.straight import (
    LIMITS,
    NARROW,
    SOUND,
    WINDOW,
    carefully,
    outcome_of_day,
    outcome_of_zip,
)


class DaysDifferError(AssertionError):
    """Two ways of reading one zip do not say the same."""


def day(choose: Random) -> bytes:
    """A zip gone wrong."""
    made = choose.choice(SOUND)
    if choose.random() < 0.7:
        made = with_other_fields(made, choose)
    return made if choose.random() < 0.5 else mutated(made, SOUND, choose)


def check(content: bytes, choose: Random) -> str:
    """What became of a day. Raises DaysDifferError, or TiersDifferError."""
    is_plain = plain_directory(content, len(content), LIMITS.zip_entries) is not None
    archive = packed_zip({"d.zip": content}, choose.choice((0, 8))) if content else b""
    window, hashed = choose.choice((WINDOW, NARROW)), choose.random() < 0.3
    straight = outcome_of_zip(content)
    filed = outcome_of_zip(io.BytesIO(content))
    found = outcome_of_day(archive, window, hashed=hashed) if archive else []
    with carefully():
        careful = outcome_of_zip(io.BytesIO(content))
        expected = outcome_of_day(archive, window, hashed=hashed) if archive else []
    for one, other in ((straight, careful), (filed, careful), (found, expected)):
        if one != other:
            raise DaysDifferError(f"straight {one}, careful {other}")
    windows = [one for part in found if isinstance(part, tuple) for one in part[0]]
    some = [one for one in windows if isinstance(one, Window)]
    _decode(choose.sample(some, min(1, len(some))))
    return f"{'plain' if is_plain else 'not plain'}: {'read' if some else 'unreadable'}"


def _decode(windows: list[Window]) -> None:
    for window in windows:
        try:
            by_both_tiers(window)
        except UnreadablePart:
            continue


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    choose, found = Random(chosen.seed), Counter[str]()  # noqa: S311
    for case in range(chosen.cases):
        content = day(choose)
        try:
            found[check(content, choose)] += 1
        except Exception:
            print(f"seed {chosen.seed}, case {case}: {content!r}")
            raise
    print(f"seed {chosen.seed}: {found.total()} days;", dict(sorted(found.items())))
    kinds = ("plain: read", "plain: unreadable", "not plain: read", "not plain: unreadable")
    return 0 if min(found[each] for each in kinds) > chosen.cases // 100 else 1


if __name__ == "__main__":
    sys.exit(main())
