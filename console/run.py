"""``run`` and ``publish``: drive an engine to the outcome, show it, and end with its exit code."""

from __future__ import annotations

import sys

import click

from console.progress import Progress
from console.views import print_outcome
from pipeline_core import pipeline
from pipeline_core.errors import PipelineError
from pipeline_core.logs import configure_logs
from pipeline_core.messages import Manifest, Outcome, to_json
from pipeline_core.pipeline.local import process_all
from pipeline_core.settings import Settings


def run_command(settings: Settings, *, as_json: bool, quiet: bool) -> int:
    """One run from plan to publication; the exit code of CONTRACT: 0, 1 or 3."""
    progress = Progress.on_terminal(quiet=quiet)
    if progress.live or quiet:  # log lines would tear the display
        configure_logs("WARNING", settings.log_format)
    engine = settings.chosen_engine()
    if engine == "celery":
        from console.follow import wait_for_workers

        wait_for_workers(settings)
    with progress:
        progress.planning()
        manifest = pipeline.plan(settings.places(), settings.options(), engine)
        progress.processing(manifest)
        try:
            outcome = _drive(settings, manifest, progress)
        except PipelineError as error:
            pipeline.fail(settings.state, manifest.run_id, error)
            raise
    return _finish(settings, outcome, as_json=as_json, quiet=quiet)


def publish_command(settings: Settings, run_id: str, *, force: bool, as_json: bool) -> int:
    """Publishes from the receipts of an earlier run; the exit code of CONTRACT."""
    outcome = pipeline.publish(settings.state, run_id, allow_incomplete=force)
    return _finish(settings, outcome, as_json=as_json, quiet=as_json)


def _drive(settings: Settings, manifest: Manifest, progress: Progress) -> Outcome:
    if manifest.engine == "celery":
        from console.follow import celery_app, follow
        from workers.dispatch import dispatch

        celery_app(settings)
        dispatch(settings.state, manifest)
        return follow(settings, manifest, progress)
    process_all(settings.state, manifest, settings.machine_profile.jobs, progress.done)
    progress.publishing()
    return pipeline.publish(settings.state, manifest.run_id)


def _finish(settings: Settings, outcome: Outcome, *, as_json: bool, quiet: bool) -> int:
    if as_json and outcome.summary is not None:
        sys.stdout.buffer.write(to_json(outcome.summary))
    elif not quiet:
        print_outcome(settings, outcome)
    if outcome.state != "published":
        verb = "was refused" if outcome.state == "refused" else "failed"
        click.secho(f"Run {outcome.run_id} {verb}: {outcome.reason}", err=True, fg="red", bold=True)
        click.echo(f"  The earlier report stands. {outcome.remedy}", err=True)
    return outcome.exit_code
