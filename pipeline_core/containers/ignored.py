"""What is passed over without being read: counted by its ending, so that nothing is lost silently.

Counts are merged in any order and grouping with one result: of more than ``MOST_ENDINGS`` endings
those that sort first, the shortest, keep their names, and what is first among all is first among
some.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from pipeline_core.containers.entry_names import base_name

# Of one file, or of a whole run.
MOST_ENDINGS = 40
# The key of all other endings together.
OTHER_ENDINGS = "…"
# The key of folders beside the archives, whatever is in them.
FOLDERS = "/"
_ENDING = re.compile(r"[0-9a-z_~+-]{1,15}", re.ASCII)
_COMPRESSIONS = {"gz", "bz2", "xz", "zst", "lz4", "lzma", "br", "z"}
_TOLD = 5


def ending(name: str) -> str:
    """The ending of an entry's name, in small letters and with its dot; that of something that is
    compressed with the one before it (``.json.gz``). Nothing if there is none: behind the last dot
    stand up to 15 ASCII letters, digits or marks, and before it something."""
    stem, _, last = base_name(name).lower().rpartition(".")
    if not stem or not _ENDING.fullmatch(last):
        return ""
    rest, _, inner = stem.rpartition(".")
    is_packed = last in _COMPRESSIONS and rest and _ENDING.fullmatch(inner)
    return f".{inner}.{last}" if is_packed else f".{last}"


def count_endings(names: Iterable[str]) -> dict[str, int]:
    """Entries by their ending."""
    return merge_endings([Counter(map(ending, names))])


def merge_endings(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts added up, by ending, the shortest first."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    others = total.pop(OTHER_ENDINGS, 0)
    by_length = sorted(total, key=lambda ending: (len(ending), ending))
    others += sum(total[ending] for ending in by_length[MOST_ENDINGS:])
    merged = {ending: total[ending] for ending in by_length[:MOST_ENDINGS]}
    return merged | ({OTHER_ENDINGS: others} if others else {})


def commonest_endings(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Endings with their counts, the largest first; all others together come last."""
    return sorted(
        counts.items(), key=lambda item: (item[0] == OTHER_ENDINGS, -item[1], not item[0], item[0])
    )


def endings_in_words(counts: Mapping[str, int]) -> str:
    """The commonest first: ``3 .tar.gz, 1 .csv``; empty if there are none."""
    ordered = commonest_endings(counts)
    told = [f"{count:,} {_in_words(ending, count)}" for ending, count in ordered[:_TOLD]]
    if rest := sum(count for _, count in ordered[_TOLD:]):
        told.append(f"{rest:,} other{'s'[: rest - 1]}")
    return ", ".join(told)


def _in_words(ending: str, count: int) -> str:
    names = {
        "": "without an ending",
        OTHER_ENDINGS: "of other endings",
        FOLDERS: f"folder{'s'[: count - 1]}",
    }
    return names.get(ending, ending)
