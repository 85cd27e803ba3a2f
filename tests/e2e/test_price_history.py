"""The price history through the command: kept, shown, exported, lost, and taken from a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import local_environment, sales_pipeline

HEADER = "product_id,category,price,valid_from,valid_to\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A shop that sold two pens long ago, and keeps the history of its prices."""
    days = {"events_2024-03-01.zip": day_zip({"a.json": part([purchase("c1", "p1", 2)])})}
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    return local_environment(shop, tmp_path) | {"SALES_PRICE_HISTORY": "keep"}


def sell(env: dict[str, str], *rows: str) -> None:
    path = Path(env["SALES_DIMENSIONS"]) / "products.csv"
    path.write_text("product_id,category,price\n" + "".join(f"{row}\n" for row in rows))


def report(env: dict[str, str]) -> str:
    return (Path(env["SALES_REPORTS"]) / "sales_report.csv").read_text().splitlines()[1]


def test_a_price_is_kept_shown_and_read_back(env: dict[str, str]) -> None:
    refused = sales_pipeline("prices", env=env)
    assert refused.returncode == 2
    assert "No price history is kept" in refused.stderr
    assert "a history is kept from the next run on" in sales_pipeline("doctor", env=env).stdout
    sell(env, 'p1,"Toys, big",1.00')
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    sell(env, 'p1,"Toys, big",1.50', "p2,Toys,2.00")
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    assert report(env) == '"Toys, big",Retail,2.00,2,1'
    assert "Prices are version 2 of the price history." in sales_pipeline("show", env=env).stdout

    shown = json.loads(sales_pipeline("prices", "--json", env=env).stdout)
    first, second, third = shown["rows"]
    assert (shown["number"], len(shown["rows"])) == (2, 3)
    assert (first["price"], first["valid_from"]) == ("1.00", None)
    assert (second["price"], second["valid_to"]) == ("1.50", None)
    assert second["valid_from"] == first["valid_to"]
    assert (third["product_id"], third["valid_from"], third["valid_to"]) == ("p2", None, None)
    today = first["valid_to"]
    exported = sales_pipeline("prices", "--product", "p1", "--csv", "-", env=env).stdout
    assert exported == f'{HEADER}p1,"Toys, big",1.00,,{today}\np1,"Toys, big",1.50,{today},\n'
    table = sales_pipeline("prices", env=env).stdout
    assert today in table
    assert "Version 2, by run" in table
    mistyped = sales_pipeline("prices", "--product", "p3", env=env)
    assert (mistyped.returncode, "`sales-pipeline prices` lists all" in mistyped.stderr) == (
        2,
        True,
    )
    checked = sales_pipeline("doctor", env=env).stdout
    assert "a history of 3 rows, last changed" in checked

    products = Path(env["SALES_DIMENSIONS"]) / "products.csv"
    assert sales_pipeline("prices", "--csv", str(products), env=env).returncode == 0
    both = sales_pipeline("run", "--quiet", env=env)
    assert both.returncode == 2
    assert "there would be two histories" in both.stderr
    own = env | {"SALES_PRICE_HISTORY": "off"}
    done = sales_pipeline("run", "--json", env=own)
    assert (done.returncode, json.loads(done.stdout)["bytes_read"]) == (0, 0)
    assert report(env) == '"Toys, big",Retail,2.00,2,1'


def test_a_lost_history_stops_the_run_and_is_taken_from_an_earlier_one(
    env: dict[str, str],
) -> None:
    sell(env, "p1,Toys,1.00")
    summary = json.loads(sales_pipeline("run", "--json", env=env).stdout)
    for path in (Path(env["SALES_STATE"]) / "prices").iterdir():
        path.unlink()
    sell(env, "p1,Toys,9.00")
    stopped = sales_pipeline("run", "--quiet", env=env)
    command = f"sales-pipeline prices --restore {summary['run_id']}"
    assert stopped.returncode == 2
    assert "is gone" in stopped.stderr
    assert f"`{command}`" in stopped.stderr
    assert command in sales_pipeline("doctor", env=env).stdout
    assert report(env) == "Toys,Retail,2.00,2,1"
    mended = sales_pipeline(*command.split()[1:], "--json", env=env)
    assert (mended.returncode, len(json.loads(mended.stdout)["rows"])) == (0, 1)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    assert report(env) == "Toys,Retail,2.00,2,1"


def test_what_was_paid_and_a_history_of_prices_do_not_go_together(env: dict[str, str]) -> None:
    refused = sales_pipeline("run", env=env | {"SALES_PRICE_FIELD": "price"})
    assert refused.returncode == 2
    assert "SALES_PRICE_HISTORY=keep goes with prices of products" in refused.stderr


def test_a_wrong_price_is_corrected_by_a_file(env: dict[str, str], tmp_path: Path) -> None:
    sell(env, "p1,Toys,1.00")
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    path = tmp_path / "history.csv"
    path.write_text(f"{HEADER}p1,Toys,5.00,,2024-03-02\np1,Toys,1.00,2024-03-02,\n")
    done = sales_pipeline("prices", "--load", str(path), "--csv", "-", env=env)
    assert (done.returncode, done.stdout) == (0, path.read_text())
    assert f"The price history is that of {path}: 2 rows." in done.stderr
    assert "Version 2, from a file" in sales_pipeline("prices", env=env).stdout
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    assert report(env) == "Toys,Retail,10.00,2,1"
    assert "(before 2024-03-02)" in sales_pipeline("diff", env=env).stdout
    path.write_text(f"{HEADER}p1,Toys,5.00,,2024-03-02\np1,Toys,1.00,2024-03-01,\n")
    wrong = sales_pipeline("prices", "--load", str(path), env=env)
    assert wrong.returncode == 1
    assert "p1 is valid twice on 2024-03-01 (row 2, row 3)" in wrong.stderr
    both = sales_pipeline("prices", "--load", str(path), "--restore", "x", env=env)
    assert both.returncode == 2
