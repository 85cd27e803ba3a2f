"""Archives that other processes count by themselves come to the same as those counted in turn."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given

from pipeline_core.messages import Options, ReturnsMode
from tests.support.recounted import recounted
from tests.support.strategies import RETURNS, GeneratedShop, shops
from tests.support.whole_runs import whole_runs


@given(shop=shops(), returns=RETURNS)
@whole_runs(150)
def test_ahead_is_as_in_turn(shop: GeneratedShop, returns: ReturnsMode) -> None:
    with tempfile.TemporaryDirectory() as name:
        written = shop.write(Path(name))
        options = Options(returns=returns, reject_rows=9)
        (in_turn, _), (ahead, _) = (
            recounted(written.data, written.dimensions, options, is_ahead=is_ahead)
            for is_ahead in (False, True)
        )
    assert ahead.total == in_turn.total
    assert (ahead.read, ahead.duplicate, ahead.broken) == (
        in_turn.read,
        in_turn.duplicate,
        in_turn.broken,
    )
