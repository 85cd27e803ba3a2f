"""ops/kubernetes, as far as it can be judged without a cluster: by the schemas that Kubernetes
publishes and by rules of ours. KEDA's is not among them: ``SCALED`` has what its documents say of
the fields in use."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from console.command import COMMANDS, command_of
from pipeline_core.settings import Settings, load_settings
from pipeline_core.settings.environment import STORE_VARIABLES
from tests.support import PROJECT
from tests.support.kubernetes.excerpt import EXCERPT
from tests.support.ops_files import (
    Manifests,
    container,
    given_secrets,
    given_variables,
    load_manifests,
    pods,
)
from workers.config import celery_config

Rule = Callable[[Manifests], Iterator[str]]
GROUPS = {"apps/v1": "apps", "batch/v1": "batch", "v1": "core"}
HOLDERS = {
    "sales-broker": {"worker", "beat", "run"},
    "sales-database": {"worker", "run"},
    "sales-state-key": {"worker", "run", "serve"},
    "sales-store": {"worker", "run"},
    "sales-store-reader": {"serve"},
}
# What stands in the Secrets, as docs/how-to/kubernetes.md makes them.
SECRETS = {
    "sales-broker": {"SALES_BROKER_URL": "rediss://sales:p@redis.example:6379/0"},
    "sales-database": {"SALES_DATABASE_URL": "postgresql://reports:p@db.example/shop"},
    "sales-state-key": {"SALES_STATE_KEY": "0123456789abcdef" * 2},
    "sales-store": {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
    "sales-store-reader": {"AWS_ACCESS_KEY_ID": "c", "AWS_SECRET_ACCESS_KEY": "d"},
}
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}


def _closed(required: str, **properties: Any) -> dict[str, Any]:
    shape = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**shape, "required": required.split()}


SCALED = _closed(
    "apiVersion kind metadata spec",
    apiVersion={"const": "keda.sh/v1alpha1"},
    kind={"const": "ScaledObject"},
    metadata={"type": "object"},
    spec=_closed(
        "scaleTargetRef triggers",
        scaleTargetRef=_closed("name", name=_TEXT, kind=_TEXT, apiVersion=_TEXT),
        minReplicaCount=_NUMBER,
        maxReplicaCount=_NUMBER,
        pollingInterval=_NUMBER,
        advanced=_closed(
            "horizontalPodAutoscalerConfig",
            horizontalPodAutoscalerConfig=_closed(
                "behavior",
                behavior=_closed(
                    "scaleDown",
                    scaleDown=_closed("", stabilizationWindowSeconds=_NUMBER | {"maximum": 3600}),
                ),
            ),
        ),
        triggers={
            "type": "array",
            "minItems": 1,
            "items": _closed(
                "type metadata",
                type={"const": "prometheus"},
                metadata=_closed(
                    "serverAddress query threshold",
                    serverAddress=_TEXT,
                    query=_TEXT,
                    threshold={"type": "string", "pattern": "^[0-9.]+$"},
                    activationThreshold={"type": "string", "pattern": "^[0-9.]+$"},
                    ignoreNullValues={"enum": ["true", "false"]},
                ),
            ),
        },
    ),
)


def _component(name: str) -> str:
    return name.rpartition("-")[2]


@cache
def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXCERPT.read_text())
    return found


def _schema(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """None of a kind that there is not in its version."""
    if manifest["kind"] == "ScaledObject":
        return SCALED
    version = manifest["apiVersion"]
    name = f"io.k8s.api.{GROUPS[version]}.{version.rpartition('/')[2]}.{manifest['kind']}"
    published = _published()
    return {"$defs": published, "$ref": f"#/$defs/{name}"} if name in published else None


def as_published(manifests: Manifests) -> Iterator[str]:
    for name, each in manifests.items():
        schema = _schema(each)
        if schema is None:
            yield f"{name}: {each['apiVersion']} has no such kind"
            continue
        for error in Draft202012Validator(schema).iter_errors(each):
            yield f"{name}: {error.json_path}: {error.message[:200]}"


def pods_are_confined(manifests: Manifests) -> Iterator[str]:
    for name, pod in pods(manifests):
        shared, own = pod.get("securityContext", {}), container(pod).get("securityContext", {})
        if not (shared.get("runAsNonRoot") and shared.get("runAsUser") == 10001):
            yield f"{name} is root, or not the image's user"
        if shared.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name} may call all of the kernel"
        if own.get("allowPrivilegeEscalation", True) or not own.get("readOnlyRootFilesystem"):
            yield f"{name} may gain privileges or write to its image"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{name} has capabilities"
        if pod.get("automountServiceAccountToken", True):
            yield f"{name} has a token of the cluster"


def services_set_no_settings(manifests: Manifests) -> Iterator[str]:
    """A service `sales-serve` would make SALES_SERVE_PORT an address, in every pod."""
    yield from (name for name, pod in pods(manifests) if pod.get("enableServiceLinks", True))


def pods_have_bounds(manifests: Manifests) -> Iterator[str]:
    for name, pod in pods(manifests):
        told = container(pod).get("resources", {})
        if not (told.get("requests", {}).keys() >= {"cpu", "memory"} and told.get("limits")):
            yield name


def workers_may_finish(manifests: Manifests) -> Iterator[str]:
    pod = manifests["Deployment/sales-worker"]["spec"]["template"]["spec"]
    wait = int(given_variables(pod, manifests)["SALES_SHUTDOWN_WAIT"])
    grace = pod.get("terminationGracePeriodSeconds", 30)
    if grace < wait + 15 or wait != celery_config(load_settings())["worker_soft_shutdown_timeout"]:
        yield f"killed after {grace} s, SALES_SHUTDOWN_WAIT is {wait} s"


def those_that_last_are_probed(manifests: Manifests) -> Iterator[str]:
    for name, pod in pods(manifests):
        if name.startswith("Deployment/") and "livenessProbe" not in container(pod):
            yield name
    worker = container(manifests["Deployment/sales-worker"]["spec"]["template"]["spec"])
    for probe in ("startupProbe", "livenessProbe"):
        if worker[probe]["exec"]["command"] != ["sales-pipeline", "doctor", "--live"]:
            yield probe


def one_beat(manifests: Manifests) -> Iterator[str]:
    spec = manifests["Deployment/sales-beat"]["spec"]
    if (spec.get("replicas"), spec.get("strategy")) != (1, {"type": "Recreate"}):
        yield "a second one may begin before the first has ended"


def secrets_are_with_who_needs_them(manifests: Manifests) -> Iterator[str]:
    for name, pod in pods(manifests):
        needs = {secret for secret, holders in HOLDERS.items() if _component(name) in holders}
        yield from (f"{name}: {secret}" for secret in given_secrets(pod) ^ needs)


def no_secret_stands_here(manifests: Manifests) -> Iterator[str]:
    secret = {
        f"SALES_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation) or isinstance(field.default, SecretStr)
    }
    secret |= {each for row in STORE_VARIABLES for each in row if "KEY" in each or "TOKEN" in each}
    for name, pod in pods(manifests):
        yield from (f"{name}: {each}" for each in given_variables(pod, manifests).keys() & secret)
    yield from (name for name in manifests if name.startswith("Secret/"))


def settings_are_settings(manifests: Manifests) -> Iterator[str]:
    known = {f"SALES_{name.upper()}" for name in Settings.model_fields}
    known |= {name for row in STORE_VARIABLES for name in row}
    for name, pod in pods(manifests):
        yield from (f"{name}: {each}" for each in given_variables(pod, manifests).keys() - known)


def commands_are_there(manifests: Manifests) -> Iterator[str]:
    for name, pod in pods(manifests):
        program, *words = container(pod)["command"]
        if program == "celery":
            if words[:3] != ["-A", "workers", _component(name)]:
                yield f"{name}: {words}"
            continue
        known = {o for p in command_of(words[0]).params for o in p.opts} if COMMANDS else set()
        if program != "sales-pipeline" or not set(words[1:]) <= known:
            yield f"{name}: {words}"


def one_image(manifests: Manifests) -> Iterator[str]:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    for name, pod in pods(manifests):
        if container(pod)["image"] != f"sales-pipeline:{version}":
            yield name


def what_is_written_has_a_place(manifests: Manifests) -> Iterator[str]:
    for name, pod in pods(manifests):
        mounted = {each["mountPath"] for each in container(pod)["volumeMounts"]}
        if "/tmp" not in mounted:  # noqa: S108  (in the container)
            yield f"{name} has no temporary folder"
        if {each["name"] for each in container(pod)["volumeMounts"]} != {
            each["name"] for each in pod["volumes"]
        }:
            yield f"{name} mounts another volume than it has"


def labels_meet(manifests: Manifests) -> Iterator[str]:
    labels = {}
    for name, each in manifests.items():
        if name.startswith("Deployment/"):
            labels[name] = each["spec"]["template"]["metadata"]["labels"]
            if each["spec"]["selector"]["matchLabels"] != labels[name]:
                yield name
    selector = manifests["Service/sales-serve"]["spec"]["selector"]
    if [name for name, own in labels.items() if own == selector] != ["Deployment/sales-serve"]:
        yield "Service/sales-serve"


def workers_are_scaled_by_their_work(manifests: Manifests) -> Iterator[str]:
    spec = manifests["ScaledObject/sales-worker"]["spec"]
    target = manifests.get(f"Deployment/{spec['scaleTargetRef']['name']}")
    if target is None or "replicas" in target["spec"]:
        yield "nobody, or two, say how many workers there are"
        return
    if spec.get("minReplicaCount", 0) < 1:
        yield "without a worker no run would begin"
    told = " ".join(container(target["spec"]["template"]["spec"])["command"])
    [trigger] = spec["triggers"]
    if trigger["metadata"]["threshold"] not in re.findall(r"--concurrency=(\d+)", told):
        yield "a pod has another number of processes"


RULES: tuple[Rule, ...] = (
    as_published,
    pods_are_confined,
    services_set_no_settings,
    pods_have_bounds,
    workers_may_finish,
    those_that_last_are_probed,
    one_beat,
    secrets_are_with_who_needs_them,
    no_secret_stands_here,
    settings_are_settings,
    commands_are_there,
    one_image,
    what_is_written_has_a_place,
    labels_meet,
    workers_are_scaled_by_their_work,
)
WORKER, SERVE, BEAT, SCALER = (
    "Deployment/sales-worker",
    "Deployment/sales-serve",
    "Deployment/sales-beat",
    "ScaledObject/sales-worker",
)
_POD = "spec template spec"
_IN = f"{_POD} containers 0"
# rule, manifest, where in it, a value that breaks the rule (None: without the key)
BREAKAGES: tuple[tuple[Rule, str, str, Any], ...] = (
    (as_published, WORKER, f"{_POD} terminationGracePeriod", 90),
    (as_published, WORKER, f"{_IN} livenessProbe exec command", "doctor"),
    (as_published, WORKER, "apiVersion", "batch/v1"),
    (as_published, "Job/sales-run", "spec backofLimit", 0),
    (as_published, "Service/sales-serve", "spec ports 0 port", "80"),
    (as_published, "ConfigMap/sales-settings", "data SALES_SHUTDOWN_WAIT", 60),
    (as_published, SCALER, "spec triggers 0 metadata threshold", 2),
    (as_published, SCALER, "spec minReplicas", 1),
    (as_published, SCALER, "spec triggers 0 type", "redis"),
    (pods_are_confined, WORKER, f"{_POD} securityContext", None),
    (pods_are_confined, SERVE, f"{_POD} securityContext seccompProfile", None),
    (pods_are_confined, BEAT, f"{_IN} securityContext readOnlyRootFilesystem", None),
    (pods_are_confined, BEAT, f"{_IN} securityContext capabilities", {"drop": []}),
    (pods_are_confined, "Job/sales-run", f"{_POD} automountServiceAccountToken", None),
    (services_set_no_settings, SERVE, f"{_POD} enableServiceLinks", None),
    (pods_have_bounds, BEAT, f"{_IN} resources limits", None),
    (workers_may_finish, WORKER, f"{_POD} terminationGracePeriodSeconds", None),
    (workers_may_finish, "ConfigMap/sales-settings", "data SALES_SHUTDOWN_WAIT", "120"),
    (those_that_last_are_probed, SERVE, f"{_IN} livenessProbe", None),
    (those_that_last_are_probed, WORKER, f"{_IN} startupProbe exec command", ["true"]),
    (one_beat, BEAT, "spec replicas", 2),
    (one_beat, BEAT, "spec strategy", None),
    (secrets_are_with_who_needs_them, BEAT, f"{_IN} envFrom 1 secretRef name", "sales-store"),
    (secrets_are_with_who_needs_them, SERVE, f"{_IN} envFrom 2 secretRef name", "sales-store"),
    (no_secret_stands_here, "ConfigMap/sales-settings", "data SALES_BROKER_URL", "redis://x"),
    (no_secret_stands_here, "ConfigMap/sales-settings", "data AWS_SECRET_ACCESS_KEY", "x"),
    (settings_are_settings, "ConfigMap/sales-settings", "data SALES_REPORT", "s3://x/y"),
    (commands_are_there, WORKER, f"{_IN} command 3", "beat"),
    (commands_are_there, "Job/sales-run", f"{_IN} command 2", "--waits"),
    (one_image, SERVE, f"{_IN} image", "sales-pipeline:latest"),
    (what_is_written_has_a_place, WORKER, f"{_IN} volumeMounts", []),
    (labels_meet, WORKER, "spec selector matchLabels", {"a": "b"}),
    (labels_meet, "Service/sales-serve", "spec selector", {"a": "b"}),
    (workers_are_scaled_by_their_work, SCALER, "spec minReplicaCount", 0),
    (workers_are_scaled_by_their_work, SCALER, "spec scaleTargetRef name", "worker"),
    (workers_are_scaled_by_their_work, WORKER, "spec replicas", 3),
    (workers_are_scaled_by_their_work, WORKER, f"{_IN} command 4", "--concurrency=4"),
)


def _set(manifest: Any, where: str, value: Any) -> None:
    *way, last = (int(word) if word.isdecimal() else word for word in where.split())
    for step in way:
        manifest = manifest[step]
    if value is None:
        del manifest[last]
    else:
        manifest[last] = value


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_manifests(rule: Rule) -> None:
    assert list(rule(load_manifests())) == []


@pytest.mark.parametrize(("rule", "name", "where", "value"), BREAKAGES)
def test_the_rules_see_what_breaks_them(rule: Rule, name: str, where: str, value: Any) -> None:
    broken = copy.deepcopy(load_manifests())
    _set(broken[name], where, value)
    assert list(rule(broken))


def test_every_rule_was_seen_to_fail() -> None:
    assert {rule for rule, *_ in BREAKAGES} == set(RULES)


@pytest.mark.parametrize("name", [name for name, _ in pods(load_manifests())])
def test_each_pod_has_settings_that_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = load_manifests()
    pod = dict(pods(manifests))[name]
    given = given_variables(pod, manifests)
    for secret in given_secrets(pod):
        given |= SECRETS[secret]
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = load_settings()
    assert settings.chosen_engine() == "celery"
    assert settings.state == "s3://shop/state"
