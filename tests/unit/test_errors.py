from __future__ import annotations

import pickle

import pytest

from pipeline_core import errors
from pipeline_core.errors import InputError, PipelineError, PublishRefused, UnreadablePart

CLASSES = sorted(
    (
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, PipelineError)
    ),
    key=lambda found: found.__name__,
)


def test_no_error_class_is_overlooked() -> None:
    assert {found.__name__ for found in CLASSES} == {
        "ConfigError",
        "ContractError",
        "DamagedBlock",
        "DamagedRecord",
        "CutShort",
        "DamagedResult",
        "LostResult",
        "EventsGone",
        "FailsHereOnly",
        "InputError",
        "NoCredentials",
        "NoTemporaryRoom",
        "NotAllowed",
        "NotFit",
        "NotServed",
        "OutcomeUnknown",
        "PipelineError",
        "PublishRefused",
        "ResultsMissing",
        "RetryableError",
        "RunUnderWay",
        "TooCostly",
        "UnknownHost",
        "UnreadableArchive",
        "UnreadableDay",
        "UnreadablePart",
        "UnreadableZip",
        "WorkUnderWay",
    }


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", CLASSES)
def test_error_survives_a_process_border_with_all_it_says(
    kind: type[PipelineError], protocol: int
) -> None:
    error = kind("The disk is full: 'ü' 100 %.", "Make room.")
    error.place = "week.zip"  # type: ignore[attr-defined]
    error.add_note("a note")
    copy = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
    assert type(copy) is kind
    assert copy.__dict__ == error.__dict__
    assert (copy.message, copy.remedy) == ("The disk is full: 'ü' 100 %.", "Make room.")
    assert (copy.args, str(copy)) == (error.args, str(error))


@pytest.mark.parametrize("kind", CLASSES)
def test_remedy_is_optional(kind: type[PipelineError]) -> None:
    copy = pickle.loads(pickle.dumps(kind("Broken.")))  # noqa: S301
    assert (copy.message, copy.remedy, str(copy)) == ("Broken.", "", "Broken.")


def test_text_is_message_and_remedy() -> None:
    assert str(PublishRefused("Two days are missing.", "Mend them.")) == (
        "Two days are missing. Mend them."
    )


def test_every_error_is_a_pipeline_error_and_only_inputs_are_input_errors() -> None:
    inputs = {found.__name__ for found in CLASSES if issubclass(found, InputError)}
    assert inputs == {
        "InputError",
        "UnreadablePart",
        "UnreadableDay",
        "UnreadableArchive",
        "UnreadableZip",
    }
    with pytest.raises(PipelineError, match="no array"):
        raise UnreadablePart("no array")
