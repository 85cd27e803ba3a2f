"""Settings that have to be alike on all machines of a fleet, as they are compared."""

from __future__ import annotations

import hashlib
from typing import get_args

from pydantic import SecretStr

from pipeline_core.settings.environment import PREFIX
from pipeline_core.settings.settings import Settings

# What is of one machine, of a person who types a command, or compared by what it leads to.
_OWN = {
    *("engine", "profile", "jobs", "batch_size", "requests", "full"),
    *("data", "reports", "state", "states", "dimensions"),
    *("log_level", "log_format", "heartbeat_file", "metrics_port", "metrics_address"),
    *("beat_schedule_file", "redis_ca", "shutdown_wait", "unfit_look", "worker_wait"),
    *("serve_host", "serve_port", "serve_names"),
    *("flower_url", "flower_user", "flower_read_only", "openlineage_parent"),
}
_DIGITS = 8


def digests(settings: Settings) -> dict[str, str]:
    """Eight hexadecimal digits of each such setting, by its variable; none of what is secret."""
    return {
        f"{PREFIX}{name.upper()}": hashlib.sha256(
            repr(getattr(settings, name)).encode()
        ).hexdigest()[:_DIGITS]
        for name, field in type(settings).model_fields.items()
        if name not in _OWN and not _is_secret(field.annotation)
    }


def _is_secret(annotation: object) -> bool:
    return SecretStr in (annotation, *get_args(annotation))
