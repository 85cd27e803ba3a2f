"""What groups of settings are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipeline_core.addresses.web_url import check_address

# What every clock, and JSON, can hold: more is a slip of the hand that only a run would notice.
MOST = 1_000_000_000_000_000
Seconds = Annotated[int, Field(ge=1, le=1_000_000_000)]
Count = Annotated[int, Field(ge=1, le=MOST)]
# Exact: a float of 0.3 is less than 0.3.
Share = Annotated[Decimal, Field(ge=0, le=1)]


def _address(value: str) -> str:
    check_address(value)
    return value


# A host name or an IP address, and nothing more.
Address = Annotated[str, AfterValidator(_address)]


class SettingGroup(BaseModel):
    """Some of the fields of ``Settings``, with what they say by themselves."""

    # Only Settings is ever made: a validator of each group would take time at every start.
    model_config = ConfigDict(defer_build=True)
