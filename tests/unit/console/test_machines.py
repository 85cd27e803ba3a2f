"""What `doctor` says of a fleet whose machines are not alike."""

from __future__ import annotations

import pytest

from console.doctor.machines import unlike
from pipeline_core.settings import Settings, load_settings
from pipeline_core.settings.alike import digests
from workers.programs.told import versions
from workers.sending.broker import Answer


@pytest.fixture
def own() -> Settings:
    return load_settings({"returns": "net", "flower_password": "a secret of ours"})


def _answer(own: Settings, **told: object) -> Answer:
    alike = Answer(1, None, has_our_key=True, versions=versions(), settings=digests(own))
    return alike._replace(**told)  # type: ignore[arg-type]


def test_machines_that_are_alike_need_no_word(own: Settings) -> None:
    assert (
        unlike(own, {"w1@one": _answer(own, ahead=5.0), "w2@two": _answer(own, ahead=-5.0)}) is None
    )
    old = Answer(1, None, has_our_key=True)  # of a version that tells nothing
    assert unlike(own, {"old": old}) is None


@pytest.mark.parametrize(("ahead", "said"), [(300.0, "300 s ahead of"), (-301.4, "301 s behind")])
def test_a_clock_that_is_off_is_named_with_its_worker(
    own: Settings, ahead: float, said: str
) -> None:
    found = unlike(own, {"w1@one": _answer(own), "w2@two": _answer(own, ahead=ahead)})
    assert found is not None
    assert found.state == "failed"
    assert found.found == f"The clock of w2@two is {said} this machine's."


def test_versions_and_settings_that_differ_are_named_without_their_values(own: Settings) -> None:
    other = digests(load_settings({"returns": "separate", "jobs": 99, "max_part_bytes": 1}))
    found = unlike(
        own,
        {"w2@two": _answer(own, settings=other, versions=versions() | {"pyarrow": "0", "x": "1"})},
    )
    assert found is not None
    assert found.state == "warned"
    assert found.found == (
        "w2@two has other versions than this machine: pyarrow. "
        "w2@two has other settings than this machine: SALES_MAX_PART_BYTES, SALES_RETURNS."
    )


def test_no_secret_is_compared_or_told(own: Settings) -> None:
    told = digests(own)
    assert "SALES_RETURNS" in told
    assert not {name for name in told if "PASSWORD" in name or "KEY" in name or "URL" in name} - {
        "SALES_REPORTS_URL"
    }
