"""What is asked again, and what is not."""

from __future__ import annotations

import pytest

from pipeline_core import retry
from pipeline_core.errors import (
    ConfigError,
    NoCredentials,
    PipelineError,
    RetryableError,
    UnknownHost,
)
from pipeline_core.retry import call_with_retries


@pytest.mark.parametrize(
    ("error", "is_begun", "calls"),
    [
        (RetryableError, False, 3),
        (NoCredentials, False, 1),
        (UnknownHost, False, 1),
        (RetryableError, True, 3),
        (NoCredentials, True, 1),
        (UnknownHost, True, 3),
        (ConfigError, True, 1),
    ],
)
def test_what_waiting_does_not_mend_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, error: type[PipelineError], is_begun: bool, calls: int
) -> None:
    monkeypatch.setattr(retry, "_FIRST_PAUSE_SECONDS", 0.0)
    made: list[int] = []

    def call() -> None:
        made.append(1)
        raise error("no answer")

    with pytest.raises(error):
        call_with_retries(call, is_begun=is_begun)
    assert len(made) == calls
