"""A published run as a notification, by any service that Apprise knows.

Apprise runs in a process of its own: there it can be ended at a deadline, whatever it waits for,
and what it logs, in which there may be tokens, is heard by nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import msgspec

from pipeline_core.addresses.notification_url import NEEDED, has_apprise
from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.apprise_messages import ServiceAnswer, ServiceRequest
from pipeline_core.delivery.headline import headline_of
from pipeline_core.delivery.mail_text import as_notification
from pipeline_core.errors import ConfigError, OutcomeUnknown, PipelineError, RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.machine.install_lines import install_line
from pipeline_core.notify.hook_process import environment_of_hook

_CHILD = "pipeline_core.delivery.apprise_process"
_MOST_SECONDS = 60
_MOST_ANSWER = 10_000
_WHERE = "SALES_DELIVER (or --to)"


def send_notification(
    destination: Destination, ledger: RunLedger, about_to_send: Callable[[], None]
) -> None:
    """Tells a service of a run; ``about_to_send`` is called before it may arrive.

    Raises:
        ConfigError: Apprise is not there, knows no such service, or that refuses for good.
        OutcomeUnknown: it was sent, and nobody knows whether it arrived.
        RetryableError: the service does not answer, or cannot now.
    """
    headline = headline_of(ledger, destination.reports_url)
    about_to_send()
    _raise(_asked(ServiceRequest(destination.url, headline.subject, as_notification(headline))))


def try_out_notification(destination: Destination) -> str:
    """Whether Apprise knows the service, and its server can be reached, if the URL names one;
    nothing is sent. Returns what was found, for people. Raises as ``send_notification``."""
    answer = _asked(ServiceRequest(destination.url, "", ""))
    _raise(answer)
    return answer.said


def _asked(asked: ServiceRequest) -> ServiceAnswer:
    if not has_apprise():
        raise ConfigError(
            "Notification services need Apprise, which is not installed.",
            f"Install it: `{install_line(NEEDED)}`.",
        )
    # A child's variables, no settings of ours.
    variables = environment_of_hook(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", _CHILD],
            input=msgspec.json.encode(asked),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
            timeout=_MOST_SECONDS,
            check=False,
        )
        return msgspec.json.decode(ended.stdout[:_MOST_ANSWER], type=ServiceAnswer)
    except subprocess.TimeoutExpired:
        return ServiceAnswer("unknown", f"it takes over {_MOST_SECONDS} s")
    except msgspec.DecodeError:
        return ServiceAnswer("unknown", "Apprise ended without a word")


def _raise(answer: ServiceAnswer) -> None:
    """The error that an answer is, if it is one."""
    error = _error_of(answer)
    if error is not None:
        raise error


def _error_of(answer: ServiceAnswer) -> PipelineError | None:
    said = f": {answer.said}" if answer.said else ""
    if answer.fate == "no_service":
        return ConfigError(
            f"Apprise knows no such service, or its URL lacks something{said}.",
            f"Correct {_WHERE}; Apprise's documentation has the URL of each service.",
        )
    if answer.fate == "refused":
        return ConfigError(
            f"The notification service refuses{said}.",
            f"Correct the tokens in {_WHERE}, or see what the service says of them.",
        )
    if answer.fate == "busy":
        return RetryableError(
            f"The notification service cannot now{said}.", "See how the service fares."
        )
    if answer.fate == "silent":
        return RetryableError(
            f"The notification service does not answer{said}.",
            f"Check {_WHERE}, and the way to the service.",
        )
    if answer.fate == "unknown":
        return OutcomeUnknown(f"Nobody knows whether the notification service has it{said}.")
    return None
