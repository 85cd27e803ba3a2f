"""Every error of the project, grouped by what the caller should do.

PipelineError
├── ConfigError        stop at the start: a setting or an option is wrong
│   ├── EventsGone     events of a past run are in no archive and not kept: do without
│   └── NotServed      a message or a record names what a worker does not serve: do nothing
├── RetryableError     storage, database or broker is away: back off and try again
│   └── NotFit         this process cannot do it, whatever the work: another may
│       ├── NoCredentials  it has none: it does not try again
│       ├── NoTemporaryRoom  its temporary files cannot be written
│       └── FailsHereOnly  as often as it may fail, and no other host has tried
├── OutcomeUnknown     it may have been done: do not do it again unasked
├── TooCostly          more memory or time than there is: try a few times, then leave it out
├── CutShort           time was up, and what was done of it is kept: go on with it
├── RunUnderWay        another run holds the lock: wait for it
├── WorkUnderWay       as many try the work as may: wait until their leases tell how they fare
├── ResultsMissing     archives have no sound result yet: process them, then publish
├── InputError         this input is bad: record it and go on
│   └── Unreadable…    a part, a day or an archive that cannot be read at all
├── PublishRefused     the run must not replace the published report
└── ContractError      our own bug: fail loudly
    ├── DamagedBlock   records of archives are gone or damaged: plan again
    ├── DamagedRecord  another record is lost or damaged: do what it says, or without
    └── DamagedResult  a stored result is not what its receipt says: make it again
        └── LostResult     it is gone, and others with it, perhaps: look which, first

All of them cross process borders: ``args`` rebuilds them, ``__dict__`` carries the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline_core.credentials import without_credentials


class PipelineError(Exception):
    """Base of all. ``remedy`` is what a person can do about it, one sentence or empty."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class ConfigError(PipelineError):
    """A setting or an option that no retry will mend."""


class UnknownHost(ConfigError):
    """There is no such name. Whoever begins has a wrong one; in the midst of a run the name of a
    server that is stopped may be gone for a while, and the same call may succeed later."""


class EventsGone(ConfigError):
    """A past run's events were asked for, and neither an extract nor an archive has them."""


class NotServed(ConfigError):
    """A message, or a record it leads to, names a place, a run or work that a worker does not
    serve: it does nothing, and writes nothing."""


class RetryableError(PipelineError):
    """Storage, database or broker did not answer; the same call may succeed later."""


class NotFit(RetryableError):
    """This process, or its machine, cannot do the work; nothing is wrong with the work, and another
    may do it."""


class NoTemporaryRoom(NotFit):
    """The temporary files of this process cannot be written: no room, no rights, a broken disk."""


class NoCredentials(NotFit):
    """This process has none for a place, and will not get any by waiting; another may have them."""


class FailsHereOnly(NotFit):
    """Work failed on this host as often as it may, and on no other: whose fault it is, another host
    will show."""


class NotAllowed(RetryableError):
    """This user may not read a file, or look into a folder; another may."""


class OutcomeUnknown(PipelineError):
    """What was sent may have arrived, or not; to send it again may send it twice."""


class InputError(PipelineError):
    """The shop's data is bad; the message names the place."""


class UnreadablePart(InputError):
    """A part that is not a JSON array, cannot be inflated, or is over a limit."""


class UnreadableZip(InputError):
    """A day or an archive; if it holds none that is read, ``ignored`` are its entries by ending."""

    def __init__(
        self, message: str, remedy: str = "", ignored: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        super().__init__(message, remedy)
        self.ignored = dict(ignored)


class UnreadableDay(UnreadableZip):
    """A day that is not a zip, is over a limit or holds no part; nothing of it counts."""


class UnreadableArchive(UnreadableZip):
    """An archive that is not a zip, is over a limit, holds no day, or changed since it was
    planned."""


class TooCostly(PipelineError):
    """The work took more memory or time than its worker may give."""


class CutShort(PipelineError):
    """The work got further and was ended, as by a time limit; another try goes on there."""


class RunUnderWay(PipelineError):
    """One run at a time; ``run_id`` is the one that holds the lock."""

    def __init__(self, message: str, remedy: str = "", run_id: str = "") -> None:
        super().__init__(message, remedy)
        self.args = (message, remedy, run_id)
        self.run_id = run_id


class WorkUnderWay(PipelineError):
    """Were the work tried once more, and all who may be at it dead, it would have been tried too
    often; in ``seconds`` their leases will have told."""

    def __init__(self, message: str, remedy: str = "", seconds: float = 0.0) -> None:
        super().__init__(message, remedy)
        self.args = (message, remedy, seconds)
        self.seconds = seconds


class ResultsMissing(PipelineError):
    """A run cannot be published yet; what is missing is for ``outstanding`` to tell."""


class PublishRefused(PipelineError):
    """The run is finished but must not replace the published report."""


class ContractError(PipelineError):
    """A promise between our own parts was broken."""


class DamagedBlock(ContractError):
    """A block is gone, or is not what was written; its file is removed, to be written again."""


class DamagedRecord(ContractError):
    """A record of a state that should be there is lost, or is not what was written."""


class DamagedResult(ContractError):
    """A partial or a rejects file that is gone or is not what its receipt says."""


class LostResult(DamagedResult):
    """It is gone, most often because `gc` removed what only older runs could use."""


def message_of(error: BaseException) -> str:
    """What happened, without the remedy; of a foreign error, its kind and its text without
    the credentials of URLs."""
    if isinstance(error, PipelineError):
        return error.message
    return without_credentials(repr(error))


def reason_of(error: BaseException) -> str:
    """The same as a sentence for whoever knows no Python: what the system said, or that it is an
    error of our own."""
    if isinstance(error, PipelineError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if isinstance(error.filename, str) else ""
        return without_credentials(f"{error.strerror}{place}.")
    return f"The program stopped at an error of its own: {message_of(error)}."
