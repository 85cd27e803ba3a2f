"""``doctor``: one line for each thing a run needs, with the remedy where it is missing."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import click

from console.options import (
    broker_options,
    dimension_options,
    duration,
    json_option,
    place_options,
    run_settings,
)


@click.command()
@place_options
@dimension_options
@broker_options
@json_option
@click.option("--live", is_flag=True, help="Only: does a worker of this machine live?")
@click.option(
    "--fresh",
    metavar="AGE",
    callback=duration,
    help="Only: is the newest report at most so old, such as 26h (s, m, h or d)?",
)
def doctor_command(as_json: bool, live: bool, fresh: timedelta | None, **options: Any) -> None:
    """Check settings, storage, database, broker, workers and clock; exit 1 if one fails."""
    from console.doctor import health
    from console.doctor.checks import print_checks

    settings = run_settings(options)
    found = [health.check_worker_lives(settings)] if live else []
    found += [health.check_report_age(settings, fresh)] if fresh is not None else []
    if not found:
        from console.doctor.examine import run_checks

        found = run_checks(settings)
    sys.exit(print_checks(found, as_json=as_json))
