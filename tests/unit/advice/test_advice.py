"""What is said of input that was not understood, or may not be what it seems."""

from __future__ import annotations

import pytest

from pipeline_core.advice.few_purchases import few_purchases_in_words
from pipeline_core.advice.unreadable_inputs import how_to_mend
from pipeline_core.messages import EventCounts

ICONV = "Text has to be UTF-8: `iconv -f {} -t UTF-8 PART > CONVERTED` converts a part; pack it"


@pytest.mark.parametrize(
    ("causes", "said"),
    [
        (["the part begins like text in UTF-16"], ICONV.format("UTF-16")),
        (["the part is not UTF-8: invalid start byte at byte 7"], ICONV.format("WINDOWS-1252")),
        (["the day holds no part, but 2 .txt and 1 .txt.gz"], "SALES_PARTS=.txt,.txt.gz has them"),
        (["the archive holds no day, but 3 .events"], "SALES_PARTS=.events has them read"),
        (["the day holds no part, but 1 .zip"], ""),
        (["it is no zip", "the part is over the limit"], ""),
        ([], ""),
    ],
)
def test_an_input_that_can_be_mended_says_how(causes: list[str], said: str) -> None:
    assert said in how_to_mend(causes)
    assert bool(how_to_mend(causes)) == bool(said)


def test_each_way_is_told_once() -> None:
    wide = ["the part begins like text in UTF-16"] * 3
    told = how_to_mend([*wide, "the part is not UTF-8: invalid continuation byte at byte 7"])
    assert told.count("iconv -f UTF-16") == told.count("iconv -f WINDOWS-1252") == 1


@pytest.mark.parametrize(
    ("purchases", "seen", "said"),
    [
        (0, 5000, ""),  # refused
        (5, 5000, ""),
        (4, 5000, "Of 5,000 events 4 are purchases."),
        (1, 1001, "Of 1,001 events 1 is a purchase."),
        (1, 1000, ""),
        (0, 0, ""),
    ],
)
def test_few_purchases_are_told(purchases: int, seen: int, said: str) -> None:
    rejected = purchases // 2
    events = EventCounts(
        seen=seen,
        counted=purchases - rejected,
        not_purchase=seen - purchases,
        rejected=rejected,
    )
    assert few_purchases_in_words(events).startswith(said)
    assert bool(few_purchases_in_words(events)) == bool(said)
