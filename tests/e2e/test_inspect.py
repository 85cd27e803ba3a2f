"""``inspect`` through the command: an unknown feed, and a report by its settings alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.archives import archive_zip, day_zip, part, write_shop
from tests.support.processes import local_environment, sales_pipeline

SOLD = "category,customer_segment,total_revenue,units_sold,unique_customers\nToys,VIP,39.80,4,1\n"


def event(kind: str, **extra: object) -> dict[str, object]:
    return {"kind": kind, "who": {"id": 7}, "what": "p1", "at": "2024-03-01T00:00:00Z"} | extra


EVENTS = [event("Order Completed", qty="2"), event("Viewed"), event("Order Completed", qty="2")]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A shop with names of its own."""
    days = {"events_2024-03-01.zip": day_zip({"a.json": part(EVENTS)})}
    shop = write_shop(tmp_path / "shop", {"events_week_01.zip": archive_zip(days)})
    (shop.dimensions / "customers.csv").unlink()
    (shop.dimensions / "products.csv").unlink()
    (shop.dimensions / "clients.csv").write_text("client no;tier\n7;VIP\n8;New\n")
    (shop.dimensions / "goods.csv").write_text("article;family;list price\np1;Toys;9.95\n")
    return local_environment(shop, tmp_path)


def test_its_settings_make_the_report(env: dict[str, str], tmp_path: Path) -> None:
    refused = sales_pipeline("run", "--quiet", env=env)
    assert refused.returncode == 2
    done = sales_pipeline("inspect", "--env", env=env)
    assert done.returncode == 0
    assert done.stderr.startswith("Note: The settings below would count 1 purchase again:")
    (tmp_path / ".env").write_text(done.stdout)
    kept = {name: value for name, value in env.items() if name != "SALES_DATA"}
    counted = sales_pipeline("run", "--quiet", env=kept, cwd=tmp_path)
    assert (counted.returncode, counted.stderr) == (0, "")
    assert (Path(env["SALES_REPORTS"]) / "sales_report.csv").read_text() == SOLD
    again = sales_pipeline("inspect", env=kept, cwd=tmp_path)
    assert "Nothing was found that would count more." in again.stdout
    assert sales_pipeline("inspect", "--env", env=kept, cwd=tmp_path).stdout == done.stdout


def test_it_says_what_there_is_and_why_it_would_not_count(env: dict[str, str]) -> None:
    said = " ".join(sales_pipeline("inspect", env=env).stdout.split())
    for words in (
        "events_week_01.zip: 3 events sampled",
        "who.id integer 100 %",
        "Order Completed 2",
        "client no text id 2 7, 8",
        "who.id: 1 of 1 id stand in clients.client no; ids in the feed are numbers (7).",
        "With today's settings a run would not begin:",
        "The settings below would count 2 of 3 events (66 %).",
        "not_a_purchase",
    ):
        assert words in said


def test_as_json_it_is_all_there(env: dict[str, str]) -> None:
    found = json.loads(sales_pipeline("inspect", "--json", env=env).stdout)
    assert found["proposed"]["counted"] == 2
    assert found["today"]["counted"] == 0
    assert found["lines"][2] == {
        "name": "SALES_FIELDS",
        "value": "event_type=kind,customer_id=who.id,product_id=what,quantity=qty",
        "why": "what the fields are called",
    }


def test_what_archives_hold_reaches_no_terminal_s_controls(env: dict[str, str]) -> None:
    events = [event("Order Completed", qty=1, **{"\x1b]0;x\x07": "\x1b[2J"})] * 3
    days = {"events_\x1b[31m2024-03-02.zip": day_zip({"\x9b1m\u202e.json": part(events)})}
    (Path(env["SALES_DATA"]) / "events_week_02.zip").write_bytes(archive_zip(days))
    done = sales_pipeline("inspect", env=env)
    assert done.returncode == 0
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(done.stdout)
    assert "\\x1b[2J" in done.stdout
    as_json = sales_pipeline("inspect", "--json", env=env).stdout
    assert not {"\x9b", "\u202e"} & set(as_json)
    assert json.loads(as_json)["parts"][0]["part"] == "\x9b1m\u202e.json"


def test_wrong_places_are_exit_2_and_an_archive_that_is_none_exit_1(env: dict[str, str]) -> None:
    for arguments, code, said in (
        (["--data", "/nowhere"], 2, "/nowhere does not exist"),
        (["--archive", "other.zip"], 2, "names another one: events_week_01.zip."),
        (["--dimensions", "/nowhere"], 2, "/nowhere does not exist"),
        (["--json", "--env"], 2, "Leave one of them out"),
    ):
        done = sales_pipeline("inspect", *arguments, env=env)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    (Path(env["SALES_DATA"]) / "events_week_02.zip").write_bytes(b"no zip")
    done = sales_pipeline("inspect", env=env)
    assert done.returncode == 1
    assert "events_week_02.zip: the archive is not a zip" in done.stderr
    assert "--archive names another one: events_week_01.zip." in done.stderr


