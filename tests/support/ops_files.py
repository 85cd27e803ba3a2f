"""The files of ops/ as the tests read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML

from tests.support import PROJECT

KUBERNETES = PROJECT / "ops" / "kubernetes"
Manifest = dict[str, Any]
Manifests = dict[str, Manifest]


def load_manifests() -> Manifests:
    """Every document of ops/kubernetes, by kind and name: ``Deployment/sales-worker``."""
    found = {}
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for document in YAML(typ="safe").load_all(path):
            named = document["metadata"]
            name = named.get("name") or named["generateName"].rstrip("-")
            found[f"{document['kind']}/{name}"] = document
    apart: Manifests = json.loads(json.dumps(found))  # anchors are one object in several places
    return apart


def pods(manifests: Manifests) -> Iterator[tuple[str, Manifest]]:
    """What starts pods, by its name, and what they are."""
    for name, each in manifests.items():
        if "template" in each.get("spec", {}):
            yield name, each["spec"]["template"]["spec"]


def container(pod: Manifest) -> Manifest:
    """The only one of a pod."""
    [found] = pod["containers"]
    only: Manifest = found
    return only


def given_secrets(pod: Manifest) -> set[str]:
    """Names of the Secrets that a pod's environment has."""
    told = (each.get("secretRef") for each in container(pod).get("envFrom", ()))
    return {each["name"] for each in told if each}


def given_variables(pod: Manifest, manifests: Manifests) -> dict[str, str]:
    """A pod's environment but for Secrets."""
    maps = (each.get("configMapRef") for each in container(pod).get("envFrom", ()))
    found: dict[str, str] = {}
    for each in maps:
        if each:
            found |= manifests[f"ConfigMap/{each['name']}"]["data"]
    return found | {each["name"]: each["value"] for each in container(pod).get("env", ())}


def rules() -> list[dict[str, Any]]:
    """Prometheus' alerts."""
    told = YAML(typ="safe").load(PROJECT / "ops" / "prometheus" / "rules.yaml")
    return [rule for group in told["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Grafana's."""
    told: dict[str, Any] = json.loads((PROJECT / "ops/grafana/dashboard.json").read_text())
    return told
