"""What surrounds a message's arguments: who may write to the broker may have put anything there.

Celery and kombu end a worker over much of it, and hand the message on to the next. So it is looked
at first, what is none of ours is left out, and the rest of the message is taken or dropped.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from pipeline_core.ledger.names import TASK_PATTERN
from pipeline_core.logs import get_logger
from pipeline_core.machine.known_kinds import known
from workers.config import FAIL_RUN, PROCESS_ARCHIVE, PUBLISH_RUN, RECONCILE, START_RUN

log = get_logger()

_JSON = "application/json"
_LONGEST_SHOWN = 200  # of what a message holds, in a log line
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_LONGEST_REPR = 1024  # of arguments, for Flower; Celery's own limit

_Id = Annotated[str, Meta(pattern=TASK_PATTERN)]
_Short = Annotated[str, Meta(max_length=256)]
_TASKS = {START_RUN, PROCESS_ARCHIVE, PUBLISH_RUN, FAIL_RUN, RECONCILE}


class Refused(ValueError):
    """A message that is none of ours."""


class _DeliveryInfo(Struct, frozen=True):
    """Where kombu found it."""

    exchange: _Short = ""
    """The exchange; empty for the default one."""
    routing_key: _Short | None = None
    """The queue it was sent to."""


class _Properties(Struct, frozen=True):
    """What kombu itself needs."""

    delivery_tag: _Short
    """Its number, by which it is acknowledged."""
    delivery_info: _DeliveryInfo
    """Where it was found."""
    body_encoding: Literal["base64", "utf-8"] | None = None
    """How ``body`` is written."""


class _Item(Struct, frozen=True):
    """What stands in a queue."""

    properties: _Properties
    """Kombu's own part."""
    headers: dict[str, Any] = {}
    """Celery's part."""
    body: str = ""
    """Arguments and what is to follow, written as ``body_encoding`` says."""


class _Headers(Struct, frozen=True):
    """Those of a task's message, Celery's protocol 2, that are obeyed. What is not among them is
    left out: limits of time are the settings', and a task has the name that it has."""

    task: _Short
    """Name of the task."""
    id: _Id
    """The message's own id."""
    root_id: _Id | None = None
    """Id of the first message of its chord."""
    parent_id: _Id | None = None
    """Id of the message that sent it."""
    group: _Id | None = None
    """Id of its chord's header."""
    group_index: Annotated[int, Meta(ge=0)] | None = None
    """Its place in that header."""
    retries: Annotated[int, Meta(ge=0, le=1_000_000)] | None = 0
    """Tries before this one."""
    eta: datetime | None = None
    """When it is to be done; at once if None."""
    expires: datetime | None = None
    """When it is too late for it; never if None."""
    origin: _Short | None = None
    """The process that sent it."""
    argsrepr: str | None = None
    """Its positional arguments, for people."""
    kwargsrepr: str | None = None
    """Its named arguments, for people."""
    ignore_result: bool | None = None
    """Whether nobody asks for its result."""


class _Signature(Struct, frozen=True):
    """Another task, that is to be sent."""

    task: str
    """Name of the task."""
    args: list[Any]
    """Its positional arguments."""
    kwargs: dict[str, Any]
    """Its named arguments."""
    options: dict[str, Any]
    """How it is to be sent."""


class _Embedded(Struct, frozen=True):
    """What is to follow the task: as chords of ours have it, publication or failure of a run."""

    chord: _Signature | None = None
    """The publication, when all of the header is done."""
    errbacks: list[_Signature] | None = None
    """What is done if it fails."""
    callbacks: tuple[()] | None = None
    """What is done if it succeeds: nothing."""
    chain: tuple[()] | None = None
    """What comes after it: nothing."""


_Body = tuple[list[Any], dict[str, Any], _Embedded | None]


def check_item(item: object) -> None:
    """Raises Refused if kombu cannot make a message of what stood in a queue."""
    found = _converted(item, _Item)
    if "compression" in found.headers:  # kombu would inflate it, however large it gets
        raise Refused("it is compressed")


def check_message(message: Any, tasks: Any, longest_wait: timedelta) -> None:
    """Takes from a message of kombu's what is not obeyed. ``tasks`` are Celery's, by name;
    ``longest_wait`` is how far ahead it may ask to be done.

    Raises:
        Refused: the message is for no task of ours, or not of its form.
    """
    given = message.headers
    headers = _converted(given, _Headers)
    if headers.task not in _TASKS:
        raise Refused(f"there is no task {headers.task}")
    if message.content_type != _JSON or message.content_encoding not in {"utf-8", None}:
        raise Refused(
            f"its content is {message.content_type!r} in {message.content_encoding!r}, and not "
            "JSON in UTF-8"
        )
    _check_times(headers, longest_wait)
    args, kwargs, follows = _converted(message.payload, _Body)
    if follows is not None:
        _check_what_follows(follows)
    try:
        tasks[headers.task].__header__(*args, **kwargs)
    except TypeError as error:
        raise Refused(f"{headers.task}: {error}") from None
    kept = {name: given[name] for name in _Headers.__struct_fields__ if name in given}
    for name in ("argsrepr", "kwargsrepr"):
        if kept.get(name):
            kept[name] = kept[name][:_LONGEST_REPR]
    message.headers = kept


def _check_what_follows(follows: _Embedded) -> None:
    if follows.chord is not None and follows.chord.task != PUBLISH_RUN:
        raise Refused(f"{follows.chord.task} would follow")
    for each in follows.errbacks or ():
        if each.task != FAIL_RUN:
            raise Refused(f"{each.task} would follow")


def tell_refusal(error: Exception) -> None:
    """One line of a message that was dropped."""
    said = str(error) if isinstance(error, Refused) else repr(error)
    log.error(
        "message_refused",
        cause=f"A message is none of ours: {ascii(said)[1:-1][:_LONGEST_SHOWN]}.",
        remedy="Look for whoever else may write to the broker.",
    )


def _converted(given: object, kind: Any) -> Any:
    try:
        return msgspec.convert(given, known(kind))
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refused(str(error)) from None


def _check_times(headers: _Headers, longest_wait: timedelta) -> None:
    for moment in (headers.eta, headers.expires):
        # Celery converts them to its own zone, which the first and last days of all have not.
        if moment is not None and not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise Refused(f"it is for {moment}")
    if headers.eta is not None and _aware(headers.eta) > datetime.now(UTC) + longest_wait:
        raise Refused(f"it is for {headers.eta}")


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
