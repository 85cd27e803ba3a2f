"""How often an object store is asked: each request takes a round trip, and is paid for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

import console.follow
from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.kept import extract_names, extract_reader
from pipeline_core.ledger import RunLedger, heartbeat, lease, open_state, unvouched_words
from pipeline_core.ledger.heartbeat import extend_lease, note_lease_until
from pipeline_core.messages import Dispatch, Manifest, Outcome
from pipeline_core.notify.hooks import NOBODY
from pipeline_core.publication import verdict
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell, Explanation
from pipeline_core.running.gc import collect_garbage
from pipeline_core.running.local import process_outstanding
from pipeline_core.running.lock import acquire_run_lock
from pipeline_core.running.notifications import notify_of_outcome
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, archive_zip, day_zip, write_shop
from tests.support.gateway import Gateway, gateway
from tests.support.run import note_attempt, sales
from tests.support.s3 import use_endpoint
from workers.sending import end_of_run
from workers.sending.end_of_run import EndOfRun

DAYS = 7
_PLACE = re.compile("/(data|reports|state)/")
_KEY = re.compile("/((reports|state)/.*?)/?$")


@pytest.fixture
def store(s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """All that is asked of the bucket comes by here."""
    with gateway(s3_endpoint) as before:
        use_endpoint(monkeypatch, before.endpoint)
        yield before


class Bucket:
    """A shop of so many weeks with everything in a bucket."""

    def __init__(self, store: Gateway, uri: str, folder: Path, weeks: int) -> None:
        self._store, self.uri = store, uri
        archives = {f"week_{n:02}.zip": _week(n) for n in range(weeks)}
        self.shop: Shop = write_shop(folder, archives)
        for path in self.shop.data.iterdir():
            open_storage(f"{uri}/data").store_file(path.name, path)

    @property
    def state(self) -> str:
        return f"{self.uri}/state"

    def add_week(self, number: int) -> None:
        open_storage(f"{self.uri}/data").write(f"week_{number:02}.zip", _week(number))

    def plan(self, run_id: str, engine: str = "local", new: RunLedger | None = None) -> Manifest:
        places = Places(
            f"{self.uri}/data", f"{self.uri}/reports", self.state, str(self.shop.dimensions), ""
        )
        return pipeline.plan(pipeline.Order(run_id=run_id, places=places, engine=engine), new)

    def keys_asked(self, work: Callable[[], object]) -> list[str]:
        """Method and key of each, within the state and the reports; LIST of a folder."""
        before = len(self._store.asked)
        work()
        return [
            f"{'LIST' if '?' in path else each.method} {key[1]}"
            for each in self._store.asked[before:]
            if (key := _KEY.search(path := unquote(each.path)))
        ]

    def process(self, run_id: str) -> None:
        lease.acquire(open_state(self.state), run_id, "elsewhere:1", 600)
        process_outstanding(self.state, self.plan(run_id), 1)

    def run(self, run_id: str) -> Outcome:
        self.process(run_id)
        outcome = pipeline.publish(self.state, run_id)
        assert outcome.state == "published"
        return outcome

    def asked(self, work: Callable[[], object]) -> Counter[str]:
        """How often, by method and place."""
        before = len(self._store.asked)
        work()
        return Counter(
            f"{each.method} {place[1] if (place := _PLACE.search(each.path)) else 'list'}"
            for each in self._store.asked[before:]
        )


def _week(number: int) -> bytes:
    return archive_zip(
        {
            f"2024-{1 + number % 12:02}-0{day}.zip": day_zip(
                {"a.json": sales(1 + number, of=f"{day}" * (1 + number))}
            )
            for day in range(1, 1 + DAYS)
        }
    )


@pytest.fixture
def few(store: Gateway, s3: str, tmp_path: Path) -> Bucket:
    return Bucket(store, f"{s3}/few", tmp_path / "few", 3)


@pytest.fixture
def more(store: Gateway, s3: str, tmp_path: Path) -> Bucket:
    return Bucket(store, f"{s3}/more", tmp_path / "more", 8)


def test_the_longest_chain_of_a_plan_does_not_grow_with_the_archives(
    store: Gateway, few: Bucket, more: Bucket
) -> None:
    """Requests that wait for each other's answers: what many take is the time of these."""
    chains = []
    store.delay = 0.2  # long beside what a busy machine takes to send them all
    for each in (few, more):
        store.times.clear()
        each.plan("1")
        chains.append(store.longest_chain())
    assert chains[1] < chains[0] + 4  # and five archives more
    assert chains[0] <= 13


