"""What does not answer is asked again, where a person waits: few times, after short pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pipeline_core.errors import NoCredentials, RetryableError, UnknownHost
from pipeline_core.logs import get_logger

log = get_logger()

_Result = TypeVar("_Result")

_TRIES = 3
_FIRST_PAUSE_SECONDS = 2.0


def call_with_retries(call: Callable[[], _Result], *, is_begun: bool = False) -> _Result:
    """The call's result; what does not answer is asked again, later and later. Without credentials,
    asking again is no use. Of a run that ``is_begun``, names of hosts are known to be right, and
    one that is gone may be back."""
    asked_again = (RetryableError, UnknownHost) if is_begun else RetryableError
    for number in range(1, _TRIES):
        try:
            return call()
        except NoCredentials:
            raise
        except asked_again as error:
            pause = _FIRST_PAUSE_SECONDS * 2 ** (number - 1) * random.uniform(0.5, 1)  # noqa: S311
            log.warning("trying_again", cause=error.message, seconds=round(pause, 1))
            time.sleep(pause)
    return call()
