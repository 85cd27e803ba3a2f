"""Whether a run is likely to be shared by processes of this machine, before settings are read."""

from __future__ import annotations

import pytest

from pipeline_core.configuration.likely_engine import is_likely_shared_here

BROKER = "redis://localhost"


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        ({}, {}, True),
        ({"engine": None, "jobs": None, "broker_url": None}, {"SALES_JOBS": "4"}, True),
        ({"engine": "local"}, {"SALES_BROKER_URL": BROKER, "SALES_ENGINE": "celery"}, True),
        ({}, {"SALES_BROKER_URL": BROKER}, False),
        ({"broker_url": BROKER}, {}, False),
        ({}, {"SALES_ENGINE": "celery"}, False),
        ({"engine": "celery"}, {}, False),
        ({"jobs": 1}, {"SALES_JOBS": "4"}, False),
        ({"jobs": 2}, {"SALES_JOBS": "1"}, True),
        ({}, {"SALES_JOBS": "1"}, False),
        ({"profile": "weak"}, {}, False),
    ],
)
def test_options_come_before_variables(
    given: dict[str, object], variables: dict[str, str], expected: bool
) -> None:
    assert is_likely_shared_here(given, variables) is expected
