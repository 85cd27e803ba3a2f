"""The ``sales-pipeline`` command. ``sales-pipeline X`` is in commands/X.py, imported if called."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import NoReturn

import click

from console import PROGRAM
from console.display.standard_files import open_closed_ones
from console.display.terminal import colour
from console.exit_codes import run_to_the_end
from console.garbage_collector import collect_seldom
from console.interrupt import hear_every_stop
from pipeline_core.machine.imports import lean_process
from pipeline_core.machine.standard_streams import (
    lose_what_cannot_be_written,
    print_while_somebody_reads,
)

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

# The first sentence of each one's help: a list of them imports none.
COMMANDS = {
    "backfill": "Make the runs `--as-of` each date of a range that are not there yet, "
    "newest date first.",
    "completion": "Print what makes a shell complete commands, options and run ids.",
    "deliver": "Send a published run to its destinations, again too "
    "(the newest, unless RUN is given).",
    "demo": "Run the whole job on sample archives with real, throw-away servers and workers.",
    "diff": "Show what changed in the report from one published run to another, and why.",
    "doctor": "Check settings, storage, database, broker, workers and clock; exit 1 if one fails.",
    "explain": "Show what a figure of the report is made of, down to the events.",
    "gc": "Remove extracts, partials and rejects that no later run can use, and old records.",
    "inspect": "Look into an archive and the tables, and propose the settings that would count "
    "most.",
    "plan": "Show what a run would read, without running it.",
    "prices": "Show the price history that SALES_PRICE_HISTORY=keep makes.",
    "publish": "Publish a run that was refused, without reading anything again.",
    "rebuild": "Compute a past run's reports again, and publish anew what is missing or damaged.",
    "recover": "Look for a run that stopped moving, and give it what it misses.",
    "rejects": "Show what a run left out, event by event (the newest run, unless RUN is given).",
    "report": "Print the sales report of a month, a year or a range of dates, both included.",
    "resume": "Go on with a run that stopped or failed; what is done is not done again.",
    "run": "Plan, process every archive, and publish the reports.",
    "runs": "List the runs, newest first; below them, starts that failed before they were planned.",
    "serve": "Show the published reports, and the run under way, to browsers.",
    "show": "Show one run's figures, rejects and timings (the newest run, unless RUN is given).",
    "verify": "Check a published run by counting its archives again "
    "(the newest, unless RUN is given).",
}


def command_of(name: str) -> click.Command:
    """The command of this name, imported."""
    module = import_module(f"console.commands.{name}")
    command: click.Command = getattr(module, f"{name}_command")
    return command


class LazyGroup(click.Group):
    """Has a stub with the first line of help for each command, and imports the one that is called.
    Says which command a mistyped one was probably meant to be."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            name, _, rest = super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean {close[0]!r}?", ctx) from None
        return name, None if name is None else command_of(name), rest


@click.group(
    cls=LazyGroup,
    commands=[click.Command(name, help=line) for name, line in COMMANDS.items()],
    context_settings=_CONTEXT,
    epilog="Exit codes: 0 published and complete; 1 failed or refused, the earlier report "
    "stands; 2 wrong usage or settings; 3 published, incomplete.",
)
@click.version_option(package_name="sales-pipeline")
def cli() -> None:
    """Turns a shop's event archives into a sales report that a finance team would sign.

    Places, servers and how a run works are also settings, SALES_<OPTION>, read from the
    environment or from .env; .env.example has them all. An option wins over its setting.
    """


def main() -> NoReturn:
    """Entry point: every error ends as one clear text on stderr, with an exit code."""
    open_closed_ones()
    lose_what_cannot_be_written("stderr")
    print_while_somebody_reads()
    collect_seldom()
    lean_process()
    hear_every_stop()
    try:
        run_to_the_end(lambda: cli(prog_name=PROGRAM, standalone_mode=False, color=colour()))
    finally:
        gc.freeze()  # Python would look twice through all that is imported for what is to go


if __name__ == "__main__":
    main()
