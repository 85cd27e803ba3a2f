"""Fans a planned run out as a chord: one message an archive, then the publication."""

from __future__ import annotations

from celery import chord

from pipeline_core.messages import Manifest
from pipeline_core.storage import absolute_uri
from workers.celery import app
from workers.config import FAIL_RUN, PROCESS_ARCHIVE, PUBLISH_RUN


def dispatch(state: str, manifest: Manifest) -> None:
    """Sends the run to the workers, archives largest first. Messages carry names only."""
    place, run_id = absolute_uri(state), manifest.run_id
    failure = app.signature(FAIL_RUN, args=(place, run_id))
    publication = app.signature(PUBLISH_RUN, args=(place, run_id)).on_error(failure)
    header = [
        app.signature(PROCESS_ARCHIVE, args=(place, run_id, archive.id))
        for archive in manifest.to_process()
    ]
    if header:
        chord(header, app=app)(publication)
    else:
        publication.delay([])
