"""``deliver``: a published run to its destinations, again or for the first time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.display.standard_files import printed_if_possible
from console.display.terminal import print_json
from console.interrupt import terminable
from console.options import json_option, place_options, quiet_option, run_argument, run_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.configuration.destinations import Destination
    from pipeline_core.messages.delivery import Delivery
    from pipeline_core.settings import Settings


@click.command()
@run_argument()
@place_options
@click.option(
    "--to",
    metavar="URL",
    help="Only there, and again if it was; without a login, or as `show` has it, SALES_DELIVER has "
    "it [default: all of SALES_DELIVER].",
)
@json_option
@quiet_option
def deliver_command(
    run_id: str | None, to: str | None, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Send a published run to its destinations, again too (the newest, unless RUN is given).

    Exit 1 if one of them does not have it then. An older run never takes the place of a newer one.
    A mail or a notification that was sent, or may have been, is sent again by --to alone.
    """
    settings = run_settings(options)
    from pipeline_core.ledger import RunLedger, open_state
    from pipeline_core.publication.latest import chosen_run
    from pipeline_core.running.deliveries import deliver_by_hand

    destinations = _chosen(settings, to)
    state = open_state(settings.state)
    ledger = RunLedger(state, chosen_run(state, run_id))
    with terminable():
        found = deliver_by_hand(
            ledger,
            destinations,
            settings.hooks(),
            again=to is not None,
            repeated=settings.destinations(),
        )
    with printed_if_possible(f"`sales-pipeline show {ledger.run_id}` has what was delivered."):
        if as_json:
            print_json(found)
        elif not quiet:
            click.echo(f"Run {ledger.run_id}:")
            _print(found)
    sys.exit(0 if all(each.state == "done" for each in found) else 1)


def _chosen(settings: Settings, to: str | None) -> Sequence[Destination]:
    """Raises ConfigError if there is none."""
    from pipeline_core.errors import ConfigError

    known = settings.destinations()
    if to is None:
        if not known:
            raise ConfigError(
                "There is no destination to deliver to.", "Set SALES_DELIVER, or say --to URL."
            )
        return known
    if shown := [each for each in known if each.shown == to]:
        return shown
    try:
        asked = settings.destinations_of(to)
    except ValueError as error:
        raise ConfigError(f"--to: {error}.", "Correct the option.") from None
    by_id = {each.id: each for each in known}
    return [each if each.has_login else by_id.get(each.id, each) for each in asked]


def _print(found: Sequence[Delivery]) -> None:
    from pipeline_core.running.deliveries import delivery_words
    from pipeline_core.unprintable import plain

    for each in found:
        click.echo(plain(delivery_words(each)))
        if each.remedy:
            click.echo(f"  {plain(each.remedy)}")
