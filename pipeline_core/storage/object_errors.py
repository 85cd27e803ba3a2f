"""What obstore and the services behind it say, as our errors, without what is secret in it."""

from __future__ import annotations

import errno
import re

from obstore.exceptions import (
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from pipeline_core.errors import ConfigError, NoCredentials, RetryableError, UnknownHost
from pipeline_core.storage.base import no_conditional_writes
from pipeline_core.store_environment import NO_CREDENTIALS

_DENIED = (PermissionDeniedError, UnauthenticatedError)
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
_TURNED_DOWN = {"ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed"}
# What may be quoted of a backend's text; the rest of it can hold keys, tokens and signatures.
_STATUS = re.compile(r"status code: (\d{3}[\w ]*)")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_CAUSES = ("connection refused", "connection reset", "dns error", "timed out", "certificate")
_UNKNOWN_HOST = re.compile(
    "Name or service not known|No address associated|nodename nor servname|No such host"
)
_MISTAKES = (  # a phrase of obstore's text, what it means, what helps
    ("NoSuchBucket", "there is no such bucket.", "Create it, or correct the URI."),
    ("ContainerNotFound", "there is no such container.", "Create it, or correct the URI."),
    ("builder error", "its endpoint is not https://.", "{}ALLOW_HTTP=true allows http://."),
    ("configured region", "it is in another region.", "Correct {}REGION."),
    ("invalid path", "a key in it has an empty, '.' or '..' part.", "Rename or delete it."),
)
_METADATA_SERVICES = ("/latest/api/token", "computeMetadata", "metadata/identity")
# To a request with a condition: the header, or the request with it, is not implemented.
_UNCONDITIONAL = ("501", "405")


def translation(error: Exception, what: str, place: str, variables: str) -> Exception:
    """The error to raise for one of obstore's: ``what`` could not be done with the key ``place``;
    ``variables`` is how the names of the service's settings begin.
    """
    text = str(error)
    status, code = _answer(text)
    # A ValueError is a key that obstore cannot write.
    if isinstance(error, (FileNotFoundError, ValueError)) and code not in _NO_BUCKET:
        return FileNotFoundError(errno.ENOENT, "no such object", place)
    check = f"Check the network, the service, and {variables}* in the environment and .env."
    if any(phrase in text for phrase in _METADATA_SERVICES):
        cause = "no credentials are set, and no metadata service of the machine gives any."
        return NoCredentials(what + cause, NO_CREDENTIALS[variables])
    if isinstance(error, _DENIED) or status[:3] in ("401", "403") or code in _TURNED_DOWN:
        return ConfigError(
            what + f"access is denied ({code or status}).",
            f"Check {variables}* in the environment and .env, the rights and the clock.",
        )
    if (mistake := _no_connection(text, what, variables)) is not None:
        return mistake
    for phrase, cause, remedy in _MISTAKES:
        if phrase in text:
            return ConfigError(what + cause, remedy.format(variables))
    return RetryableError(what + _cause(error, text, f"{status} {code}".strip()) + ".", check)


def _no_connection(text: str, what: str, variables: str) -> ConfigError | None:
    """Why no try will connect; None if one may, as where a resolver is away."""
    settings = f"Check {variables}* in the environment and .env."
    if "dns error" in text and _UNKNOWN_HOST.search(text):
        return UnknownHost(what + "there is no such host.", settings)
    if "certificate" in text.lower() and "Connect" in text:
        return ConfigError(what + "its certificate is not one that this machine trusts.", settings)
    return None


def refused_condition(error: Exception, uri: str, variables: str) -> ConfigError | None:
    """The error to raise for a store that answered a conditional write so, as one without them
    does; None if something else is the matter."""
    if isinstance(error, NotImplementedError):  # obstore was told to send none
        return no_conditional_writes(uri, f"{variables}CONDITIONAL_PUT switches them off")
    status, code = _answer(str(error))
    if status.startswith(_UNCONDITIONAL) or code == "NotImplemented":
        return no_conditional_writes(uri, f"the answer to one was {f'{status} {code}'.strip()}")
    return None


def is_beyond_end(error: BaseError) -> bool:
    """Whether a service has nothing of the range that it was asked for."""
    return _answer(str(error))[0].startswith("416")


def _answer(text: str) -> tuple[str, str]:
    """Status and code of the service's answer in an error's text, each empty if it is not there."""
    status = match[1].rstrip() if (match := _STATUS.search(text)) else ""
    return status, match[1] if (match := _CODE.search(text)) else ""


def _cause(error: Exception, text: str, answer: str) -> str:
    if isinstance(error, PreconditionError):
        return "it changed meanwhile"
    if isinstance(error, OSError):  # of this machine's disk
        return error.strerror or "the disk failed"
    if answer:
        return f"the answer was {answer}"
    folded = text.lower()
    return next((phrase for phrase in _CAUSES if phrase in folded), "there is no answer")
