"""The places of a run: archives, state, reports, customers and products."""

from __future__ import annotations

from console.doctor.checks import Check
from pipeline_core.configuration.places import LATEST, is_plugin
from pipeline_core.dimensions.columns import some
from pipeline_core.dimensions.plugin import described
from pipeline_core.fitness.reach import try_writing
from pipeline_core.ledger import read_state, unvouched_words
from pipeline_core.places.owner import check_owner
from pipeline_core.planning.archives import find_archives
from pipeline_core.planning.feed_paths import unseen_paths
from pipeline_core.planning.sources import read_dimensions
from pipeline_core.plural import counted
from pipeline_core.price_history.price_lists import load_prices, newest_prices
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage, check_creates, open_archives, open_storage

# A name that is pointed at what was written, and removed again.
_LINK = ".doctor-link"
_NOT_YET = "does not exist yet: the first run makes it, and may"


def check_data(settings: Settings) -> Check:
    """Whether there are archives, all can be read, and paths that settings name are there."""
    data = open_archives(settings.data, follow_links=settings.follow_links)
    found = find_archives(data)
    if found.strays:
        name, what = min(found.strays.items())
        return Check(
            "data",
            "failed",
            f"{counted(len(found.strays), 'archive')} in {data.uri} cannot be read"
            f"{', such as' if len(found.strays) > 1 else ':'} {name}: {what}.",
            "Put the files there, or take the names away.",
        )
    size = sum(file.size for file in found.archives)
    archives = counted(len(found.archives), "archive")
    told = f"{archives}, {counted(size, 'byte')} in {data.uri}"
    names = [file.key for file in found.archives]
    options = settings.options()
    if unseen := unseen_paths(data, names, options.limits, options.feed):
        doubts = " ".join(each.found for each in unseen)
        remedy = "If that is no mistake, all is well; `sales-pipeline inspect` shows what there is."
        return Check("data", "warned", f"{told}. {doubts}", remedy)
    return Check("data", "ok", told)


def check_state(settings: Settings) -> Check:
    """Whether the state storage can be written, and keeps two runs apart."""
    state = read_state(settings.state)
    is_there = try_writing(
        settings.state, "The records of runs", "SALES_STATE", lambda place, _: check_creates(place)
    )
    trusted = (
        "whoever may write there is trusted: SALES_STATE_KEY is not set"
        if settings.state_key is None
        else "its files are vouched for by SALES_STATE_KEY"
    )
    if not is_there:
        return Check("state", "ok", f"{state.uri} {_NOT_YET}; {trusted}")
    found = f"{state.uri} can be written, and keeps two runs apart; {trusted}"
    others = unvouched_words(settings.state)
    return Check("state", "ok", f"{found}.{others}" if others else found)


def check_reports(settings: Settings) -> Check:
    """Whether reports can be published."""
    reports = open_storage(settings.reports)
    check_owner(read_state(settings.state), reports)
    followed: list[str] = []

    def point(_: Storage, name: str) -> None:
        try:
            reports.point(_LINK, name)
            followed.append(reports.followed(_LINK).replace(_LINK, LATEST))
        finally:
            reports.remove(_LINK)
            reports.remove(f"{_LINK}.json")

    if not try_writing(settings.reports, "Reports", "SALES_REPORTS", point):
        return Check("reports", "ok", f"{reports.uri} {_NOT_YET}")
    found = f"{reports.uri} can be written"
    if followed != [LATEST]:
        found += f"; {LATEST}/ is a copy there, and {followed[0]} is what is swapped as a whole"
    return Check("reports", "ok", found)


def check_prices(settings: Settings) -> Check:
    """Whether the price history that is to be kept is there, and sound."""
    prices = newest_prices(read_state(settings.state))
    if settings.price_history != "keep":
        stays = "; what was kept stays, and counts for nothing" if prices is not None else ""
        return Check("prices", "ok", f"those of products as they are, without a history{stays}")
    if prices is None:
        return Check("prices", "ok", "a history is kept from the next run on")
    load_prices(read_state(settings.state), prices)
    rows = counted(prices.file.rows, "row")
    return Check("prices", "ok", f"a history of {rows}, last changed {prices.read_at:%Y-%m-%d}")


def check_dimensions(settings: Settings) -> Check:
    """Whether there are customers and products."""
    snapshot = read_dimensions(settings.places(), settings.feed())
    customers, products = snapshot.customers.num_rows, snapshot.products.num_rows
    rows = f"{counted(customers, 'customer')}, {counted(products, 'product')}"
    found = f"{rows}, prices of {counted(snapshot.scale, 'decimal')}"
    if settings.dimensions is not None and is_plugin(settings.dimensions):
        found += f", by {described(settings.dimensions)}"
    unpriced = snapshot.unpriced
    if customers and products and unpriced:
        verb = "has" if len(unpriced) == 1 else "have"
        named = f"{counted(len(unpriced), 'product')} {verb} no price: {some(unpriced, str)}"
        return Check(
            "dimensions",
            "warned",
            f"{found}; {named}.",
            "A run in which one is bought will fail. Give them a price.",
        )
    if not customers or not products:
        if settings.unknown == "bucket":
            return Check("dimensions", "warned", found + ".", "What they sell or buy is Unknown.")
        return Check(
            "dimensions",
            "failed",
            found + ".",
            "Every purchase would be rejected, and the run refused. Fill them.",
        )
    return Check("dimensions", "ok", found)
