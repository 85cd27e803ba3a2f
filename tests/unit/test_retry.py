"""What is asked again, and what is not."""

from __future__ import annotations

import pytest

from pipeline_core import retry
from pipeline_core.errors import NoCredentials, RetryableError
from pipeline_core.retry import call_with_retries


@pytest.mark.parametrize(("error", "calls"), [(RetryableError, 3), (NoCredentials, 1)])
def test_who_has_no_credentials_asks_once(
    monkeypatch: pytest.MonkeyPatch, error: type[RetryableError], calls: int
) -> None:
    monkeypatch.setattr(retry, "_FIRST_PAUSE_SECONDS", 0.0)
    made: list[int] = []

    def call() -> None:
        made.append(1)
        raise error("no answer")

    with pytest.raises(error):
        call_with_retries(call)
    assert len(made) == calls
