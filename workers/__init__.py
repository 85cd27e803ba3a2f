"""The Celery face: ``celery -A workers worker``, ``beat`` and ``flower``."""