def test_a_run_that_counts_nothing_names_it(env: dict[str, str]) -> None:
    names = {
        "SALES_CUSTOMERS": "clients",
        "SALES_CUSTOMER_COLUMNS": "customer_id=client no,segment=tier",
        "SALES_PRODUCTS": "goods",
        "SALES_PRODUCT_COLUMNS": "product_id=article,category=family,price=list price",
    }
    refused = sales_pipeline("run", "--quiet", env=env | names)
    assert refused.returncode == 1
    assert "`sales-pipeline inspect`" in refused.stderr


def test_a_path_that_no_event_has_is_exit_2_wherever_a_plan_is_made(env: dict[str, str]) -> None:
    (Path(env["SALES_DIMENSIONS"]) / "customers.csv").write_text("customer_id,segment\n7,VIP\n")
    (Path(env["SALES_DIMENSIONS"]) / "products.csv").write_text(
        "product_id,category,price\np1,Toys,9.95\n"
    )
    wrong = env | {"SALES_FIELDS": "event_type=kind,customer_id=whom.id"}
    for command, code in (("run", 2), ("plan", 2), ("doctor", 1)):
        refused = sales_pipeline(command, env=wrong)
        assert refused.returncode == code, refused.stderr
        said = refused.stderr if code == 2 else refused.stdout
        assert "SALES_FIELDS names whom.id, but none of 3 events looked at in" in said
        assert "has it; they have who.id, " in said
        assert "`sales-pipeline inspect`" in said
    doubtful = env | {"SALES_FIELDS": "event_type=kind", "SALES_ONLY": "test!=true"}
    found = sales_pipeline("doctor", env=doubtful).stdout
    assert "SALES_ONLY names test, but none of 3 events" in found


def test_where_nothing_fits_it_says_what_is_missing(env: dict[str, str]) -> None:
    events = [{"kind": "Order Completed", "at": "2024-03-01", "text": f"n{n}"} for n in range(9)]
    days = {"events_2024-03-02.zip": day_zip({"a.json": part(events)})}
    (Path(env["SALES_DATA"]) / "events_week_02.zip").write_bytes(archive_zip(days))
    done = sales_pipeline("inspect", env=env)
    assert done.returncode == 0
    assert "No settings were found that would count anything." in done.stdout
    assert "No field of the sampled events looks like customer_id." in done.stdout


def test_files_that_hold_events_and_are_not_read_are_told(env: dict[str, str]) -> None:
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in EVENTS)
    archive = Path(env["SALES_DATA"]) / "events_week_02.zip"
    archive.write_bytes(archive_zip({"2024-03-02/events.log": lines}))
    found = json.loads(sales_pipeline("inspect", "--json", env=env).stdout)
    assert found["today_cause"].endswith("the archive holds no day, but 1 .log.")
    assert found["proposed"]["counted"] == 2
    assert {"SALES_PARTS": ".log"}.items() <= {
        line["name"]: line["value"] for line in found["lines"]
    }.items()
    archive.write_bytes(archive_zip({"2024-03-02/events.log": b'{"a": 1}\n{"a": 2}\n'}))
    done = sales_pipeline("inspect", env=env)
    assert (done.returncode, "SALES_PARTS=.log" in done.stdout) == (0, True)
    assert "No field of the sampled events looks like customer_id." in done.stdout


def test_files_that_are_no_events_are_left_out(env: dict[str, str], tmp_path: Path) -> None:
    entries = {"2024-03-02/a.json": part(EVENTS), "2024-03-02/manifest.json": b'{"files": ["a"]}'}
    (Path(env["SALES_DATA"]) / "events_week_01.zip").write_bytes(archive_zip(entries))
    done = sales_pipeline("inspect", "--env", env=env)
    assert "SALES_IGNORE=manifest.json" in done.stdout
    (tmp_path / ".env").write_text(done.stdout)
    assert sales_pipeline("run", "--quiet", env=env, cwd=tmp_path).returncode == 0
    assert (Path(env["SALES_REPORTS"]) / "sales_report.csv").read_text() == SOLD


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.json", part(EVENTS)[:-9]),
        ("manifest.json", b'{"files": ["a"'),
        ("orders.json", b'{"unknown": ["a"]}'),
        ("manifest.json", part(EVENTS)[:-9]),
    ],
)
def test_what_is_damaged_or_not_understood_is_told_and_never_left_out(
    env: dict[str, str], name: str, content: bytes
) -> None:
    entries = {"2024-03-02/a.json": part(EVENTS), f"2024-03-02/{name}": content}
    (Path(env["SALES_DATA"]) / "events_week_01.zip").write_bytes(archive_zip(entries))
    done = sales_pipeline("inspect", env=env)
    assert "would count 2 of 3 events" in done.stdout
    assert "SALES_IGNORE" not in done.stdout
    assert f"Note: 2024-03-02 > 2024-03-02/{name} cannot be read: " in done.stdout


