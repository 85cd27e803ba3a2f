"""The Celery face: ``celery -A workers worker``, ``beat`` and ``flower``."""

from pipeline_core.machine.imports import lean_process

lean_process()  # an entry point: Celery imports this first
