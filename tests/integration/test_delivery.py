"""Delivery of published runs to a real PostgreSQL: what stands there, on record, and is told."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from sqlalchemy import make_url

from console.doctor.destinations import check_delivery
from pipeline_core.delivery import deliver as deliver_module
from pipeline_core.delivery import postgresql
from pipeline_core.delivery.postgresql import deliver_rows
from pipeline_core.delivery.records import deliveries_of, load_delivery, save_delivery
from pipeline_core.delivery.rows import published_rows
from pipeline_core.delivery.send import try_out
from pipeline_core.errors import ConfigError, PipelineError, RetryableError
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.attempts import Worker, attempt
from pipeline_core.messages.delivery import Delivery
from pipeline_core.notify import hooks as hooks_module
from pipeline_core.notify.hooks import Notification
from pipeline_core.running import deliveries as deliveries_module
from pipeline_core.running.deliveries import (
    deliver_by_hand,
    deliver_newest,
    deliver_published,
    delivery_words,
)
from pipeline_core.settings import Settings, load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, part, purchase
from tests.support.delivered import CELLS, Place, all_of, made_up, session
from tests.support.run import latest, run_local, sales, shop_of

_NASTY = 'a\tb\n\\.\n"c", \\N \r é'
_EVENTS = [
    part([purchase("c1", "p1", 2), purchase("c2", "p2", 3), purchase("c1", "gone")]),
    part([purchase("c2", "p1", 1), purchase(None, "p1")]),
]
_CUSTOMERS = [("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "=1+1")]
_PRODUCTS = [("p1", "Pen", "Office", "0.10"), ("p2", "Odd", _NASTY, "12345678901234.57")]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return shop_of(tmp_path, *_EVENTS, customers=_CUSTOMERS, products=_PRODUCTS)


def _settings(folder: Path, *urls: str, **more: Any) -> Settings:
    return load_settings(
        {
            "state": str(folder / "state"),
            "reports": str(folder / "reports"),
            "deliver": ",".join(urls) or None,
            **more,
        }
    )


def _published(shop: Shop, folder: Path, **options: Any) -> RunLedger:
    outcome = run_local(shop, folder, **options)
    assert outcome.state == "published"
    return RunLedger(open_state(str(folder / "state")), outcome.run_id)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Notification]:
    """What would be posted to a webhook."""
    heard: list[Notification] = []

    def hear(_url: str, notification: Notification) -> bool:
        heard.append(notification)
        return True

    monkeypatch.setattr(hooks_module, "_post", hear)
    return heard


@pytest.fixture
def plain_user(place: Place) -> Iterator[Place]:
    """The place, by a user who may connect, and nothing else."""
    name = f"plain_{secrets.token_hex(4)}"
    with session(place.url) as cursor:
        cursor.execute(f"CREATE USER {name} PASSWORD 'pw'")
        yield place.by(name, "pw")
        cursor.execute(f"DROP OWNED BY {name}; DROP USER {name}")


@pytest.mark.parametrize("spreadsheet_safe", [False, True])
def test_the_tables_say_what_the_files_say(
    shop: Shop, tmp_path: Path, place: Place, spreadsheet_safe: bool
) -> None:
    ledger = _published(shop, tmp_path, spreadsheet_safe=spreadsheet_safe)
    [found] = deliver_published(_settings(tmp_path, place.setting), ledger)
    assert (found.state, found.tries, found.cause) == ("done", 1, "")
    report = all_of(
        place.url,
        f"SELECT category, customer_segment, total_revenue::text, units_sold, unique_customers, "
        f"run_id FROM {place.schema}.sales_report ORDER BY total_revenue DESC, 2 DESC",
    )
    assert report == [
        (_NASTY, "=1+1", "37037036703703.71", 3, 1, ledger.run_id),
        ("Office", "Retail", "0.20", 2, 1, ledger.run_id),
        ("Office", "=1+1", "0.10", 1, 1, ledger.run_id),
    ]
    days = all_of(place.url, f"SELECT date, category, units_sold FROM {place.schema}.daily_sales")
    assert sorted(days) == [
        (date(2024, 3, 1), "Office", 1),
        (date(2024, 3, 1), "Office", 2),
        (date(2024, 3, 1), _NASTY, 3),
    ]
    rejects = f"SELECT reason, events, units, revenue::text FROM {place.schema}.rejects_by_reason"
    assert sorted(all_of(place.url, rejects)) == [
        ("guest", 1, 1, "0.10"),
        ("unknown_product", 1, 1, None),
    ]
    [run] = all_of(
        place.url, f"SELECT run_id, status, total_revenue FROM {place.schema}.current_run"
    )
    assert run == (ledger.run_id, "complete", Decimal("37037036703704.01"))
    months = f"SELECT month, sum(units_sold) FROM {place.schema}.sales_by_month GROUP BY 1"
    assert all_of(place.url, months) == [(date(2024, 3, 1), 6)]
    with (latest(tmp_path) / "sales_report.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == len(report) + 1


def test_a_day_without_a_date_is_null(tmp_path: Path, place: Place) -> None:
    destination = place.destination
    for _ in range(2):  # also when it is there already
        deliver_rows(destination, made_up(1))
    query = f"SELECT count(*) FROM {place.schema}.daily_sales WHERE date IS NULL"
    assert all_of(place.url, query) == [(CELLS,)]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_money_is_refused(place: Place, amount: str) -> None:
    deliver_rows(place.destination, made_up(1))
    with session(place.url) as cursor, pytest.raises(Exception, match="check constraint"):
        cursor.execute(f"UPDATE {place.schema}.sales_report SET total_revenue = '{amount}'")


def test_delivering_a_run_again_writes_no_row(place: Place) -> None:
    destination = place.destination
    deliver_rows(destination, made_up(1))
    rows = f"SELECT xmin::text, ctid::text FROM {place.schema}.daily_sales ORDER BY 2"
    before = all_of(place.url, rows)
    deliver_rows(destination, made_up(1))
    assert all_of(place.url, rows) == before


def test_other_decimals_are_another_figure(place: Place) -> None:
    destination, run = place.destination, made_up(1)
    deliver_rows(destination, run)
    run.tables["sales_report"][0] = (*run.tables["sales_report"][0][:2], "1.500", "1", "1", "r0001")
    deliver_rows(destination, run)
    money = f"SELECT DISTINCT total_revenue::text FROM {place.schema}.sales_report ORDER BY 1"
    assert all_of(place.url, money) == [("1.50",), ("1.500",)]


def test_an_older_run_never_takes_the_place_of_a_newer_one(place: Place) -> None:
    destination = place.destination
    deliver_rows(destination, made_up(2))
    assert deliver_rows(destination, made_up(1)) == "r0002"
    assert all_of(place.url, f"SELECT run_id FROM {place.schema}.runs") == [("r0002",)]
    deliver_rows(destination, made_up(3, as_of=date(2024, 3, 31)))  # by hand, and taken back
    assert deliver_rows(destination, made_up(2)) is None
    current = f"SELECT run_id, is_current FROM {place.schema}.runs ORDER BY 1"
    assert all_of(place.url, current) == [("r0002", True), ("r0003", False)]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE {schema}.daily_sales (of_theirs int)",
        "CREATE TABLE {schema}.sales_report (of_theirs int)",
        "CREATE VIEW {schema}.runs AS SELECT 1 AS of_theirs",
        "CREATE TABLE {schema}.sales_by_month (of_theirs int)",
    ],
)
def test_what_is_not_ours_is_never_touched(place: Place, made: str) -> None:
    with session(place.url) as cursor:
        cursor.execute(f"CREATE SCHEMA {place.schema};" + made.format(schema=place.schema))
    destination = place.destination
    deliver = partial(deliver_rows, destination, made_up(1))
    for refused in (deliver, partial(try_out, destination)):
        with pytest.raises(ConfigError, match="not of sales-pipeline") as raised:
            refused()
        assert "another schema" in raised.value.remedy
    tables = f"SELECT count(*) FROM pg_class WHERE relnamespace = '{place.schema}'::regnamespace"
    assert all_of(place.url, tables) == [(1,)]


def test_a_table_whose_mark_is_gone_is_theirs(place: Place) -> None:
    destination = place.destination
    deliver_rows(destination, made_up(1))
    with session(place.url) as cursor:
        cursor.execute(f"COMMENT ON TABLE {place.schema}.runs IS NULL")
    with pytest.raises(ConfigError, match=r"^runs of the schema .* is not"):
        deliver_rows(destination, made_up(2))
    assert all_of(place.url, f"SELECT run_id FROM {place.schema}.runs") == [("r0001",)]


def test_who_owns_the_schema_needs_nothing_else(place: Place, plain_user: Place) -> None:
    user = make_url(plain_user.url).username
    with session(place.url) as cursor:
        cursor.execute(f"CREATE SCHEMA {place.schema} AUTHORIZATION {user}")
    deliver_rows(plain_user.destination, made_up(1))
    assert all_of(place.url, f"SELECT run_id FROM {place.schema}.runs") == [("r0001",)]


@pytest.mark.parametrize(
    ("wrong", "cause", "remedy"),
    [
        ({"password": "cret"}, "password authentication failed", "Correct user and password"),
        ({"username": "nobody"}, "password authentication failed", "Correct user and password"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist', "Correct the database"),
    ],
)
def test_what_is_refused_is_told_and_not_tried_again(
    shop: Shop,
    tmp_path: Path,
    place: Place,
    wrong: dict[str, str],
    cause: str,
    remedy: str,
    told: list[Notification],
) -> None:
    ledger = _published(shop, tmp_path)
    url = make_url(place.setting).set(**wrong).render_as_string(hide_password=False)  # type: ignore[arg-type]
    settings = _settings(tmp_path, url, webhook_url="http://localhost/hook")
    for _ in range(2):
        [found] = deliver_published(settings, ledger)
        assert (found.state, found.tries, found.next_at) == ("failed", 1, None)
    assert cause in found.cause
    assert remedy in found.remedy
    [notification] = told
    assert (notification.event, notification.run_id) == ("undelivered", ledger.run_id)
    assert cause in notification.reason
    assert notification.figures is not None
    assert notification.figures.run_id == ledger.run_id
    assert notification.report is not None
    assert notification.report.page.endswith(f"runs/{ledger.run_id}/index.html")
    assert "cret" not in repr(notification)
    with pytest.raises(ConfigError):
        try_out(settings.destinations()[0])


def test_who_may_not_make_a_schema_is_told(place: Place, plain_user: Place) -> None:
    destination = plain_user.destination
    deliver = partial(deliver_rows, destination, made_up(1))
    for refused in (deliver, partial(try_out, destination)):
        with pytest.raises(ConfigError, match="permission denied for database") as raised:
            refused()
        assert "Grant the user CREATE" in raised.value.remedy


def test_doctor_says_what_may_not_be_written(place: Place, plain_user: Place) -> None:
    deliver_rows(place.destination, made_up(1))
    with session(place.url) as cursor:
        user = make_url(plain_user.url).username
        cursor.execute(f"GRANT USAGE ON SCHEMA {place.schema} TO {user}")
        cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {place.schema} TO {user}")
    with pytest.raises(ConfigError, match="may not INSERT, UPDATE, DELETE"):
        try_out(plain_user.destination)


def test_doctor_says_of_each_destination_what_to_do(tmp_path: Path) -> None:
    gone = f"file+xlsx://{tmp_path}/gone/a.xlsx"
    found = check_delivery(_settings(tmp_path, gone, "postgresql://me@127.0.0.1:1/bi"))
    workbook, database = found.found.split("; ")
    assert (found.state, found.remedy) == ("failed", "")
    assert workbook.endswith("Make it, or name another one")
    assert database.startswith("postgresql://***@127.0.0.1:1")
    assert database.count(".") > 4


def test_doctor_changes_nothing(tmp_path: Path, place: Place) -> None:
    settings = _settings(tmp_path, place.setting)
    found = check_delivery(settings)
    assert (found.state, "made by the first one" in found.found) == ("ok", True)
    assert all_of(place.url, "SELECT to_regnamespace(%s) IS NULL", place.schema) == [(True,)]
    deliver_rows(settings.destinations()[0], made_up(1))
    assert "run r0001 stands there" in check_delivery(settings).found
    away = _settings(tmp_path, place.setting, "postgresql://me:cret@127.0.0.1:1/bi")
    found = check_delivery(away)
    assert (found.state, "does not answer" in found.found) == ("failed", True)
    assert "r0001" in found.found
    assert "cret" not in repr(found)
    assert check_delivery(_settings(tmp_path)).state == "ok"


def test_what_does_not_answer_is_tried_again_later_and_later(
    shop: Shop, tmp_path: Path, place: Place, told: list[Notification]
) -> None:
    ledger = _published(shop, tmp_path)
    settings = _settings(
        tmp_path, "postgresql://me:cret@127.0.0.1:1/bi", webhook_url="http://localhost/hook"
    )
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.tries) == ("pending", 1)
    assert [found.state for found in deliver_published(settings, ledger)] == ["pending"]
    pauses = []
    for tries in range(2, 31):
        _make_due(ledger)
        before = datetime.now(UTC)
        deliver_newest(settings, ledger.state)
        [found] = deliveries_of(ledger)
        assert found.tries == tries
        pauses.append(round((found.next_at - before).total_seconds() / 60) if found.next_at else 0)
    assert pauses[:6] == [2, 4, 8, 16, 32, 60]
    assert pauses[-2:] == [60, 0]
    assert found.state == "failed"
    assert len(told) == 1
    assert "It is tried again after" in told[0].reason
    assert "cret" not in repr([told, found])


def _make_due(ledger: RunLedger) -> None:
    [found] = deliveries_of(ledger)
    past = datetime.now(UTC) - timedelta(seconds=1)
    save_delivery(ledger, msgspec.structs.replace(found, next_at=past))


def test_the_reconciler_delivers_what_was_away(
    shop: Shop, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, settings = _published(shop, tmp_path), _settings(tmp_path, place.setting)
    monkeypatch.setitem(postgresql._CONNECTING, "port", 1)
    monkeypatch.setattr(postgresql, "with_psycopg2", lambda _: make_url("postgresql://127.0.0.1/d"))
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.tries) == ("pending", 1)
    monkeypatch.undo()
    _make_due(ledger)
    deliver_newest(settings, ledger.state)
    assert [(each.state, each.tries, each.cause) for each in deliveries_of(ledger)] == [
        ("done", 2, "")
    ]


def test_a_look_before_a_delivery_is_due_logs_nothing(shop: Shop, tmp_path: Path) -> None:
    ledger = _published(shop, tmp_path)
    settings = _settings(tmp_path, "postgresql://me@127.0.0.1:1/bi")
    with structlog.testing.capture_logs() as logs:
        deliver_newest(settings, ledger.state)
        deliver_newest(settings, ledger.state)
    assert [each["event"] for each in logs].count("undelivered") == 1


def test_a_newer_run_ends_what_was_still_to_deliver(
    shop: Shop, tmp_path: Path, place: Place
) -> None:
    away = "postgresql://me@127.0.0.1:1/bi"
    older = _published(shop, tmp_path)
    deliver_published(_settings(tmp_path, away), older)
    newer = _published(shop, tmp_path)
    settings = _settings(tmp_path, away, place.setting)
    deliver_newest(settings, newer.state)
    assert [each.state for each in deliveries_of(older)] == ["superseded"]
    assert newer.run_id in deliveries_of(older)[0].cause
    assert sorted(each.state for each in deliveries_of(newer)) == ["done", "pending"]
    assert deliver_published(settings, older) == []
    [_, found] = deliver_by_hand(
        older, settings.destinations(), settings.hooks(), repeated=settings.destinations()
    )
    assert (found.state, newer.run_id in found.cause) == ("superseded", True)
    assert all_of(place.url, f"SELECT run_id FROM {place.schema}.current_run") == [(newer.run_id,)]


def test_a_later_try_takes_back_no_delivery(
    shop: Shop, tmp_path: Path, place: Place, told: list[Notification]
) -> None:
    settings = _settings(tmp_path, place.setting, webhook_url="http://localhost/hook")
    ledger = _published(shop, tmp_path)
    [done] = deliver_published(settings, ledger)
    wrong = settings.destinations_of(place.by("nobody_at_all", "x").setting)
    assert [each.id for each in wrong] == [done.destination]
    [found] = deliver_by_hand(
        ledger, wrong, settings.hooks(), again=True, repeated=settings.destinations()
    )
    assert (found.state, found.delivered_at) == ("failed", done.tried_at)
    said = delivery_words(found)
    assert said.startswith(f"Delivered to {found.shown} at {done.tried_at:%Y-%m-%d %H:%M:%S} UTC.")
    assert " UTC. A later try did not deliver it: " in said
    assert told == []
    assert [each.delivered_at for each in deliver_published(settings, ledger)] == [done.tried_at]
    with structlog.testing.capture_logs() as logs:
        deliver_newest(settings, ledger.state)
    assert [each for each in logs if each["event"] == "undelivered"] == []

    newer = _published(shop, tmp_path)
    deliver_published(settings, newer)
    [older] = deliver_by_hand(ledger, settings.destinations(), settings.hooks())
    assert (older.state, older.delivered_at) == ("superseded", done.tried_at)
    assert delivery_words(older).startswith("Delivered to ")
    assert newer.run_id in delivery_words(older)


def test_what_nobody_tries_again_promises_nothing(shop: Shop, tmp_path: Path, place: Place) -> None:
    away = _settings(tmp_path, "postgresql://me@127.0.0.1:1/bi")
    ledger, settings = _published(shop, tmp_path), _settings(tmp_path)
    [found] = deliver_by_hand(ledger, away.destinations(), settings.hooks())
    assert (found.state, found.next_at) == ("failed", None)
    assert "It is not tried again by itself" in found.remedy
    assert "tried again after" not in delivery_words(found)
    [found] = deliver_by_hand(
        ledger, away.destinations(), away.hooks(), repeated=away.destinations()
    )
    assert (found.state, "tried again after" in delivery_words(found)) == ("pending", True)
    past = msgspec.structs.replace(found, next_at=datetime.now(UTC) - timedelta(hours=2))
    assert "tried again after" not in delivery_words(past)
    assert "It is due since" in delivery_words(past)
    older = _published(shop, tmp_path, as_of=date(2024, 3, 1))
    [found] = deliver_by_hand(
        older, away.destinations(), away.hooks(), repeated=away.destinations()
    )
    assert (found.state, found.next_at) == ("failed", None)


def test_a_report_of_a_time_past_is_delivered_by_hand_alone(
    shop: Shop, tmp_path: Path, place: Place
) -> None:
    ledger = _published(shop, tmp_path, as_of=date(2024, 3, 1))
    settings = _settings(tmp_path, place.setting)
    assert deliver_published(settings, ledger) == []
    [found] = deliver_by_hand(
        ledger, settings.destinations(), settings.hooks(), repeated=settings.destinations()
    )
    assert found.state == "done"
    as_of = f"SELECT run_id, as_of FROM {place.schema}.current_run"
    assert all_of(place.url, as_of) == [(ledger.run_id, date(2024, 3, 1))]


def test_a_run_of_another_shop_is_left_alone(shop: Shop, tmp_path: Path, place: Place) -> None:
    """A worker serves several; its destinations are those of its own."""
    ledger = _published(shop, tmp_path)
    settings = _settings(tmp_path / "another", place.setting)
    assert deliver_published(settings, ledger) == []
    deliver_newest(settings, ledger.state)
    assert deliveries_of(ledger) == []


@pytest.mark.parametrize("state", ["s3://shop/state/", "s3://shop/state"])
def test_a_state_is_its_own_however_it_is_written(place: Place, state: str) -> None:
    settings = load_settings({"state": state, "deliver": place.setting})
    assert deliveries_module._are_its_own(settings, open_storage("s3://shop/state"))


def test_who_is_second_does_nothing(shop: Shop, tmp_path: Path, place: Place) -> None:
    ledger, settings = _published(shop, tmp_path), _settings(tmp_path, place.setting)
    [destination] = settings.destinations()
    policy, work_id = ledger.manifest().policy, f"deliver-{destination.id}"
    with attempt(ledger, policy, work_id, Worker("other:1")) as noted:
        [found] = deliver_published(settings, ledger)
        assert (found.state, found.tries) == ("pending", 0)
        noted.done()
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.tries) == ("done", 1)


def test_a_report_that_is_gone_fails_with_its_remedy(
    shop: Shop, tmp_path: Path, place: Place
) -> None:
    ledger, settings = _published(shop, tmp_path), _settings(tmp_path, place.setting)
    (tmp_path / "reports" / "runs" / ledger.run_id / "sales_report.parquet").write_bytes(b"no")
    [found] = deliver_published(settings, ledger)
    assert (found.state, "is damaged" in found.cause) == ("failed", True)
    assert f"rebuild {ledger.run_id}" in found.remedy


def test_a_bug_of_ours_fails_the_delivery_and_nothing_else(
    shop: Shop, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    ledger, settings = _published(shop, tmp_path), _settings(tmp_path, place.setting)
    monkeypatch.setattr(deliver_module, "send", fail)
    [found] = deliver_published(settings, ledger)
    assert (found.state, found.cause) == (
        "failed",
        "The program stopped at an error of its own: ZeroDivisionError().",
    )
    assert "bug" in found.remedy


def test_somebody_who_locks_the_tables_is_not_waited_for_without_an_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_LOCK_TIMEOUT", "100ms")
    destination = place.destination
    deliver_rows(destination, made_up(1))
    with session(place.url) as cursor:
        cursor.execute(f"BEGIN; UPDATE {place.schema}.runs SET status = status")
        with pytest.raises(RetryableError, match="lock timeout"):
            deliver_rows(destination, made_up(2))


def test_a_record_of_the_delivery_is_kept_by_place(
    shop: Shop, tmp_path: Path, place: Place
) -> None:
    ledger, settings = _published(shop, tmp_path), _settings(tmp_path, place.setting)
    deliver_published(settings, ledger)
    [destination] = settings.destinations()
    found = load_delivery(ledger, destination.id)
    assert isinstance(found, Delivery)
    password = make_url(place.setting).password
    stored = (tmp_path / "state" / "runs" / ledger.run_id / "deliveries").iterdir()
    assert all(str(password) not in path.read_text() for path in stored)


def test_rows_of_a_run_that_was_refused_are_none(shop: Shop, tmp_path: Path) -> None:
    refused = shop_of(tmp_path / "other", sales(customer="nobody"))
    outcome = run_local(refused, tmp_path, publish_incomplete=False)
    assert outcome.state != "published"
    with pytest.raises(PipelineError, match="is not published"):
        published_rows(RunLedger(open_state(str(tmp_path / "state")), outcome.run_id))
