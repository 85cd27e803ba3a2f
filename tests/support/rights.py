"""An S3 (moto's) that asks a policy, as Amazon's does: what that does not allow is refused."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from tests.support import PROJECT
from tests.support.documents import blocks

_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Right(NamedTuple):
    """What a request needs, and on what: an ARN."""

    action: str
    resource: str


def policy(of: str) -> dict[str, Any]:
    """The policy of ``workers`` or of ``readers`` in the document."""
    found = blocks(PROJECT / "docs" / "how-to" / "many-machines.md")
    workers, readers = (json.loads(each.text) for each in found if each.kind == "json")
    told: dict[str, Any] = {"workers": workers, "readers": readers}[of]
    return told


def _each(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allows(told: dict[str, Any], right: Right, bucket: str) -> bool:
    """Whether it does; ``bucket`` is what the document calls shop."""
    return any(
        right.action in _each(statement["Action"])
        and any(
            fnmatchcase(right.resource, each.replace(":::shop", f":::{bucket}"))
            for each in _each(statement["Resource"])
        )
        for statement in told["Statement"]
    )


class Guarded:
    """An application behind a policy, if there is one. ``used`` are the actions that were asked
    for, ``denied`` what was refused."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self.policy: dict[str, Any] | None = None
        self.used: set[str] = set()
        self.denied: list[Right] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.policy is None:
            return self._application(environ, start_response)
        bucket = environ["PATH_INFO"].lstrip("/").partition("/")[0]
        for right in _rights(environ):
            self.used.add(right.action)
            if not allows(self.policy, right, bucket):
                self.denied.append(right)
                start_response("403 Forbidden", [("Content-Type", "application/xml")])
                return [_DENIED]
        return self._application(environ, start_response)


def _rights(environ: dict[str, Any]) -> Iterator[Right]:
    """As Amazon's reference of S3's API has them."""
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    asked = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    method, arn = environ["REQUEST_METHOD"], "arn:aws:s3:::"
    if not key and method == "GET":
        yield Right("s3:ListBucket", f"{arn}{bucket}")
    elif not key and method == "POST" and "delete" in asked:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = BytesIO(body)
        for each in ET.fromstring(body).iter():  # noqa: S314  (ours)
            if each.tag.endswith("Key"):
                yield Right("s3:DeleteObject", f"{arn}{bucket}/{each.text}")
    elif method in {"GET", "HEAD"}:
        yield Right("s3:GetObject", f"{arn}{bucket}/{key}")
    elif method == "DELETE":
        action = "AbortMultipartUpload" if "uploadId" in asked else "DeleteObject"
        yield Right(f"s3:{action}", f"{arn}{bucket}/{key}")
    else:
        yield Right("s3:PutObject", f"{arn}{bucket}/{key}")
        if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
            yield Right("s3:GetObject", arn + unquote(source).lstrip("/"))
