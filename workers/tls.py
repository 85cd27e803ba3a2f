"""Connections to Redis by rediss://: who answers is checked."""

from __future__ import annotations

import ssl
from typing import Any

from pipeline_core.settings import Settings


def tls_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of a Redis client for rediss://: certificate and host name must fit."""
    options: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return options | ({"ssl_ca_certs": settings.redis_ca} if settings.redis_ca else {})
