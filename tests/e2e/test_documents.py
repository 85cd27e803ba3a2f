"""The README, the tutorial and the how-tos, followed as they stand by somebody who pastes.

Only addresses become the throw-away ones, and the demo is smaller.
"""

from __future__ import annotations

import ast
import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from console.commands.demo import export_tables
from console.stack import Stack
from console.stack.postgres import find_postgres
from data_generator import generate
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.documents import Block, blocks, run_documents
from tests.support.processes import sales_pipeline
from tests.support.reader import Reader
from tests.support.s3 import put, use_endpoint

_PLACES = ("data", "dimensions", "reports", "state")
# It takes long, and does the same the second time.
_ONCE = {Block("sh", "make demo\n", "", 0)}
_COPIED = ("sql", "pipeline_core", "console", "workers")
# They begin with nothing; who reads another one has what the demo left.
_FIRST = {"tutorial", "README", "your-own-feed", "which-price-counts"}


def _readings() -> list[list[Path]]:
    """What is read in one sitting: the README goes on where the tutorial ends."""
    tutorial, readme, *others = run_documents()
    return [[tutorial, readme], *([each] for each in others)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a clone has, in a folder where the blocks may write; compiled already."""
    for name in _COPIED:
        shutil.copytree(PROJECT / name, tmp_path / name)
    shutil.copy2(PROJECT / "data_generator.py", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def env(checkout: Path) -> dict[str, str]:
    """A machine with PostgreSQL's programs, and nothing set."""
    binaries = [str(Path(sys.executable).parent), *map(str, find_postgres())]
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "VIRTUAL_ENV"))}
    return {
        **kept,
        "PATH": os.pathsep.join([*binaries, os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(map(str, (checkout, checkout / "site"))),
        # What a reader installs goes there, and comes from nowhere else.
        "PIP_TARGET": str(checkout / "site"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PYTHONUNBUFFERED": "1",
        "FLOWER_PORT": "0",  # the usual ports may be taken where tests run
        "SALES_SERVE_PORT": "0",
    }


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket of the how-to, for which the environment is set."""
    use_endpoint(monkeypatch, s3_endpoint)
    put(s3_endpoint, "/shop")
    return "s3://shop"


@pytest.fixture(scope="module")
def demo(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a small demo leaves."""
    root = tmp_path_factory.mktemp("demo")
    generate(root / "data", 3, dirt=0.01)
    export_tables(stack, root / "dimensions")
    places = {f"SALES_{place.upper()}": str(root / place) for place in _PLACES}
    env = os.environ | places | {"PYTHONPATH": str(PROJECT)}
    assert sales_pipeline("run", "--engine", "local", "--quiet", env=env).returncode == 0
    return root


@pytest.mark.parametrize("documents", _readings(), ids=lambda documents: documents[0].stem)
def test_every_block_works(
    stack: Stack,
    postgres_url: str,
    checkout: Path,
    bucket: str,
    env: dict[str, str],
    demo: Path,
    documents: list[Path],
) -> None:
    if documents[0].stem not in _FIRST:
        shutil.copytree(demo, checkout / ".demo", symlinks=True)
    env |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    addresses = {
        "myuser:mypassword@localhost:5432/ecommerce_db": postgres_url.partition("://")[2],
        "sales_delivery:secret@localhost:5432/ecommerce_db": "sales_delivery:secret@"
        + postgres_url.rpartition("@")[2],
        "redis://localhost:6379/0": stack.redis.url,
        "make demo": "sales-pipeline demo --archives 3",  # fewer; else as the Makefile does
        "path/to/archives": ".demo/data",
        "path/to/folder": ".demo/dimensions",
    }
    followed: set[Block] = set()
    for document in documents:
        name = document.stem
        mine = env | _settings(name, postgres_url)
        addresses["RUN"] = _prepared(name, checkout, mine, bucket)
        said = ""
        with Reader(checkout, mine, addresses) as reader:
            for block in blocks(document):
                if block.kind == "python" or block.text.startswith("# acme-"):
                    _write_code(checkout, block.text)
                elif block.kind == "sh" and not block.not_run and block not in followed:
                    said += reader.follow(block)
                    followed |= {block} & _ONCE
            if name in _SEEN_AFTER:
                _SEEN_AFTER[name](checkout, reader, said)


def _settings(name: str, database: str) -> dict[str, str]:
    """What a reader of a how-to has in .env; who reads the others has none yet."""
    if name in _FIRST:
        return {}
    settings = {f"SALES_{place.upper()}": f".demo/{place}" for place in _PLACES}
    if name == "one-server":
        del settings["SALES_DIMENSIONS"]
        settings["SALES_DATABASE_URL"] = database
    return settings


def _prepared(name: str, checkout: Path, env: dict[str, str], bucket: str) -> str:
    """Makes the situation of the document; the id of the newest run."""
    data, runs = checkout / ".demo" / "data", checkout / ".demo" / "state" / "runs"
    if name == "many-machines":
        archives = open_storage(f"{bucket}/archives")
        for path in data.iterdir():
            archives.store_file(path.name, path)
    if name == "one-server":  # the shop's tables have rows
        url = env["SALES_DATABASE_URL"].replace("+psycopg2", "")
        filled = ["psql", "--quiet", url, "--file", str(checkout / "sql" / "init.sql")]
        subprocess.run(filled, check=True)
    if name == "recover":
        (data / "broken.zip").write_bytes(b"no zip")
        command = ["sales-pipeline", "run", "--quiet"]
        assert subprocess.run(command, cwd=checkout, env=env, check=False).returncode == 1
        (data / "broken.zip").unlink()
    return max((path.name for path in runs.iterdir()), default="") if runs.is_dir() else "RUN"


def _write_code(checkout: Path, text: str) -> None:
    """A new file, or lines more in one that is there; the first line says which."""
    name, code = text.split("\n", 1)
    path = checkout / name.removeprefix("# ")
    path.parent.mkdir(exist_ok=True)
    known = path.read_text() if path.exists() else ""
    path.write_text(known + code)


def _causes_are_told(_checkout: Path, _reader: Reader, said: str) -> None:
    said = " ".join(said.split())
    for words in (
        "It is what sales_report.csv says.",
        "Nothing new: ",
        "price of p001 restated from 149.99 to 139.99",
    ):
        assert words in said


def _report_is_published(checkout: Path, _reader: Reader, _said: str) -> None:
    latest = checkout / ".demo" / "reports" / "latest"
    rows = (latest / "segment_sales.csv").read_text().splitlines()
    assert rows[0] == "customer_segment,total_revenue,units_sold"
    total = sum(Decimal(row.split(",")[1]) for row in rows[1:])
    summary = json.loads((latest / "summary.json").read_text())
    assert total == Decimal(summary["totals"]["total_revenue"])


def _source_is_read(checkout: Path, reader: Reader, _said: str) -> None:
    report = checkout / ".demo" / "reports" / "latest" / "sales_report.csv"
    reader.follow(Block("sh", "sales-pipeline run --quiet --dimensions shop", "", 0))
    expected = report.read_bytes()
    with closing(sqlite3.connect(checkout / "shop.sqlite")) as shop:
        for name in ("customers", "products"):
            with (checkout / "shop" / f"{name}.csv").open(encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            shop.execute(f"CREATE TABLE {name} ({', '.join(header)})")
            marks = ", ".join("?" * len(header))
            shop.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        shop.commit()
    reader.follow(Block("sh", "sales-pipeline run --quiet --dimensions shop.sqlite", "", 0))
    assert report.read_bytes() == expected
    assert expected.count(b"\n") > 1


def _orchestrators_functions_run(checkout: Path, reader: Reader, said: str) -> None:
    """Dagster and Airflow are not installed. What is theirs, imports and decorators, is only
    compiled; the functions, which are ours, are called as they stand."""
    assert "category,customer_segment,total_revenue" in said
    assert "'published')" in said
    for name, call in (("sales_asset", "sales_report()"), ("sales_dag", "")):
        tree = _Undecorated().visit(ast.parse((checkout / f"{name}.py").read_text()))
        compile(ast.unparse(tree), name, "exec")
        (checkout / f"plain_{name}.py").write_text(f"{ast.unparse(tree)}\n{call}\n")
        before = len(list((checkout / ".demo" / "reports" / "runs").iterdir()))
        reader.follow(Block("sh", f"python plain_{name}.py", "", 0))
        assert len(list((checkout / ".demo" / "reports" / "runs").iterdir())) == before + 1


def _feed_is_counted(checkout: Path, _reader: Reader, said: str) -> None:
    assert "Nothing was found that would count more." in said
    assert (checkout / "reports" / "sales_report.csv").read_text().splitlines() == [
        "category,customer_segment,total_revenue,units_sold,unique_customers",
        "Toys,New,29.85,3,1",
        "Books,VIP,20.00,1,1",
        "Toys,VIP,19.90,2,1",
    ]


def _dashboard_is_filled(checkout: Path, _reader: Reader, said: str) -> None:
    summary = json.loads((checkout / ".demo" / "reports" / "latest" / "summary.json").read_text())
    total = summary["totals"]["total_revenue"]
    assert said.count(f" {total}\n") == 2
    assert f" {total} | {summary['run_id']}" in said
    assert said.count("Delivered to postgresql://***@") == 3


def _figures_are_told(_checkout: Path, _reader: Reader, said: str) -> None:
    """What the document shows as output is what its lines print."""
    printed = " ".join(said.split())
    document = PROJECT / "docs" / "explanation" / "which-price-counts.md"
    lines = [
        line for each in blocks(document) if each.kind == "text" for line in each.text.splitlines()
    ]
    assert len(lines) > 10
    assert [line for line in lines if " ".join(line.split()) not in printed] == []


class _Undecorated(ast.NodeTransformer):
    """Takes out what is Dagster's and Airflow's."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        foreign = (node.module or "").partition(".")[0] in {"dagster", "airflow"}
        return None if foreign else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.decorator_list = []
        return node


_SEEN_AFTER: dict[str, Callable[[Path, Reader, str], None]] = {
    "tutorial": _causes_are_told,
    "which-price-counts": _figures_are_told,
    "deliver": _dashboard_is_filled,
    "add-a-report": _report_is_published,
    "add-a-source": _source_is_read,
    "notebook": _orchestrators_functions_run,
    "your-own-feed": _feed_is_counted,
}
