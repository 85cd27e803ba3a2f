"""The newest report: which run it is, and how readers come to see it."""

from __future__ import annotations

from pipeline_core.configuration.places import LATEST, RUNS
from pipeline_core.ledger import (
    RunLedger,
    mark_published,
    newest_published,
    newest_runs,
    nothing_yet,
)
from pipeline_core.load.read_back import damaged_report
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Outcome, to_json
from pipeline_core.places.owner import OWNER, ReportsOwner, other_owner
from pipeline_core.places.standing_report import stands
from pipeline_core.storage import Storage, open_storage
from pipeline_core.storage.pointers import pointer_key, pointer_text
from pipeline_core.storage.tags import is_of_bytes

log = get_logger()

_FOLDER = "published"


def _damaged_words(state: Storage) -> str:
    """A sentence, behind a blank, where records say that runs are published, and none counts."""
    if not state.files(_FOLDER):
        return ""
    return " What stands there as published is damaged, or not vouched for by the key of the state."


def newest_shown(state: Storage) -> str | None:
    """The newest published run, also where the record that it may become `latest` is lost, which
    the log says: how it ended tells. None if there is none."""
    noted = newest_published(state)
    for run_id in newest_runs(state):
        if noted is not None and run_id <= noted:
            break
        outcome = RunLedger(state, run_id).outcome()
        if outcome is not None and outcome.state == "published":
            if outcome.summary is not None and outcome.summary.as_of is not None:
                continue
            again = f"`sales-pipeline rebuild {run_id}` makes it again."
            log.warning("published_record_lost", run_id=run_id, key=_FOLDER, remedy=again)
            return run_id
    return noted


def chosen_run(state: Storage, run_id: str | None) -> str:
    """``run_id``, or the newest published run. Raises ConfigError if there is none."""
    chosen = newest_shown(state) if run_id is None else run_id
    if chosen is None:
        none = f"There is no published run in {state.uri} yet.{_damaged_words(state)}"
        raise nothing_yet(state.uri, none)
    return chosen


def check_stands(state: Storage, manifest: Manifest, outcome: Outcome) -> None:
    """Raises ConfigError if a run is the newest published one, and files of its report are gone,
    or are longer or shorter. Those of older runs may be removed."""
    if manifest.run_id == newest_published(state) and not stands(manifest, outcome):
        raise damaged_report(manifest.run_id)


# Files of the newest report that are beside it, too.
_BESIDE = ("sales_report.csv", "index.html")


def show(state: Storage, manifest: Manifest, reports: Storage | None = None) -> None:
    """Lets a published run become `latest`, unless another state took the reports over. One of a
    time past is neither that, nor the last one that later runs are compared with."""
    if manifest.options.as_of is None:
        mark_published(state, manifest.run_id)
        reports = reports or open_storage(manifest.reports)
        if other_owner(state, reports) is None:
            make_latest(state, reports, manifest.run_id)


def show_after(
    state: Storage, manifest: Manifest, reports: Storage, owner: ReportsOwner, before: str
) -> None:
    """As ``show``, where the reports had the mark of their ``owner``, this state, a while ago, and
    the run ``before`` was the newest. In a far place one list tells that both are so yet."""
    if manifest.options.as_of is not None or not reports.is_far:
        show(state, manifest, reports)
        return
    mark_published(state, manifest.run_id)
    root = reports.files()
    listed = {each.key: each for each in root}
    if not is_of_bytes(listed.get(OWNER), to_json(owner)) and other_owner(state, reports):
        return
    pointer = listed.get(pointer_key(LATEST))
    if is_of_bytes(pointer, pointer_text(_folder(before))) and before < manifest.run_id:
        reports.point(LATEST, _folder(manifest.run_id), _BESIDE, was=_folder(before), root=root)
        if max(manifest.run_id, newest_published(state) or "") == manifest.run_id:
            return
    make_latest(state, reports, manifest.run_id)


def make_latest(state: Storage, reports: Storage, run_id: str) -> None:
    """Points ``latest`` at the newest run that was published.

    Looks after pointing: a later run may have been published in between, and whoever points last
    must see it. Raises ConfigError if its report, or a file of it that is beside it, is gone.
    """
    current = reports.pointed(LATEST)
    newest, shown = run_id, ""
    if current is not None and current > _folder(run_id):
        newest = max(run_id, newest_published(state) or "")
    while newest != shown:
        # Also if it is there already: on an object store its copy may have been cut off.
        if current is None or current <= _folder(newest):
            try:
                reports.point(LATEST, _folder(newest), _BESIDE, was=current or "")
            except FileNotFoundError as error:
                raise damaged_report(newest) from error
            current = _folder(newest)
        newest, shown = max(run_id, newest_published(state) or ""), newest
    if current != _folder(shown):
        for name in _BESIDE:
            reports.point(name, f"{LATEST}/{name}")


def _folder(run_id: str) -> str:
    return f"{RUNS}/{run_id}"
