"""Which failures are the machine's own, and which are not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import (
    ConfigError,
    NoCredentials,
    NoTemporaryRoom,
    NotServed,
    PipelineError,
    RetryableError,
    TooCostly,
    UnreadableArchive,
)
from pipeline_core.fitness.local_failures import LocalFailures, cause_now

NOWHERE = {"data": "Cannot list s3://shop/data: there is no answer."}


@pytest.mark.parametrize("kind", [NoCredentials, NoTemporaryRoom])
def test_want_of_credentials_and_of_room_is_known_at_once(kind: type[PipelineError]) -> None:
    def look() -> dict[str, str]:
        pytest.fail("nothing needs to be looked at")

    assert LocalFailures(look).cause_of(kind("It is so.", "Do that.")) == "It is so."


def test_a_storage_that_is_away_is_looked_at_after_the_third_failure_in_a_row() -> None:
    failures = LocalFailures(lambda: NOWHERE)
    away = RetryableError("There is no answer.")
    assert [failures.cause_of(away) for _ in range(2)] == ["", ""]
    failures.worked()
    assert [failures.cause_of(away) for _ in range(2)] == ["", ""]
    assert failures.cause_of(away) == (
        "It cannot use data: Cannot list s3://shop/data: there is no answer."
    )


def test_a_refusal_is_looked_at_at_once_for_it_would_end_the_run() -> None:
    assert LocalFailures(lambda: NOWHERE).cause_of(ConfigError("Access is denied."))
    assert LocalFailures(dict).cause_of(ConfigError("A plug-in is missing.")) == ""


@pytest.mark.parametrize("kind", [NotServed, TooCostly, UnreadableArchive])
def test_what_the_work_is_at_fault_for_is_no_fault_of_the_machine(
    kind: type[PipelineError],
) -> None:
    failures = LocalFailures(lambda: NOWHERE)
    assert [failures.cause_of(kind("It is so.")) for _ in range(4)] == [""] * 4


def test_a_look_names_the_folder_and_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(str(tmp_path / "state"), str(tmp_path / "data"), str(tmp_path / "reports"))
    found = cause_now(shop, follow_links=False)
    assert found.startswith("It cannot use data: ")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    found = cause_now(shop, follow_links=False)
    assert found.startswith(f"Cannot write 64 MiB of temporary files to {tmp_path}/gone: No such")
    assert found.endswith("set TMPDIR to a folder with room.")
