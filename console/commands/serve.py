"""``serve``: the reports, and the progress of the run under way, for browsers (serving/)."""

from __future__ import annotations

import sys
from typing import Any

import click

from console.garbage_collector import collect_as_usual
from console.options import reports_option, run_settings, state_option


@click.command()
@click.option(
    "--host", "serve_host", metavar="ADDRESS", help="Where to listen [default: 127.0.0.1]."
)
@click.option(
    "--port",
    "serve_port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Port to listen on; 0 is any free one [default: 8080].",
)
@click.option(
    "--names",
    "serve_names",
    metavar="NAMES",
    help="Host names to answer to besides localhost, separated by commas [default: none].",
)
@click.option("--flower-url", metavar="URL", help="Flower's page, to link to [default: none].")
@reports_option
@state_option
def serve_command(**options: Any) -> None:
    """Show the published reports, and the run under way, to browsers. Read-only.

    /latest/ is the newest report, /live the progress of every archive, and /api/progress the same
    as JSON. Without --host, only this machine can look. Names of hosts that are not in --names
    are refused: a web page of elsewhere may point its own name here.
    """
    settings = run_settings(options)
    from console import serving

    collect_as_usual()
    sys.exit(serving.serve_command(settings))
