"""Three thin tasks and the answer to a failure; the work is in ``pipeline_core.pipeline``."""

from __future__ import annotations

from typing import Any

from celery import Task

from pipeline_core import pipeline
from pipeline_core.errors import RetryableError
from pipeline_core.settings import load_settings
from workers.celery import app
from workers.config import FAIL_RUN, PROCESS_ARCHIVE, PUBLISH_RUN, START_RUN
from workers.dispatch import dispatch


class PipelineTask(Task):  # type: ignore[misc]
    """What every task shares: transient errors are tried again, later and later."""

    autoretry_for = (RetryableError,)
    max_retries = 5
    retry_backoff = 5
    retry_backoff_max = 300
    retry_jitter = True


@app.task(name=START_RUN, base=PipelineTask)
def start_run() -> str:
    """Coordinator: plans a run of the configured places and fans it out; returns its id."""
    settings = load_settings()
    manifest = pipeline.plan(settings.places(), settings.options(), "celery")
    dispatch(settings.state, manifest)
    return manifest.run_id


@app.task(name=PROCESS_ARCHIVE, base=PipelineTask)
def process_archive(state: str, run_id: str, archive: str) -> str:
    """Chord header, one message an archive. The result is only a name: receipts are the truth."""
    pipeline.process(state, run_id, archive)
    return archive


@app.task(name=PUBLISH_RUN, base=PipelineTask)
def publish_run(_archives: list[str], state: str, run_id: str) -> str:
    """Chord callback; returns how the run ended."""
    return pipeline.publish(state, run_id).state


@app.task(name=FAIL_RUN)
def fail_run(_request: Any, error: BaseException, _traceback: Any, state: str, run_id: str) -> None:
    """Errback of the chord: the run ends, and its record says why."""
    pipeline.fail(state, run_id, error)
