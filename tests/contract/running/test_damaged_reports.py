"""A report whose files are gone, or others than were published, is told as that, with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.command import cli
from pipeline_core.errors import ConfigError
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop


@pytest.fixture
def run_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of two published runs, the newest last."""
    week = archive_zip({"events_2024-03-01.zip": day_zip({"p.json": part([purchase()])})})
    shop = write_shop(tmp_path / "shop", {"w1.zip": week})
    for name, value in {
        "DATA": shop.data,
        "DIMENSIONS": shop.dimensions,
        "REPORTS": tmp_path / "reports",
        "STATE": tmp_path / "state",
        "JOBS": 1,
    }.items():
        monkeypatch.setenv(f"SALES_{name}", str(value))
    for _ in range(2):
        assert CliRunner().invoke(cli, ["run", "--quiet"]).exit_code == 0
    return sorted(path.name for path in (tmp_path / "reports" / "runs").iterdir())


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


def _garbled(file: Path) -> None:
    file.write_bytes(bytes(255 - byte for byte in file.read_bytes()))


@pytest.mark.parametrize("damage", [_emptied, Path.unlink, _garbled])
@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("sales_report.csv", ("publish", "RUN")),
        ("sales_report.csv", ("resume", "RUN")),
        ("sales_report.csv", ("explain", "--category", "Office", "--segment", "Retail")),
        ("sales_report.parquet", ("diff",)),
        ("daily_sales.csv", ("report", "--from", "2024-03-01", "--to", "2024-03-01")),
    ],
)
def test_a_damaged_report_is_told_and_made_again(
    run_ids: list[str],
    tmp_path: Path,
    damage: Callable[[Path], None],
    name: str,
    question: tuple[str, ...],
) -> None:
    asked = [run_ids[-1] if word == "RUN" else word for word in question]
    sound = CliRunner().invoke(cli, asked)
    assert sound.exit_code == 0, sound.output
    file = tmp_path / "reports" / "runs" / run_ids[-1] / name
    published = file.read_bytes()
    damage(file)
    error = CliRunner().invoke(cli, asked).exception
    assert isinstance(error, ConfigError)
    assert error.message.startswith(f"The report of run {run_ids[-1]} is ")
    assert error.remedy == f"`sales-pipeline rebuild {run_ids[-1]}` makes it again."
    assert CliRunner().invoke(cli, ["rebuild", run_ids[-1]]).exit_code == 0
    assert file.read_bytes() == published
    assert CliRunner().invoke(cli, asked).stdout == sound.stdout


@pytest.mark.parametrize("command", [["publish"], ["resume"], ["resume", "--quiet"]])
def test_a_page_that_is_gone_is_no_bug_and_no_success(
    run_ids: list[str], tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "reports" / "latest" / "index.html").unlink()
    error = CliRunner().invoke(cli, [*command, run_ids[-1]]).exception
    assert isinstance(error, ConfigError)
    assert error.remedy == f"`sales-pipeline rebuild {run_ids[-1]}` makes it again."
    (tmp_path / "reports" / "runs" / run_ids[0] / "index.html").unlink()
    older = CliRunner().invoke(cli, [*command, run_ids[0]])
    if "publish" in command:  # which looks after what is shown
        assert isinstance(older.exception, ConfigError)
        assert older.exception.remedy == error.remedy
    # Reports of older runs may be removed, and how they ended stays.
    assert CliRunner().invoke(cli, ["rebuild", run_ids[-1]]).exit_code == 0
    assert CliRunner().invoke(cli, [*command, run_ids[0]]).exit_code == 0
