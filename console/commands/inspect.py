"""``inspect``: what an archive and the tables hold, and the settings that would count most."""

from __future__ import annotations

import sys
from typing import Any

import click

from console.display.terminal import note, print_json
from console.options import dimension_options, json_option, run_settings


@click.command()
@click.option("--data", metavar="URI", help="Folder of the archives [default: data].")
@dimension_options
@click.option(
    "--archive",
    metavar="NAME",
    help="The archive to open [default: the newest, by the date or the number in its name].",
)
@json_option
@click.option(
    "--env",
    "as_env",
    is_flag=True,
    help="The proposed settings as lines for .env and nothing else; notes go to stderr.",
)
def inspect_command(archive: str | None, as_json: bool, as_env: bool, **options: Any) -> None:
    """Look into an archive and the tables, and propose the settings that would count most.

    Opens one archive and reads the beginnings of some of its parts, and the tables of customers
    and products. Writes nothing. --env prints lines to put into .env, and ends
    with exit code 1 if nothing would count by them.
    """
    if as_json and as_env:
        raise click.UsageError("--json and --env both say what is printed. Leave one of them out.")
    settings = run_settings(options)
    from console.display.inspection import print_inspection, print_lines
    from pipeline_core.inspection.inspect import inspect

    found = inspect(settings.places(), settings.options(), archive)
    if options["database_url"]:
        note("Set SALES_DATABASE_URL, too: it may hold a password, and is in no line.")
    if as_json:
        print_json(found)
    elif as_env:
        print_lines(found)
        sys.exit(0 if found.counts else 1)
    else:
        print_inspection(found)