def test_that_nothing_is_under_a_key_is_looked_for_once(few: Bucket) -> None:
    assert few.asked(lambda: (unvouched_words(few.state), open_state(few.state))).total() == 1


def test_an_archive_is_planned_by_one_request(more: Bucket) -> None:
    asked = more.asked(lambda: more.plan("1"))
    assert asked["GET data"] == 8
    assert asked["HEAD data"] == 0


def test_a_further_archive_takes_few_requests(few: Bucket, more: Bucket) -> None:
    """Directory, attempt, archive, its extracts, and the result, which the engine reads to see that
    all is done, and publication to publish it; some together, what is merged of neighbours."""
    first, second = (each.asked(partial(each.run, "1")) for each in (few, more))
    assert (second.total() - first.total()) / 5 < 8
    assert (second["PUT state"] - first["PUT state"]) / 5 < 4, "attempt, extracts, result"
    assert (second["GET state"] - first["GET state"]) / 5 <= 2, "nothing that cannot be there"


def test_attempts_that_are_over_are_removed_by_two_requests(few: Bucket, more: Bucket) -> None:
    """A list, and a batch: so many at once, whatever their number."""
    for each in (few, more):
        each.process("1")
        asked = each.keys_asked(partial(pipeline.publish, each.state, "1"))
        assert asked.count("LIST state/runs/1/attempts") == 1
        assert not [key for key in asked if key.startswith("DELETE")]
        assert not open_storage(each.state).files("runs/1/attempts")


def test_extracts_of_all_days_are_read_by_one_request_an_archive(few: Bucket, more: Bucket) -> None:
    asked = []
    for each in (few, more):
        each.run("1")
        ledger = RunLedger(open_state(each.state), "1")
        asked.append(each.asked(partial(explain, ledger, Cell("Office", "Retail", None), 3)))
    first, second = asked
    assert second["list"] == first["list"]
    assert second["GET state"] - first["GET state"] == 5 * 3, "the result, twice, and the extracts"
    assert second["HEAD state"] == first["HEAD state"]


@pytest.mark.parametrize(("first_bytes", "requests"), [(64 << 10, 1), (1000, 2)])
def test_extracts_of_a_day_are_read_without_the_others(
    few: Bucket, monkeypatch: pytest.MonkeyPatch, first_bytes: int, requests: int
) -> None:
    """A stretch has the list, and all of a small file; another one the day."""
    few.run("1")
    ledger = RunLedger(open_state(few.state), "1")
    monkeypatch.setattr(extract_reader, "_FIRST_BYTES", first_bytes)
    there, nowhere = (Cell("Office", "Retail", date(2024, month, 3)) for month in (2, 9))
    asked = few.asked(lambda: explain(ledger, there, 3))
    without = few.asked(lambda: explain(ledger, nowhere, 3))
    assert asked["GET state"] - without["GET state"] == requests
    assert explain(ledger, there, 3).events > 0


