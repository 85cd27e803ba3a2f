"""Several settings that are wrong are a sentence each."""

from __future__ import annotations

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings


def test_each_wrong_setting_is_a_line() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({"jobs": "two", "returns": "nett"})
    heading, *lines = error.value.message.splitlines()
    assert heading == "Wrong settings:"
    assert sorted(lines) == [
        "SALES_JOBS: it is a whole number.",
        "SALES_RETURNS: it is reject, net or separate.",
    ]
