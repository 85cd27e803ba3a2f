"""docker-compose.yml as the tests read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from tests.support import PROJECT

COMPOSE_FILE = PROJECT / "docker-compose.yml"
# ${NAME}, ${NAME:-default} and the rest of that family; $$ is a plain dollar.
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}")


def load_compose() -> dict[str, Any]:
    """The file with its anchors resolved and its variables as they stand."""
    compose: dict[str, Any] = YAML(typ="safe").load(COMPOSE_FILE)
    return compose


def compose_command(service: str) -> list[str]:
    """What a service runs, ready for ``subprocess``."""
    command = load_compose()["services"][service]["command"]
    return [_resolved(word) for word in command]


def compose_environment(service: str) -> dict[str, str]:
    """A service's variables as they are on a fresh clone, without .env."""
    environment = load_compose()["services"][service]["environment"]
    return {name: _resolved(value) for name, value in environment.items()}


def compose_ports(service: str, env: Mapping[str, str] | None = None) -> list[str]:
    """What a service publishes on the host, ``env`` being what stands in .env."""
    return [_resolved(port, env) for port in load_compose()["services"][service].get("ports", ())]


def _resolved(text: str, env: Mapping[str, str] | None = None) -> str:
    known = env or {}
    return VARIABLE.sub(lambda found: known.get(found[1]) or found[2] or "", text).replace(
        "$$", "$"
    )
