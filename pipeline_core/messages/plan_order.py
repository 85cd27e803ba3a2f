"""What a plan is asked for."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from pipeline_core.configuration.places import Places
from pipeline_core.messages.options import Options, Policy, Reuse


class Order(Struct, frozen=True, kw_only=True):
    """One run that is to be planned. It stays in its process: a place may hold a password."""

    run_id: str
    """The run's id."""
    places: Places
    """Where it reads and writes."""
    options: Options = Options()
    """What decides the figures."""
    policy: Policy = Policy()
    """When the dead are taken for dead."""
    engine: str = "local"
    """What is to process the archives: local or celery."""
    processes: Callable[[], int] = lambda: 1
    """Number of processes that there are; an archive for which some would wait is cut into shares.
    Asked only if the run is not planned yet."""
    reuse: Reuse = Reuse()
    """What the run uses of earlier ones, and keeps for later ones."""
    price_history: str | None = None
    """The time zone by whose days the price history is dated; None keeps none."""
    report_plugins: tuple[str, ...] = ()
    """Names of the reports that plug-ins are to add."""
