"""What ``--json`` prints is what docs/reference says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from console.command import COMMANDS, command_of
from console.reference import SHAPES, reference
from console.stack import Stack
from tests.support import PROJECT
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import environment, sales_pipeline

REFERENCE = PROJECT / "docs" / "reference"
OFFICE = ["--category", "Office", "--segment", "Retail"]
# Their JSON is a summary: the run's own, or the one of the run that was published.
SUMMARIES = {"resume", "publish"}


def _archive(day: int, quantity: int) -> bytes:
    events = [purchase(quantity=quantity), purchase("ghost"), 5]
    return archive_zip({f"events_2024-03-{day:02}.zip": day_zip({"p.json": part(events)})})


@pytest.fixture(scope="module")
def env(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two published runs, of which the second read something new, something bad and a copy."""
    folder = tmp_path_factory.mktemp("json")
    shop = write_shop(folder / "shop", {"w1.zip": _archive(1, 3), "w1b.zip": _archive(1, 3)})
    found = environment(stack, shop, folder, SALES_ENGINE="local", SALES_JOBS="1")
    found["SALES_BROKER_URL"] = ""
    assert sales_pipeline("run", "--quiet", env=found).returncode == 0
    (shop.data / "w2.zip").write_bytes(_archive(4, 5))
    (shop.data / "w3.zip").write_bytes(b"no zip")
    assert sales_pipeline("run", "--quiet", "--allow-incomplete", env=found).returncode == 3
    return found


def _validator(name: str) -> Draft202012Validator:
    described = json.loads((REFERENCE / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(described)
    return Draft202012Validator(described)


def test_the_reference_is_current() -> None:
    """`make docs` writes it."""
    written = {path.name: path.read_bytes() for path in REFERENCE.iterdir()}
    assert written == reference()


def test_every_command_with_json_has_a_schema() -> None:
    told = {n for n in COMMANDS if any("--json" in p.opts for p in command_of(n).params)}
    assert told - SUMMARIES == SHAPES.keys() - {
        *("summary", "progress", "archives", "notification")
    }


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plan", ["plan"]),
        ("runs", ["runs"]),
        ("show", ["show"]),
        ("recover", ["recover"]),
        ("rejects", ["rejects"]),
        ("explain", ["explain", *OFFICE]),
        ("diff", ["diff"]),
        ("doctor", ["doctor"]),
        ("rebuild", ["rebuild", "RUN"]),
        ("report", ["report", "--from", "2024-03-01", "--to", "2024-03-01"]),
        ("report", ["report", "--month", "2024-03", "--compare", "previous"]),
        ("backfill", ["backfill", "--from", "2024-03-01", "--to", "2024-03-01"]),
        ("verify", ["verify"]),
        ("gc", ["gc", "--dry-run"]),
        ("inspect", ["inspect", "--archive", "w1.zip"]),
        ("deliver", ["deliver", "--to", "postgresql://127.0.0.1:1/bi"]),
        ("summary", ["run", "--allow-incomplete"]),
        ("run", ["run", "--if-changed"]),
    ],
)
def test_what_is_printed_fits_its_schema(
    env: dict[str, str], name: str, arguments: list[str]
) -> None:
    published = Path(env["SALES_REPORTS"], "latest").resolve().name
    named = [published if argument == "RUN" else argument for argument in arguments]
    done = sales_pipeline(*named, "--json", env=env)
    printed = json.loads(done.stdout)
    assert printed, done.stderr
    validator = _validator(name)
    validator.validate(printed)
    for broken in _broken(printed):
        with pytest.raises(ValidationError):
            validator.validate(broken)


def _broken(printed: Any) -> list[Any]:
    """The same with a key renamed, and as something else altogether."""
    rows = printed if isinstance(printed, list) else [printed]
    key = next(iter(rows[0]))
    renamed = {"other" if k == key else k: v for k, v in rows[0].items()}
    return [[renamed] if isinstance(printed, list) else renamed, "text"]


def test_a_run_without_figures_fits_its_schema(env: dict[str, str]) -> None:
    failing = {**env, "SALES_DATA": "/nowhere/at/all"}
    failing |= {name: f"{env[name]}-2" for name in ("SALES_STATE", "SALES_REPORTS")}
    assert sales_pipeline("run", env=failing).returncode == 2
    shown = json.loads(sales_pipeline("show", "--json", env=failing).stdout)
    _validator("show").validate(shown)
    assert shown["state"] == "failed"
    assert Path(failing["SALES_STATE"]).is_dir()
