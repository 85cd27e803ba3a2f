"""The product's own second computation agrees with every run, whatever the shop and the limits."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.messages import UnknownMode
from tests.support.run import run_local
from tests.support.strategies import RETURNS, GeneratedShop, shops
from tests.support.verified import assert_agrees
from tests.support.whole_runs import whole_runs

_SETTINGS = whole_runs(40)
_OPTIONS = st.fixed_dictionaries(
    {
        "batch_size": st.sampled_from([1, 3, 50_000]),
        "processes": st.sampled_from([1, 20]),
        "reject_rows": st.sampled_from([0, 2, 1000]),
        "spreadsheet_safe": st.booleans(),
        "returns": RETURNS,
    }
)
_LIMITS_OF_A_PART = st.fixed_dictionaries(
    {},
    optional={
        "part_bytes": st.integers(2, 2000),
        "event_bytes": st.integers(1, 1000),
        "json_depth": st.integers(2, 12),
        "zip_entries": st.integers(1, 4),
    },
)
_LIMITS_OF_BYTES = st.fixed_dictionaries(
    {"day_bytes": st.integers(100, 4000), "archive_bytes": st.integers(200, 8000)}
)


def _check(shop: GeneratedShop, **options: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert_agrees(folder, run_local(shop.write(folder / "shop"), folder, **options))


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(shop=shops(), options=_OPTIONS, limits=_LIMITS_OF_A_PART)
@_SETTINGS
def test_verify_agrees(
    unknown: UnknownMode, shop: GeneratedShop, options: dict[str, Any], limits: dict[str, int]
) -> None:
    _check(shop, unknown=unknown, limits=limits, **options)


@given(shop=shops(damage=False), limits=_LIMITS_OF_BYTES)
@_SETTINGS
def test_verify_agrees_on_bytes_of_days_and_archives(
    shop: GeneratedShop, limits: dict[str, int]
) -> None:
    _check(shop, limits=limits)
