"""What .env says of object stores, which this process was told, as it was told its state's key.

It is not put into the environment: of that, programs and notebooks around us have the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# How names of a service's settings begin, by its scheme.
VARIABLES = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
_SET = "in the environment or in .env, or give the machine a role that may use the place"
# What to do where there are none, by how the names begin.
NO_CREDENTIALS = {
    "AWS_": f"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY {_SET}; ~/.aws is not read.",
    "GOOGLE_": f"Set GOOGLE_APPLICATION_CREDENTIALS {_SET}.",
    "AZURE_": f"Set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY {_SET}.",
}
_in_force: dict[str, str] = {}


def use_store_variables(variables: Mapping[str, str]) -> None:
    """From now on object stores of this process are opened with these, by names as in the
    environment, whose own say the rest."""
    global _in_force  # noqa: PLW0603  (a process has one .env)
    _in_force = dict(variables)


def store_variables() -> dict[str, str]:
    """Those in force, to hand to a child process. Some are secrets."""
    return _in_force


def client_settings(scheme: str) -> dict[str, Any]:
    """Those of a service as obstore's clients take them: ``config`` and ``client_options``."""
    begin = VARIABLES[scheme]
    said = {name.lower(): text for name, text in _in_force.items() if name.startswith(begin)}
    allow_http = said.pop("aws_allow_http", None)  # no client has it among its own
    options = {"client_options": {"allow_http": allow_http}} if allow_http else {}
    return {"config": said, **options}
