"""Flower as it is started from here: it looks, asks for a password, and forgets who is gone."""

from __future__ import annotations

from pipeline_core.settings import Settings

_FORGOTTEN_SECONDS = 600


def flower_environment(settings: Settings) -> dict[str, str]:
    """Flower's options as it reads them from the environment: loopback, look but don't touch,
    and a password."""
    options = {
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_READ_ONLY": str(settings.flower_read_only).lower(),
        # A worker that starts again has another name.
        "FLOWER_PURGE_OFFLINE_WORKERS": str(_FORGOTTEN_SECONDS),
    }
    if settings.flower_password is not None:
        password = settings.flower_password.get_secret_value()
        options["FLOWER_BASIC_AUTH"] = f"{settings.flower_user}:{password}"
    return options