def test_an_export_in_which_nothing_stands_twice_needs_no_id_of_events(env: dict[str, str]) -> None:
    """As GA4 writes it: the only ids are those of orders, users and items."""
    orders = [
        {
            "event_name": name,
            "event_timestamp": f"16980{n}",
            "user_id": "7",
            "items": [{"item_id": "p1", "quantity": "2"}],
            **({"ecommerce": {"transaction_id": f"{n // 3}"}} if name == "purchase" else {}),
        }
        for n, name in enumerate(["view_item", "purchase", "add_to_cart"] * 5)
    ]
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in orders)
    entries = {f"events_2024030{day}.json": lines for day in (1, 2)}
    entries["events_20240302.json"] = lines.replace(b"16980", b"16981").replace(
        b'"transaction_id": "', b'"transaction_id": "1'
    )
    (Path(env["SALES_DATA"]) / "events_week_02.zip").write_bytes(archive_zip(entries))
    found = json.loads(sales_pipeline("inspect", "--json", env=env).stdout)
    proposed = {line["name"]: line["value"] for line in found["lines"]}
    assert proposed.keys().isdisjoint({"SALES_EVENT_ID", "SALES_IGNORE", "SALES_PARTS"})
    assert (
        proposed["SALES_FIELDS"] == "event_type=event_name,customer_id=user_id,product_id=item_id"
    )
    assert (proposed["SALES_ITEMS"], proposed["SALES_QUANTITY"]) == ("items[]", "number")
    assert found["proposed"]["counted"] == 10
    assert found["hints"] == []


def test_ids_that_stand_in_no_table_are_the_cause(env: dict[str, str]) -> None:
    (Path(env["SALES_DIMENSIONS"]) / "clients.csv").write_text("client no;tier\nx1;VIP\nx2;New\n")
    lost = " ".join(sales_pipeline("inspect", env=env).stdout.split())
    assert "No field of the sampled events looks like customer_id." in lost
    events = [each | {"user": each["who"]} for each in EVENTS]
    days = {"events_2024-03-01.zip": day_zip({"a.json": part(events)})}
    (Path(env["SALES_DATA"]) / "events_week_01.zip").write_bytes(archive_zip(days))
    said = " ".join(sales_pipeline("inspect", env=env).stdout.split())
    settings = "SALES_FIELDS=event_type=kind,customer_id=user.id,product_id=what,quantity=qty"
    assert "No settings were found that would count anything." in said
    assert f"Note: With {settings} SALES_PURCHASE_TYPES='Order Completed'" in said
    assert (
        "which fits best, nothing would count: user.id: 0 of 1 id stand in clients.client" in said
    )
    assert "looks like" not in said.partition("Note: ")[2]
    lines = sales_pipeline("inspect", "--env", env=env)
    assert (lines.returncode, "which fits best, nothing would count" in lines.stderr) == (1, True)
    assert "No settings were found that would count anything." in lines.stderr
    assert {line.partition("=")[0] for line in lines.stdout.splitlines()} == {
        "SALES_DATA",
        "SALES_DIMENSIONS",
    }


def test_the_tree_of_a_zip_of_something_else_is_shown(env: dict[str, str]) -> None:
    tables = {"a.csv": b"1,2", "b.csv": b"3,4"}
    (Path(env["SALES_DATA"]) / "events_week_02.zip").write_bytes(archive_zip(tables))
    days = {"tables.zip": day_zip(tables)}
    (Path(env["SALES_DATA"]) / "events_week_03.zip").write_bytes(archive_zip(days))
    for name, level, refusal in (
        ("events_week_02.zip", "archive", "the archive holds no day, but 2 .csv"),
        ("events_week_03.zip", "day", "the day holds no part, but 2 .csv"),
    ):
        done = sales_pipeline("inspect", "--archive", name, "--json", env=env)
        found = json.loads(done.stdout)
        kinds = [(e["level"], e["kind"], e["ending"], e["entries"]) for e in found["entries"]]
        assert (level, "ignored", ".csv", 2) in kinds
        assert refusal in done.stdout
        assert found["hints"][0] == "No event was found in what was looked at."


def test_the_array_of_an_envelope_is_named_where_there_are_several(
    env: dict[str, str], tmp_path: Path
) -> None:
    envelope = {"users": [{"id": 7, "name": "x"}], "data": {"rows": EVENTS}}
    entries = {"2024-03-02/a.json": json.dumps(envelope).encode()}
    (Path(env["SALES_DATA"]) / "events_week_01.zip").write_bytes(archive_zip(entries))
    done = sales_pipeline("inspect", "--env", env=env)
    assert "SALES_RECORDS=data.rows" in done.stdout
    (tmp_path / ".env").write_text(done.stdout)
    assert sales_pipeline("run", "--quiet", env=env, cwd=tmp_path).returncode == 0
    assert (Path(env["SALES_REPORTS"]) / "sales_report.csv").read_text() == SOLD
