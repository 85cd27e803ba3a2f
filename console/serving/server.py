"""The server: one process and one loop, so that a slow client holds up nobody."""

from __future__ import annotations

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from console.display.standard_files import printed_if_possible
from console.serving.connection_limit import ConnectionLimit
from console.serving.connections import BoundedServer, most_connections
from console.serving.handlers import (
    ArchivesJson,
    Asset,
    Handler,
    Health,
    Live,
    MetricsText,
    ProgressJson,
    Served,
    Start,
)
from console.serving.log_limit import LogLimit
from console.serving.metrics import MetricsCache
from console.serving.outlook import outlook_of
from console.serving.oversized_requests import MOST_HEADER_BYTES
from console.serving.progress_cache import ProgressCache
from console.serving.report_file import ReportFile
from console.serving.runs import PublishedRuns
from console.serving.served_hosts import hosts_of, is_loopback
from console.serving.targets import read_target
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import open_state
from pipeline_core.logs import get_logger
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage

log = get_logger()

_MOST_BODY_BYTES = 1024
_IDLE_SECONDS = 30
_THREADS = 8


def serve_command(settings: Settings) -> int:
    """Serves until it is told to stop, which is no failure.

    Raises:
        ConfigError: the address cannot be had.
    """
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    host, port = settings.serve_host, settings.serve_port
    reports = open_storage(settings.reports)
    with ThreadPoolExecutor(_THREADS) as threads:
        state = open_state(settings.state)
        progress = ProgressCache(state, threads, outlook_of(settings))
        served = Served(
            reports=reports,
            runs=PublishedRuns(reports),
            progress_cache=progress,
            metrics_cache=MetricsCache(state, progress, threads),
            threads=threads,
            flower_url=settings.flower_url,
            hosts=hosts_of(host, settings.serve_names),
            log_limit=LogLimit(),
            seats=ConnectionLimit(most_connections()),
        )
        try:
            sockets = bind_sockets(port, host)
        except OSError as error:
            raise ConfigError(
                f"Cannot listen on port {port} of {host}: {error.strerror or error}.",
                "--host and --port choose others; port 0 is any free one.",
            ) from error
        server = BoundedServer(
            application(served),
            seats=served.seats,
            max_header_size=MOST_HEADER_BYTES,
            max_body_size=_MOST_BODY_BYTES,
            idle_connection_timeout=_IDLE_SECONDS,
            body_timeout=_IDLE_SECONDS,
        )
        # A line for each request that is none.
        logging.getLogger("tornado.general").setLevel(logging.WARNING)
        server.add_sockets(sockets)
        told_to_stop = _stop_signals()
        _announce(served, host, sockets[0].getsockname()[1])
        await told_to_stop.wait()
        await server.end()


def application(served: Served) -> Application:
    """Addresses and what answers them."""
    handlers = [
        (r"/", Start),
        (r"/(?:index\.html|latest)", Start),
        (r"/live", Live),
        (r"/(live\.css|live\.js)", Asset),
        (r"/api/progress", ProgressJson),
        (r"/api/archives", ArchivesJson),
        (r"/metrics", MetricsText),
        (r"/healthz", Health),
        (r"/((?:latest|runs)/.*)", ReportFile),
    ]
    shared = {"served": served}
    return _Site(
        [(pattern, handler, shared) for pattern, handler in handlers],
        default_handler_class=Handler,
        default_handler_args=shared,
        log_function=_log,
    )


class _Site(Application):
    """Finds what answers an address, in whichever form a request has it."""

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        read_target(request)
        return super().find_handler(request, **options)


def _announce(served: Served, host: str, port: int) -> None:
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with printed_if_possible(f"{address}/ is served all the same."):
        click.echo(f"Reports of {served.reports.uri}: {address}/")
        click.echo(f"The run under way: {address}/live")
        click.echo("Read-only. Ctrl-C stops it.")
    if not is_loopback(host):
        log.warning(
            "served_to_others",
            address=host,
            what="whoever reaches this port reads the reports",
            answers_to=f"IP addresses, {', '.join(sorted(served.hosts.known))}",
            remedy="SALES_SERVE_NAMES says which other names a browser may use.",
        )


def _stop_signals() -> asyncio.Event:
    """Set by Ctrl-C and by SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, told.set)
    return told


def _log(handler: RequestHandler) -> None:
    log.debug("answered", status=handler.get_status(), path=repr(handler.request.path))