def test_of_very_many_extracts_those_of_the_archive_are_listed(
    few: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    few.run("1")
    monkeypatch.setattr(extract_names, "_MOST_LISTED", 2)
    ledger = RunLedger(open_state(few.state), "1")
    for path in few.shop.data.iterdir():
        open_storage(f"{few.uri}/data").remove(path.name)
    found: list[Explanation] = []
    asked = few.asked(lambda: found.append(explain(ledger, Cell("Office", "Retail", None), 3)))
    assert found[0].events == 3 * DAYS
    assert asked["list"] <= 1 + 3 + 1


def test_a_run_with_nothing_new_takes_no_more_with_more_archives(few: Bucket, more: Bucket) -> None:
    for each in (few, more):
        each.run("1")
    first, second = (each.asked(partial(each.run, "2")) for each in (few, more))
    assert second.total() - first.total() <= 5, "the results behind the last block that is kept"
    assert second.total() <= 49
    assert second["GET data"] + second["HEAD data"] == 0


def test_a_run_with_nothing_new_takes_no_more_behind_many_others_at_another_time(
    few: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each publishes a day after the one before."""
    asked = []
    for day in range(1, 10):
        now = datetime.now(UTC) + timedelta(days=day, minutes=day)
        monkeypatch.setattr(verdict, "datetime", SimpleNamespace(now=lambda _, now=now: now))
        asked.append(few.asked(partial(few.run, f"{day}")).total())
    assert asked[-1] == asked[2]
    assert asked[-1] <= 48, "and 11 of the command and what it sends: 59"
    reports = open_storage(f"{few.uri}/reports")
    page = reports.read("latest/index.html").decode()
    links = re.findall(r'href="../(\d)/index.html">20', page)
    assert links == [*"87654321"], "the history"
    assert reports.read("latest/by_category/Office.html").count(b"Days from 2024-01-01 to") == 1


def test_what_all_archives_are_together_is_one_file_to_read(few: Bucket) -> None:
    few.run("1")
    state = open_state(few.state)
    assert collect_garbage(state, keep_runs=1).merged == 0
    asked = few.keys_asked(partial(few.run, "2"))
    assert not [each for each in asked if "/receipts/" in each and each.startswith("GET")]
    assert len([each for each in asked if "state/kept/merged" in each]) == 1
    few.add_week(20)
    few.run("3")
    assert collect_garbage(state, keep_runs=1).merged == 1, "what all were before"


def test_who_publishes_asks_for_nothing_twice(few: Bucket) -> None:
    """But for what must be looked at again: whether the run was given up while its reports were
    made, whether another state took the reports over, which a list says with all else, and whether
    a later run was published."""
    few.run("1")
    few.process("2")
    asked = few.keys_asked(lambda: pipeline.publish(few.state, "2"))
    twice = {each for each, count in Counter(asked).items() if count > 1}
    assert twice == {"LIST state/published"}
    assert asked.count("GET state/runs/2/verdict.json") == 1


def test_what_readers_have_already_is_not_copied_again(few: Bucket) -> None:
    few.run("1")
    few.process("2")
    asked = few.keys_asked(lambda: pipeline.publish(few.state, "2"))
    assert [each for each in asked if re.match("PUT reports/(latest/)?[^/]*$", each)] == [
        "PUT reports/latest.json",
        "PUT reports/latest/index.html",
        "PUT reports/latest/summary.json",
        "PUT reports/index.html",
    ]
    reports = open_storage(f"{few.uri}/reports")
    report = reports.read("sales_report.csv")
    for name in ("sales_report.csv", "latest/sales_report.csv"):
        reports.write(name, b"damaged")
    reports.write("index.html.json", b"{}")
    few.run("3")
    for name in ("sales_report.csv", "latest/sales_report.csv"):
        assert reports.read(name) == report
    assert reports.pointed("index.html") == "latest/index.html"


def test_what_all_archives_are_together_is_merged_again_if_it_is_damaged(few: Bucket) -> None:
    few.run("1")
    reports, state = open_storage(f"{few.uri}/reports"), open_state(few.state)
    (merged,) = state.files("kept/merged")
    data = state.read(merged.key)
    state.write(merged.key, data[:-1] + bytes([data[-1] ^ 1]))
    few.run("2")
    assert state.read(merged.key) == data
    assert reports.read("runs/2/daily_sales.csv") == reports.read("runs/1/daily_sales.csv")


def test_archives_of_one_size_are_fetched_only_if_their_directories_are_alike(
    store: Gateway, s3: str, tmp_path: Path
) -> None:
    """The same bytes under another name, and others of the same length."""
    bucket = Bucket(store, s3, tmp_path, 1)
    data = open_storage(f"{s3}/data")
    week = data.read("week_00.zip")
    data.write("copy.zip", week)
    data.write("other.zip", archive_zip({"2024-03-01.zip": day_zip({"a.json": sales(5)})}))
    longer = len(week) - len(data.read("other.zip"))
    data.write(
        "other.zip", data.read("other.zip")[:-2] + longer.to_bytes(2, "little") + bytes(longer)
    )
    found: list[Manifest] = []
    asked = bucket.asked(lambda: found.append(bucket.plan("1")))
    assert [each.duplicate_of for each in found[0].archives] == [None, None, "copy.zip"]
    assert len({each.size for each in found[0].archives}) == 1
    assert asked["GET data"] == 3 + 2


def test_a_quiet_minute_of_the_reconciler_takes_two_requests(
    few: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.reconciler import reconcile

    few.run("20240301T030000000000Z-000001")
    state = open_state(few.state)
    for name in ("data", "reports", "state"):
        monkeypatch.setenv(f"SALES_{name.upper()}", f"{few.uri}/{name}")
    settings = load_settings()
    reconcile(settings)
    assert few.asked(lambda: reconcile(settings)).total() == 2
    few.run("20240302T030000000000Z-000002")
    assert few.asked(lambda: reconcile(settings)).total() > 2, "it looks at what is new"
    assert RunLedger(state, "20240302T030000000000Z-000002").is_notified()
    assert few.asked(lambda: reconcile(settings)).total() == 2


def test_the_lock_behind_a_run_that_ended_takes_four_requests_and_is_known_to_hold(
    few: Bucket,
) -> None:
    few.run("1")
    ledger = RunLedger(open_state(few.state), "2")
    assert few.asked(lambda: acquire_run_lock(ledger, 600)).total() == 4
    assert few.asked(lambda: extend_lease(ledger, 600, 2 / 3)).total() == 0


def test_a_worker_knows_from_the_plan_how_long_the_lock_holds(few: Bucket) -> None:
    ledger = RunLedger(open_state(few.state), "1")
    acquire_run_lock(ledger, 600)
    few.plan("1")
    manifest = ledger.manifest()
    heartbeat._by_process.clear()  # as in a process that did not acquire it
    note_lease_until(ledger, manifest.locked_until)
    assert few.asked(lambda: extend_lease(ledger, 600, 2 / 3)).total() == 0
    heartbeat._by_process.clear()
    note_lease_until(ledger, datetime.now(UTC))
    assert few.asked(lambda: extend_lease(ledger, 600, 2 / 3)).total() == 2


def test_a_new_run_is_planned_without_a_look_for_what_cannot_be_there(few: Bucket) -> None:
    few.run("1")
    state = open_state(few.state)
    ledger = RunLedger(state, "2")
    asked = few.keys_asked(lambda: few.plan("2", new=ledger))
    snapshot = f"state/dimensions/{ledger.manifest().dimensions_digest}"
    assert [each for each in asked if ".tried" not in each] == [
        "LIST state/kept",
        "GET state/kept/archives.json",
        f"LIST {snapshot}",
        "PUT state/runs/2/manifest.json",
        "PUT state/runs/2/reused.json",
    ]
    state.remove(f"{snapshot.removeprefix('state/')}/products.parquet")
    assert f"PUT {snapshot}/products.parquet" in few.keys_asked(lambda: few.plan("3"))


def test_what_nobody_wants_to_hear_of_is_looked_at_no_further(few: Bucket) -> None:
    few.run("1")
    ledger = RunLedger(open_state(few.state), "1")
    outcome = ledger.outcome()
    told = partial(notify_of_outcome, ledger, NOBODY, outcome, is_new=True)
    assert few.asked(told).total() == 1, "by who made it"
    ledger.forget_notified()
    assert few.asked(lambda: notify_of_outcome(ledger, NOBODY)).total() == 3
    assert ledger.is_notified()
    assert few.asked(lambda: notify_of_outcome(ledger, NOBODY)).total() == 2


class _Clock:
    """Time passes while somebody sleeps, until it is over."""

    def __init__(self, over: float) -> None:
        self.now, self._over = 0.0, over

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now > self._over:
            raise TimeoutError


def test_who_is_told_that_a_run_ended_looks_once(
    few: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = few.plan("1", "celery")
    ledger = RunLedger(open_state(few.state), manifest.run_id)
    waited: list[float] = []

    def told(_: EndOfRun, seconds: float) -> None:
        waited.append(seconds)
        few.run("1")

    monkeypatch.setattr(EndOfRun, "wait", told)
    asked = few.keys_asked(
        lambda: console.follow.follow(load_settings(), ledger, manifest, is_just_sent=True)
    )
    assert len(waited) == 1, "before the first look"
    outcome = "GET state/runs/1/outcome.json"
    assert asked[0] != outcome == asked[-1] != asked[-2]


def test_who_follows_a_run_that_stands_still_asks_ever_less(
    few: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = few.plan("1", "celery").run_id
    state = open_state(few.state)
    ledger = RunLedger(state, run_id)
    lease.acquire(state, run_id, "elsewhere:1", 600)
    now = datetime.now(UTC)
    sent = Dispatch(number=1, sent_at=now, sent_by="elsewhere:1", work=(), why="")
    assert ledger.create_dispatch(sent)
    for work_id in ("00000", "00001"):
        note_attempt(ledger, work_id)

    def wait(seconds: float) -> None:
        clock = _Clock(seconds)
        time = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
        for each in (console.follow, end_of_run):
            monkeypatch.setattr(each, "time", time)
        with pytest.raises(TimeoutError):
            console.follow.follow(load_settings(), ledger)

    at_first, later = (few.asked(partial(wait, seconds)).total() for seconds in (25, 85))
    assert later - at_first <= 30
