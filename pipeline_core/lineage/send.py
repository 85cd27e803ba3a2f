"""Sends one event, or asks a server without one, in a process of its own: ``python -m
pipeline_core.lineage.send`` reads a SendOrder from its standard input. Whatever the client or a
server does, it ends with the process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urljoin

import attr
import msgspec
import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    set_producer,
)
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    RunFacet,
    dataset_version_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
)
from openlineage.client.transport import Transport
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport
from urllib3.exceptions import ReadTimeoutError

from pipeline_core.credentials import without_credentials
from pipeline_core.lineage.facts import LineageDataset, LineageFacts, SendOrder, lineage_id

JOB = "sales_report"
_NAME = "sales-pipeline"
_SECONDS = 5.0


def main() -> int:
    """0 once the event is sent; else 1, and the cause is on standard error."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=SendOrder)
    try:
        if order.facts is None:
            _ask(order)
        else:
            OpenLineageClient(transport=_transport(order)).emit(event_of(order.facts))
    except Exception as error:  # whatever it is, it is told to who waits
        said = without_credentials(_cause(error) or str(error) or type(error).__name__)
        print(said.replace(order.key, "***") if order.key else said, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _ask(order: SendOrder) -> None:
    """Asks with the session that events are sent with. Every answer is one, but that the key is
    none: what takes events may have nothing to read."""
    with HttpTransport(_http(order)).session as session:
        login = {"Authorization": f"Bearer {order.key}"} if order.key else {}
        answer = session.get(urljoin(order.url, order.endpoint), headers=login, timeout=_SECONDS)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            answer.raise_for_status()


def _cause(error: BaseException) -> str:
    """What lies below the client's errors, in a few words; empty if none of them says it."""
    below = list(_below(error))
    answers = (each.response for each in below if isinstance(each, requests.HTTPError))
    codes = [f"it answered {answer.status_code}" for answer in answers if answer is not None]
    words = [each.strerror for each in below if isinstance(each, OSError) and each.strerror]
    late = any(
        isinstance(each, (TimeoutError, requests.Timeout, ReadTimeoutError)) for each in below
    )
    silent = [f"it does not answer within {_SECONDS:g} s"] if late else []
    return next(iter((*codes, *words, *silent)), "")


def _below(error: BaseException) -> Iterator[BaseException]:
    yield error
    held = (*error.args, getattr(error, "reason", None), error.__cause__ or error.__context__)
    for each in held:
        if isinstance(each, BaseException):
            yield from _below(each)


def event_of(facts: LineageFacts) -> RunEvent:
    """The event as the client has it."""
    set_producer(f"urn:{_NAME}:{_version()}")
    when = facts.at.isoformat()
    facets: dict[str, RunFacet] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version=_version(), name=" ".join(filter(None, (_NAME, facts.engine)))
        )
    }
    if facts.due is not None:
        facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(facts.due.isoformat())
    if facts.parent is not None:
        namespace, name, run_id = facts.parent
        facets["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(run_id), job=parent_run.Job(namespace, name)
        )
    if facts.error:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(facts.error, "PYTHON")
    kind = job_type_job.JobTypeJobFacet("BATCH", "SALES_PIPELINE", "JOB")
    return RunEvent(
        eventTime=when,
        eventType=RunState[facts.event],
        run=Run(lineage_id(facts.run_id), facets),
        job=Job(facts.namespace, JOB, {"jobType": kind}),
        inputs=[_input(each) for each in facts.inputs],
        outputs=[_output(each) for each in facts.outputs],
        producer=f"urn:{_NAME}:{_version()}",
    )


def _input(of: LineageDataset) -> InputDataset:
    read: dict[str, InputDatasetFacet] = {}
    if of.size is not None:
        read["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
            size=of.size, fileCount=of.files or 1
        )
    return InputDataset(of.namespace, of.name, inputFacets=read, facets=_facets(of))


def _output(of: LineageDataset) -> OutputDataset:
    written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=of.rows, size=of.size
    )
    return OutputDataset(
        of.namespace, of.name, outputFacets={"outputStatistics": written}, facets=_facets(of)
    )


def _facets(of: LineageDataset) -> dict[str, DatasetFacet]:
    found: dict[str, DatasetFacet] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(of.version)
    }
    if of.columns:
        found["schema"] = schema_dataset.SchemaDatasetFacet(
            [schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in of.columns]
        )
    return found


def _transport(order: SendOrder) -> Transport:
    if order.path:
        return FileTransport(FileConfig(order.path, append=True))
    return HttpTransport(_http(order))


def _http(order: SendOrder) -> HttpConfig:
    config = HttpConfig(
        order.url, order.endpoint, timeout=_SECONDS, retry={"total": 1, "allowed_methods": ["POST"]}
    )
    if order.key:
        config = attr.evolve(config, auth=ApiKeyTokenProvider({"apiKey": order.key}))
    return config


def _version() -> str:
    try:
        return version(_NAME)
    except PackageNotFoundError:  # a clone that nobody installed
        return "0"


if __name__ == "__main__":
    sys.exit(main())
