"""The process in which Apprise runs: what it is asked comes on standard input, what came of it goes
to standard output, both as JSON.

Apprise itself says of a failure that it is one. Nearly all services are spoken to by requests, so
that what became of each request is noted there: a refusal is told from a server that did not
answer, and both from a request that was sent and not answered.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import Any

import msgspec

from pipeline_core.delivery.apprise_messages import ServiceAnswer, ServiceRequest

_SECONDS = 40
_CONNECT_SECONDS = 10
_GOOD = range(200, 300)
_MOVED = range(300, 400)
# Whoever says so has not done it; gateways do not know.
_BUSY, _UNKNOWN = {408, 425, 429, 500, 503}, {502, 504}
_PORTS = {True: 443, False: 80}
# What became of each request: its status; silent if it was not sent, unknown if it may have been.
Noted = list[int | str]


def _note_requests() -> Noted:
    """What becomes of each request from now on."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

    noted: Noted = []

    def was_not_sent(error: requests.RequestException) -> bool:
        """Whether there was no connection to send it on."""
        cause = error.args[0] if error.args else None
        reason = getattr(cause, "reason", cause)
        return isinstance(reason, (NewConnectionError, ConnectTimeoutError, SSLError))

    class Noting(HTTPAdapter):
        def send(self, *args: Any, **options: Any) -> Any:
            try:
                response = super().send(*args, **options)
            except requests.RequestException as error:
                noted.append("silent" if was_not_sent(error) else "unknown")
                raise
            noted.append(response.status_code)
            return response

    requests.sessions.HTTPAdapter = Noting  # type: ignore[attr-defined]
    return noted


def _answered(asked: ServiceRequest) -> ServiceAnswer:
    import apprise  # an extra, and none of the process that imports this module

    noted = _note_requests()
    # A redirection would make a GET of it, which sends nothing and goes well.
    asset = apprise.AppriseAsset(async_mode=False, http_redirects=False, app_id="sales-pipeline")
    service = apprise.Apprise.instantiate(asked.url, asset=asset)
    if service is None:
        return ServiceAnswer("no_service")
    if not asked.title:
        return _looked_at(service)
    sender = apprise.Apprise([service], asset=asset)
    result = sender.notify(body=asked.text, title=asked.title, body_format="text", timeout=_SECONDS)
    return _fate(bool(result), noted)


def _fate(is_well: bool, noted: Noted) -> ServiceAnswer:
    last = noted[-1] if noted else None
    if is_well and last not in _MOVED:
        return ServiceAnswer("sent")
    if "unknown" in noted or any(each in _UNKNOWN for each in noted):
        return ServiceAnswer("unknown", "it was sent, and not answered")
    if last is None:
        return ServiceAnswer("unknown", "Apprise says that it failed, and not why")
    if any(each in _GOOD for each in noted):
        return ServiceAnswer("unknown", "some of what was sent is taken, and some is not")
    if last == "silent":
        return ServiceAnswer("silent")
    return ServiceAnswer("busy" if last in _BUSY else "refused", f"it answers {last}")


def _looked_at(service: Any) -> ServiceAnswer:
    """Of a service on a server of one's own: whether that takes connections."""
    name = f"Apprise knows the service ({service.service_name})"
    host = service.host if "host" in service.template_tokens else None
    if not host:
        return ServiceAnswer("looked_at", f"{name}; nothing was sent")
    port = service.port or _PORTS[bool(service.secure)]
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return ServiceAnswer("looked_at", f"{name}, and its server answers; nothing was sent")
    except OSError as error:
        return ServiceAnswer("silent", error.strerror or type(error).__name__)


def main() -> None:
    """Answers what it is asked, and ends at once: what goes on in threads is of no use then."""
    logging.disable(logging.CRITICAL)
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=ServiceRequest)
    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    answer.write(msgspec.json.encode(_answered(asked)))
    answer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
