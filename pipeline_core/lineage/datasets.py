"""What a run reads and writes, as datasets of OpenLineage's naming."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pyarrow as pa

from pipeline_core.configuration.lineage_target import LineageTarget
from pipeline_core.configuration.places import LATEST, RUNS, is_local, local_path
from pipeline_core.lineage.facts import LineageDataset
from pipeline_core.messages import ArchiveRef, Manifest
from pipeline_core.messages.dimension_source import DATABASE, DimensionSource
from pipeline_core.parquet import read_parquet
from pipeline_core.publication.file_names import REJECTS
from pipeline_core.storage import Storage, open_storage
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.plugins import reports_of

# Archives that are a dataset each; of more, their folders are.
MOST_ARCHIVES = 200
# Of a table whose rows are counted.
_MOST_BYTES = 16 << 20


def inputs_of(
    manifest: Manifest, target: LineageTarget, digests: Mapping[str, str]
) -> tuple[LineageDataset, ...]:
    """Archives and tables of customers and products. ``digests`` are the SHA-256 of archives, by
    their ids, as far as they were found by reading them."""
    archives = [each for each in manifest.archives if each.duplicate_of is None]
    if len(archives) <= MOST_ARCHIVES:
        read = [_archive(manifest.data, each, digests) for each in archives]
    else:
        read = list(_folders(manifest.data, archives, digests))
    tables = {"customers": manifest.customers, "products": manifest.products}
    return (*read, *(_table(name, of, manifest, target) for name, of in tables.items()))


def outputs_of(manifest: Manifest) -> tuple[LineageDataset, ...]:
    """The tables that a run published, by the names under which the newest stand.

    Raises:
        RetryableError: the storage does not answer.
        FileNotFoundError: a file is gone.
    """
    reports, folder = open_storage(manifest.reports), f"{RUNS}/{manifest.run_id}"
    typed = read_parquet(reports.read(f"{folder}/{CATEGORY_SALES.name}.parquet")).schema
    types = {"date": "date32[day]", **{field.name: str(field.type) for field in typed}}
    names = [
        f"{report.name}.csv"
        for report in reports_of(manifest.report_plugins, manifest.options.returns)
        if report.is_published
    ]
    return tuple(_published(reports, manifest, types, name) for name in (*names, REJECTS))


def _published(
    reports: Storage, manifest: Manifest, types: Mapping[str, str], name: str
) -> LineageDataset:
    key = f"{RUNS}/{manifest.run_id}/{name}"
    size = reports.stat(key).size
    rows: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    if size <= _MOST_BYTES:
        records = csv.reader(io.StringIO(reports.read(key).decode(), newline=""))
        columns = tuple((each, types.get(each, str(pa.string()))) for each in next(records, ()))
        rows = sum(1 for _ in records)
    namespace, path = _named(manifest.reports, f"{LATEST}/{name}")
    return LineageDataset(
        namespace=namespace,
        name=path,
        version=manifest.run_id,
        size=size,
        rows=rows,
        columns=columns,
    )


def _archive(place: str, archive: ArchiveRef, digests: Mapping[str, str]) -> LineageDataset:
    namespace, name = _named(place, archive.name)
    return LineageDataset(
        namespace=namespace, name=name, version=_version(archive, digests), size=archive.size
    )


def _folders(
    place: str, archives: Iterable[ArchiveRef], digests: Mapping[str, str]
) -> Iterator[LineageDataset]:
    """One for each folder or, if these are too many as well, one for all; its version is a digest
    of the names and versions in it."""
    within: defaultdict[str, list[ArchiveRef]] = defaultdict(list)
    for each in archives:
        within[str(PurePosixPath(each.name).parent)].append(each)
    if len(within) > MOST_ARCHIVES:
        within = defaultdict(list, {".": [each for many in within.values() for each in many]})
    for folder, held in within.items():
        lines = (f"{each.name} {_version(each, digests)}\n" for each in held)
        namespace, name = _named(place, "" if folder == "." else folder)
        yield LineageDataset(
            namespace=namespace,
            name=name,
            version=f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}",
            size=sum(each.size for each in held),
            files=len(held),
        )


def _version(archive: ArchiveRef, digests: Mapping[str, str]) -> str:
    digest = digests.get(archive.id) or archive.digest
    return f"sha256:{digest}" if digest else archive.version


def _table(
    name: str, source: DimensionSource | None, manifest: Manifest, target: LineageTarget
) -> LineageDataset:
    version = f"sha256:{manifest.dimensions_digest}"
    if source is None:
        return LineageDataset(namespace="sales-pipeline", name=name, version=version)
    columns = tuple((theirs, "string") for theirs in source.columns.values())
    if source.place == DATABASE:
        server, _, database = target.database.rpartition("/")
        namespace = server or "postgres"
        named = ".".join(filter(None, (database, " ".join(source.table.split()))))
    else:
        namespace, named = _named(source.place, source.table)
    return LineageDataset(namespace=namespace, name=named, version=version, columns=columns)


def _named(place: str, key: str) -> tuple[str, str]:
    """The namespace, and the whole name in it."""
    if is_local(place):
        return "file", str((local_path(place) / key).absolute())
    parts = urlsplit(place)
    path = "/".join(filter(None, (parts.path.strip("/"), key)))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", path or "/"
