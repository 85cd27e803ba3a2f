"""Where a run reads and writes, and what may be written for a place.

A place is a folder's name, or a URI. Whoever mistypes a URI means no folder of that name, so what
looks like one is refused: a report would be published where nobody looks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable

# Before the name of a plug-in that has customers and products.
PLUGIN = "plugin:"
_FORMS = {
    "file": "file:///folder",
    "s3": "s3://bucket/prefix",
    "gs": "gs://bucket/prefix",
    "az": "az://container/prefix",
}
# One letter is a drive of Windows.
_URI = re.compile(r"([a-z][a-z0-9+.-]+):(/{0,2})", re.IGNORECASE)
_OBJECTS = re.compile(r"[a-z0-9]+://[\w.-]+(?:/([^?]*))?", re.IGNORECASE | re.ASCII)
_AROUND = " \t\r\n'\""

# What the newest published run is called among the reports.
LATEST = "latest"
# The folder of every published run among the reports.
RUNS = "runs"


@dataclass(frozen=True)
class Places:
    """URIs of a run. ``dimensions`` is a folder; where it is None, ``database_url`` is read. What
    is read of it, ``customers`` and ``products`` say."""

    data: str
    reports: str
    state: str
    dimensions: str | None
    database_url: str = field(repr=False)
    customers: DimensionTable = CUSTOMERS
    products: DimensionTable = PRODUCTS


def scheme_of(place: str) -> str:
    """What stands before ``://``, in lower case; empty of a folder's name."""
    found = _URI.match(place)
    return found[1].lower() if found and found[2] == "//" else ""


def is_local(place: str) -> bool:
    """Whether it is a folder, and no object store's URI."""
    return scheme_of(place) in {"", "file"}


def local_path(place: str) -> Path:
    """The folder of a name or of a ``file://`` URI."""
    return Path(unquote(urlsplit(place).path)) if scheme_of(place) == "file" else Path(place)


def home_expanded(place: str) -> str:
    """A folder's name with the home of this user, or of a named one, for ``~`` and ``~name`` in
    front, as shells write it; other places as they are. Raises ValueError if there is no such user.
    ``./~x`` is a folder of that name."""
    if not place.startswith("~"):
        return place
    try:
        return str(Path(place).expanduser())
    except RuntimeError:
        raise ValueError(
            "~ stands for a home, and there is no such user; write ./ before a folder of that name"
        ) from None


def check_place(place: str) -> None:
    """Raises ValueError, which does not show the place, if it is empty, or looks like a URI and is
    none that is supported. ``C:/x``, ``week:12`` and ``./s3:/x`` are names of folders."""
    if not place.strip():
        raise ValueError("empty; the working folder is .")
    found = _URI.match(place.lstrip(_AROUND))
    if found is None:
        return
    scheme, slashes = found[1].lower(), found[2]
    form = _FORMS.get(scheme)
    if form is None:
        if slashes:
            raise ValueError(
                f"{scheme}:{slashes} is not supported as a place; use a folder, file://, s3://, "
                f"gs:// or az:// (a folder of that name is ./{scheme}:{slashes}...)"
            )
        return
    if place != place.strip(_AROUND):
        raise ValueError(f"blanks or quotes stand around it; write {form}")
    if slashes != "//":
        raise ValueError(
            f"{scheme}: needs two slashes; write {form} (a folder of that name is ./{scheme}:...)"
        )
    if scheme == "file":
        _check_file(place, form)
    else:
        _check_objects(place, form)


def _check_file(place: str, form: str) -> None:
    uri = urlsplit(place)
    if uri.netloc not in ("", "localhost") or not uri.path:
        raise ValueError(f"file:// has three slashes before a folder's whole path; write {form}")
    if uri.query or uri.fragment:
        raise ValueError(f"write ? and # of the folder's name as %3F and %23, {form}")


def _check_objects(place: str, form: str) -> None:
    found = _OBJECTS.fullmatch(place)
    if found is None:
        raise ValueError(f"write {form}; credentials belong in the environment")
    prefix = (found[1] or "").strip("/")
    if prefix and not {"", ".", ".."}.isdisjoint(prefix.split("/")):
        raise ValueError(f"an empty, . or .. part stands in its prefix; write {form}")


def check_reports(place: str) -> None:
    """Raises ValueError as ``check_place``, and if the place is called as what is published there:
    links of the page would lead elsewhere, and a report into a report."""
    check_place(place)
    is_local = scheme_of(place) in {"", "file"}
    path = local_path(place).absolute() if is_local else PurePosixPath(place)
    if path.name == LATEST:
        raise ValueError(
            f"{LATEST} is what the newest report is called inside of it; name the folder above"
        )


def is_plugin(place: str) -> bool:
    """Whether SALES_DIMENSIONS names a plug-in, and no folder."""
    return place.startswith(PLUGIN)


def check_dimensions(folder: str) -> None:
    """Raises ValueError, which does not show the folder, if it is none of this machine."""
    if not folder.strip():
        raise ValueError("empty; the working folder is .")
    found = _URI.match(folder.lstrip(_AROUND))
    if found is not None and (found[2] or found[1].lower() in _FORMS):
        raise ValueError(
            "customers and products are read from a local folder, such as ./shop; the URL of a "
            "database goes to SALES_DATABASE_URL (--database)"
        )
