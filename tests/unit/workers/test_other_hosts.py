"""The last of the tries that Celery counts: for another host, where only this one failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.errors import FailsHereOnly, NoTemporaryRoom, RetryableError
from pipeline_core.machine.process_ids import host_mark
from pipeline_core.storage import open_storage
from tests.support.ledgers import planned_ledger
from tests.support.run import note_attempt
from workers.fitness import other_hosts
from workers.sending.broker import Answer

AWAY = RetryableError("The storage does not answer.", "Look at it.")


@pytest.mark.parametrize(
    ("hosts", "others", "is_last", "error", "raised"),
    [
        (["here", "here"], True, True, AWAY, FailsHereOnly),
        (["here", "here"], True, False, AWAY, RetryableError),  # it has more tries
        (["here", "here"], False, True, AWAY, RetryableError),
        (["here", "there"], True, True, AWAY, RetryableError),
        (["there"], True, True, AWAY, RetryableError),
        ([], True, True, AWAY, RetryableError),
        (["here"], True, True, NoTemporaryRoom("There is no room."), NoTemporaryRoom),
    ],
)
def test_only_what_failed_here_alone_is_for_another_host(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hosts: list[str],
    others: bool,
    is_last: bool,
    error: RetryableError,
    raised: type[Exception],
) -> None:
    monkeypatch.setattr(other_hosts, "another_host_works", lambda: others)
    ledger = planned_ledger(open_storage(str(tmp_path)))
    for number, host in enumerate(hosts, start=1):
        mark = host_mark() if host == "here" else host
        note_attempt(ledger, "00000", number, state="failed", host=mark)
    last = other_hosts.last_try_elsewhere(ledger, "00000", is_last=is_last)
    with pytest.raises(RetryableError) as found, last:
        raise error
    assert type(found.value) is raised
    if raised is FailsHereOnly:
        assert "failed in 2 attempts on this host" in str(found.value)
        assert AWAY.message in str(found.value)
        assert found.value.remedy == AWAY.remedy


@pytest.mark.parametrize(
    ("host", "unfit", "works"),
    [
        ("there", "", True),
        ("there", "It has no room.", False),
        (host_mark(), "", False),
        ("", "", False),
    ],
)
def test_another_host_is_one_of_another_mark_that_is_well(
    monkeypatch: pytest.MonkeyPatch, host: str, unfit: str, works: bool
) -> None:
    own = Answer(1, None, has_our_key=True, host=host_mark())
    other = own._replace(host=host, unfit=unfit)
    monkeypatch.setattr(other_hosts, "answers", lambda **_: {"own": own, "other": other})
    assert other_hosts.another_host_works() is works
