"""Where OpenLineage events go: what SALES_OPENLINEAGE may say, and how it is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pipeline_core.addresses.web_url import WEB_FORM, check_webhook
from pipeline_core.machine.install_lines import install_line

# As the OpenLineage client has it.
ENDPOINT = "api/v1/lineage"
_FORM = "write https://key@host/, or file:///folder/events.jsonl"
_LOGIN = re.compile(r"(?<=://)([^/?#]*)@")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class ParentRun(NamedTuple):
    """The run of a scheduler of which ours is a part."""

    namespace: str
    name: str
    run_id: str


@dataclass(frozen=True)
class LineageTarget:
    """Where events go, and what ours are called there."""

    shown: str
    """Its URL without the key, for people."""
    url: str = ""
    """URL of the server, without the key; empty of a file."""
    endpoint: str = ENDPOINT
    """Path on the server, without the slash before it."""
    key: str = field(default="", repr=False)
    """The key that the server asks for; empty if it asks for none."""
    path: str = ""
    """The whole path of a file, to which lines are appended; empty of a server."""
    namespace: str = "sales-pipeline"
    """Namespace of our job."""
    parent: ParentRun | None = None
    """The run that ours is a part of, if there is one."""
    database: str = ""
    """``postgres://host:port/name`` of the customers and products, without a login."""
    timezone: str = "UTC"
    """Zone of the schedule's clock."""


def parse_target(text: str) -> LineageTarget:
    """Raises ValueError, which shows no key, if it is neither a server nor a file, or if the
    client is not installed."""
    target = _file(text) if text.startswith("file:") else _server(text)
    if find_spec("openlineage") is None:
        raise ValueError(
            "the OpenLineage client is not installed; install it: "
            f"`{install_line('openlineage-python')}`"
        )
    return target


def parse_parent(text: str) -> ParentRun:
    """``namespace/job/run``, as Airflow's macro ``lineage_parent_id`` writes it. Raises ValueError
    if it is none."""
    namespace, _, rest = text.partition("/")
    name, _, run_id = rest.rpartition("/")
    if not (namespace and name and _UUID.fullmatch(run_id)):
        raise ValueError("it is no parent's run; write namespace/job/UUID of the run")
    return ParentRun(namespace, name, run_id)


def _file(text: str) -> LineageTarget:
    parts = urlsplit(text)
    if parts.netloc or not parts.path.startswith("/") or parts.path.endswith("/") or parts.query:
        raise ValueError(f"it names no file; {_FORM}")
    return LineageTarget(shown=text, path=unquote(parts.path))


def _server(text: str) -> LineageTarget:
    found = _LOGIN.search(text)
    bare = _LOGIN.sub("", text)
    try:
        check_webhook(bare)
    except ValueError as error:
        said = str(error).replace(WEB_FORM, _FORM)
        raise ValueError(said if ";" in said else f"{said}; {_FORM}") from None
    parts = urlsplit(bare)
    return LineageTarget(
        shown=_LOGIN.sub("***@", text),
        url=f"{parts.scheme}://{parts.netloc}",
        endpoint=parts.path.strip("/") + (f"?{parts.query}" if parts.query else "") or ENDPOINT,
        key=unquote(found[1]).strip(":") if found else "",
    )
