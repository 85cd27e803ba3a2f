"""What doctor says of the decoder: there is no machine of each kind to ask it on."""

from __future__ import annotations

import pytest

from console import doctor
from pipeline_core.settings import load_settings


@pytest.mark.parametrize(
    ("built", "libdeflate", "state", "missing"),
    [
        (True, True, "ok", ()),
        (False, True, "warned", ("C compiler",)),
        (True, False, "warned", ("libdeflate",)),
        (False, False, "warned", ("C compiler", "libdeflate")),
    ],
)
def test_what_makes_decoding_fast_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    built: bool,
    libdeflate: bool,
    state: str,
    missing: tuple[str, ...],
) -> None:
    monkeypatch.setattr(doctor, "IS_BUILT", built)
    monkeypatch.setattr(doctor, "HAS_LIBDEFLATE", libdeflate)
    found = doctor._decoding(load_settings())
    assert found.state == state
    assert all(name in found.remedy for name in missing)
