"""docker-compose.yml and the Dockerfile, as far as they can be judged without an engine."""

from __future__ import annotations

import ast
import copy
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from pydantic import SecretStr
from ruamel.yaml import YAML

from pipeline_core.settings import Settings, load_settings
from tests.support import PROJECT
from tests.support.compose import (
    COMPOSE_FILE,
    VARIABLE,
    compose_command,
    compose_environment,
    compose_ports,
    load_compose,
)
from workers.config import celery_config

Compose = dict[str, Any]
Rule = Callable[[Compose], Iterator[str]]
IMAGE = "sales-pipeline"
IMAGE_VERSIONS = (
    re.compile(r"postgres:(?P<version>\d+\.\d+)-[a-z]+"),
    re.compile(r"redis:(?P<version>\d+\.\d+)(\.\d+)?-alpine"),
)
CLIENTS = {
    "postgres": {"worker"},
    "redis": {"worker", "beat", "flower"},
    "web": set[str](),
}
# Of .env, and who may know them.
HOLDERS = {
    "REDIS_PASSWORD": {"redis", "worker", "beat", "flower"},
    "SALES_DB_PASSWORD": {"postgres", "worker"},
    "SALES_FLOWER_PASSWORD": {"flower"},
    "SALES_STATE_KEY": {"worker", "web"},
}
# Elsewhere there is no default, or it is not for a container.
OWN_DEFAULTS = {"SALES_FLOWER_PASSWORD", "SALES_STATE_KEY", "SALES_SERVE_NAMES", "SALES_FLOWER_URL"}
SETTINGS = {f"SALES_{name.upper()}" for name in Settings.model_fields}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _named_volumes(service: Compose) -> dict[str, str]:
    pairs = (volume.split(":") for volume in service.get("volumes", ()) if ":" in volume)
    return {source: target for source, target, *_ in pairs if not source.startswith(".")}


# What the schema does not see. Each rule yields what is wrong.


def dependencies_are_there(compose: Compose) -> Iterator[str]:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name} depends on {other}, which is not there"
            elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name} waits for {other} to be healthy, which nothing checks"


def every_service_lasts(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if service.get("restart") != "unless-stopped" or "healthcheck" not in service:
            yield name


def workers_scale(compose: Compose) -> Iterator[str]:
    yield from compose["services"]["worker"].keys() & {"container_name", "hostname", "ports"}


def ports_are_on_loopback(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        for port in service.get("ports", ()):
            if name == "redis" or not str(port).startswith("127.0.0.1:"):
                yield f"{name}: {port}"


def variables_are_settings(compose: Compose) -> Iterator[str]:
    for service in compose["services"].values():
        yield from (n for n in service.get("environment", {}) if _is_unknown_setting(n))
    for text in _strings(compose):
        for name, default in VARIABLE.findall(text):
            if name != "REDIS_PASSWORD" and name not in SETTINGS:
                yield f"{name} is no setting"
            if not default and name != "SALES_STATE_KEY":
                yield f"{name} has no default: a fresh clone would not start"


def _is_unknown_setting(name: str) -> bool:
    return name.startswith("SALES_") and name not in SETTINGS


def redis_keeps_and_guards(compose: Compose) -> Iterator[str]:
    redis = compose["services"]["redis"]
    script = redis["command"][-1]
    for part in (
        "--appendonly yes",
        "--maxmemory-policy noeviction",
        'requirepass "$$REDISCLI_AUTH"',
    ):
        if part not in script:
            yield part
    password = redis["environment"]["REDISCLI_AUTH"]
    if not VARIABLE.fullmatch(password):
        yield "the password cannot be set"
    for name in CLIENTS["redis"]:
        url = compose["services"][name]["environment"].get("SALES_BROKER_URL", "")
        if not url.startswith(f"redis://:{password}@redis:"):
            yield f"{name} has another password"


def workers_may_finish(compose: Compose) -> Iterator[str]:
    grace = int(compose["services"]["worker"].get("stop_grace_period", "10s").removesuffix("s"))
    if grace <= celery_config(load_settings())["worker_soft_shutdown_timeout"]:
        yield f"killed after {grace} s, before the soft shutdown ends"


def commands_are_plain(compose: Compose) -> Iterator[str]:
    for name in ("worker", "beat", "flower"):
        command = compose["services"][name]["command"]
        plain, options = command[:4], command[4:]
        if plain != ["celery", "-A", "workers", name]:
            yield f"{name}: {plain}"
        yield from (option for option in options if not option.startswith("--"))


def volumes_are_declared(compose: Compose) -> Iterator[str]:
    services = compose["services"].values()
    yield from {v for service in services for v in _named_volumes(service)} ^ set(
        compose["volumes"]
    )


def mounted_files_are_there(compose: Compose) -> Iterator[str]:
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./") and source != "./data" and not (PROJECT / source).is_file():
                yield source


def our_containers_are_confined(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if "no-new-privileges:true" not in service.get("security_opt", ()):
            yield f"{name} may gain privileges"
        if not service.get("read_only"):
            yield f"{name} may write to its image"
        if service["image"] == IMAGE and service.get("cap_drop") != ["ALL"]:
            yield f"{name} has capabilities"


def nobody_is_root(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        # Our image names its own user.
        if service["image"] != IMAGE and service.get("user", "root") in {"root", "0"}:
            yield name


def one_service_builds_the_image(compose: Compose) -> Iterator[str]:
    """Two builds of one tag at a time collide; and nobody pulls a stranger's `sales-pipeline`."""
    services = compose["services"]
    ours = {name for name, service in services.items() if service["image"] == IMAGE}
    for name in ours:
        service = services[name]
        builds = "build" in service
        if builds != (name == "worker"):
            yield f"{name}: build"
        if service["pull_policy"] != ("build" if builds else "never"):
            yield f"{name}: pull_policy"
        if not builds and "worker" not in service["depends_on"]:
            yield f"{name} may start before its image is there"


def only_workers_write_what_they_share(compose: Compose) -> Iterator[str]:
    services = compose["services"]
    shared = _named_volumes(services["worker"]).keys()
    for name, service in services.items():
        for volume in service.get("volumes", ()) if name != "worker" else ():
            if volume.split(":")[0] in shared and not volume.endswith(":ro"):
                yield f"{name}: {volume}"


def the_web_page_knows_no_secret(compose: Compose) -> Iterator[str]:
    web = compose["services"]["web"]
    known = {"SALES_REPORTS", "SALES_STATE", "SALES_FLOWER_URL"}
    known |= {"SALES_SERVE_HOST", "SALES_SERVE_NAMES"}
    known |= {"SALES_STATE_KEY"}  # the live page is of what the state says
    yield from web["environment"].keys() - known
    if web["command"] != ["sales-pipeline", "serve"]:
        yield f"it runs {web['command']}"


def only_workers_read_the_whole_env_file(compose: Compose) -> Iterator[str]:
    """It may hold keys of an object store, a webhook, and HOOK_* tokens."""
    for name, service in compose["services"].items():
        if bool(service.get("env_file")) != (name == "worker"):
            yield name


def a_secret_is_with_who_needs_it(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        environment = service.get("environment", {})
        given = {found[0] for text in _strings(service) for found in VARIABLE.findall(text)}
        has = given & HOLDERS.keys()
        if service.get("env_file"):  # what is not set anew is had from there
            has |= {secret for secret in HOLDERS if environment.get(secret) != ""}
        needs = {secret for secret, holders in HOLDERS.items() if name in holders}
        yield from (f"{name}: {secret}" for secret in has ^ needs)


def defaults_are_those_of_the_settings(compose: Compose) -> Iterator[str]:
    """What compose makes of a .env without the line."""
    for value in _strings(compose):
        for name, default in VARIABLE.findall(value):
            field = Settings.model_fields.get(name.removeprefix("SALES_").lower())
            if field is None or name in OWN_DEFAULTS:
                continue
            known = field.default
            text = known.get_secret_value() if isinstance(known, SecretStr) else str(known)
            if text.lower() != default.lower():
                yield f"{name}: {default}"


def images_name_a_version(compose: Compose) -> Iterator[str]:
    """Docker's own images, by a tag that will not be another version, or another Debian, one day:
    a database made with the texts of one is in disorder under the next."""
    for service in compose["services"].values():
        image = service["image"]
        if image != IMAGE and not any(form.fullmatch(image) for form in IMAGE_VERSIONS):
            yield image


def servers_are_reached_by_who_needs_them(compose: Compose) -> Iterator[str]:
    services, declared = compose["services"], compose.get("networks", {})
    used = {name: set(service.get("networks", ["default"])) for name, service in services.items()}
    yield from set().union(*used.values()) ^ declared.keys()
    yield from (name for name, how in declared.items() if how)  # `internal` would shut the ports
    for server, clients in CLIENTS.items():
        reach = {name for name, nets in used.items() if nets & used[server]} - {server}
        yield from (f"{name} and {server}" for name in reach ^ clients)


def the_web_page_answers_to_names(compose: Compose) -> Iterator[str]:
    """Inside it listens on every address: without names it would have to trust any."""
    names = compose["services"]["web"]["environment"].get("SALES_SERVE_NAMES", "")
    found = VARIABLE.fullmatch(names)
    if found is None:
        yield "they cannot be set"
    elif found[2] != "localhost":
        yield names


RULES: tuple[Rule, ...] = (
    dependencies_are_there,
    every_service_lasts,
    workers_scale,
    ports_are_on_loopback,
    variables_are_settings,
    redis_keeps_and_guards,
    workers_may_finish,
    commands_are_plain,
    volumes_are_declared,
    mounted_files_are_there,
    our_containers_are_confined,
    nobody_is_root,
    one_service_builds_the_image,
    only_workers_write_what_they_share,
    the_web_page_knows_no_secret,
    the_web_page_answers_to_names,
    only_workers_read_the_whole_env_file,
    a_secret_is_with_who_needs_it,
    defaults_are_those_of_the_settings,
    images_name_a_version,
    servers_are_reached_by_who_needs_them,
)
# rule, service, key, a value that breaks the rule (None: without the key)
BREAKAGES: tuple[tuple[Rule, str, str, Any], ...] = (
    (dependencies_are_there, "beat", "depends_on", {"rediss": {"condition": "service_started"}}),
    (dependencies_are_there, "redis", "healthcheck", None),
    (every_service_lasts, "worker", "restart", None),
    (every_service_lasts, "web", "healthcheck", None),
    (workers_scale, "worker", "container_name", "worker"),
    (workers_scale, "worker", "ports", ["127.0.0.1:1:1"]),
    (ports_are_on_loopback, "flower", "ports", ["5555:5555"]),
    (ports_are_on_loopback, "web", "ports", ["0.0.0.0:8080:8080"]),
    (ports_are_on_loopback, "postgres", "ports", ["${SALES_DB_PORT:-5432}:5432"]),
    (ports_are_on_loopback, "redis", "ports", ["127.0.0.1:6379:6379"]),
    (variables_are_settings, "worker", "environment", {"SALES_REPORT": "/reports"}),
    (variables_are_settings, "postgres", "environment", {"A": "${SALES_DB_PASS:-x}"}),
    (variables_are_settings, "postgres", "environment", {"A": "${SALES_DB_PASSWORD}"}),
    (redis_keeps_and_guards, "redis", "command", ["redis-server", "--appendonly yes"]),
    (redis_keeps_and_guards, "redis", "environment", {"REDISCLI_AUTH": "${OTHER:-other}"}),
    (workers_may_finish, "worker", "stop_grace_period", None),
    (workers_may_finish, "worker", "stop_grace_period", "60s"),
    (commands_are_plain, "beat", "command", ["celery", "-A", "workers.celery", "beat"]),
    (commands_are_plain, "worker", "command", ["celery", "-A", "workers", "worker", "-B"]),
    (volumes_are_declared, "beat", "volumes", ["bear:/beat"]),
    (mounted_files_are_there, "postgres", "volumes", ["./sql/seed.sql:/seed.sql:ro"]),
    (our_containers_are_confined, "beat", "cap_drop", None),
    (our_containers_are_confined, "web", "read_only", None),
    (our_containers_are_confined, "postgres", "security_opt", None),
    (nobody_is_root, "postgres", "user", None),
    (one_service_builds_the_image, "beat", "build", "."),
    (one_service_builds_the_image, "flower", "pull_policy", "missing"),
    (one_service_builds_the_image, "beat", "depends_on", {}),
    (only_workers_write_what_they_share, "web", "volumes", ["state:/state"]),
    (the_web_page_knows_no_secret, "web", "environment", {"SALES_BROKER_URL": "redis://x"}),
    (the_web_page_knows_no_secret, "web", "command", ["sales-pipeline", "run"]),
    (the_web_page_answers_to_names, "web", "environment", {}),
    (the_web_page_answers_to_names, "web", "environment", {"SALES_SERVE_NAMES": "localhost"}),
    (images_name_a_version, "postgres", "image", "postgres"),
    (images_name_a_version, "postgres", "image", "postgres:16"),
    (images_name_a_version, "postgres", "image", "postgres:latest"),
    (images_name_a_version, "redis", "image", "redis:7-alpine"),
    (images_name_a_version, "redis", "image", "registry.example/redis:7.4-alpine"),
    (servers_are_reached_by_who_needs_them, "web", "networks", None),
    (servers_are_reached_by_who_needs_them, "web", "networks", ["broker"]),
    (servers_are_reached_by_who_needs_them, "web", "networks", ["database"]),
    (servers_are_reached_by_who_needs_them, "flower", "networks", ["broker", "database"]),
    (servers_are_reached_by_who_needs_them, "flower", "networks", ["web"]),
    (servers_are_reached_by_who_needs_them, "worker", "networks", ["broker"]),
    (only_workers_read_the_whole_env_file, "web", "env_file", [{"path": ".env"}]),
    (only_workers_read_the_whole_env_file, "beat", "env_file", [{"path": ".env"}]),
    (only_workers_read_the_whole_env_file, "flower", "env_file", [{"path": ".env"}]),
    (only_workers_read_the_whole_env_file, "worker", "env_file", None),
    (a_secret_is_with_who_needs_it, "web", "environment", {}),
    (a_secret_is_with_who_needs_it, "beat", "environment", {"A": "${SALES_DB_PASSWORD:-x}"}),
    (a_secret_is_with_who_needs_it, "flower", "environment", {"A": "${SALES_STATE_KEY:-}"}),
    (a_secret_is_with_who_needs_it, "worker", "environment", {"SALES_ENGINE": "celery"}),
    (defaults_are_those_of_the_settings, "beat", "environment", {"A": "${SALES_TIMEZONE:-UTC+1}"}),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_compose_file(rule: Rule) -> None:
    assert list(rule(load_compose())) == []


@pytest.mark.parametrize(("rule", "service", "key", "value"), BREAKAGES)
def test_the_rules_see_what_breaks_them(rule: Rule, service: str, key: str, value: Any) -> None:
    broken = copy.deepcopy(load_compose())
    broken["services"][service].pop(key, None)
    if value is not None:
        broken["services"][service][key] = value
    assert list(rule(broken))


def test_every_rule_was_seen_to_fail() -> None:
    assert {rule for rule, *_ in BREAKAGES} == set(RULES)


def _check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_schema(tmp_path: Path) -> None:
    result = _check_schema(COMPOSE_FILE)
    assert result.returncode == 0, result.stdout
    broken = load_compose()
    broken["services"]["worker"]["healthchecks"] = {}
    (tmp_path / "broken.yml").write_text(json.dumps(broken))  # JSON is YAML
    assert _check_schema(tmp_path / "broken.yml").returncode == 1


def test_docker_compose_itself_takes_the_file() -> None:
    docker = shutil.which("docker") or "docker"
    asked = [docker, "compose", "version"]
    if (
        not shutil.which(docker)
        or subprocess.run(asked, capture_output=True, check=False).returncode
    ):
        pytest.skip("no `docker compose` here; the schema and the rules above were checked")
    command = [docker, "compose", "-f", str(COMPOSE_FILE), "config", "--format", "json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["services"].keys() == load_compose()["services"].keys()


def test_a_fresh_clone_has_settings_that_fit_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in compose_environment("worker").items():
        monkeypatch.setenv(name, value)
    settings, services = load_settings(), load_compose()["services"]
    assert settings.chosen_engine() == "celery"
    assert settings.broker_url is not None
    assert settings.broker_url.get_secret_value() == "redis://:mypassword@redis:6379/0"
    database = settings.chosen_database_url().get_secret_value()
    assert database == "postgresql+psycopg2://myuser:mypassword@postgres:5432/ecommerce_db"
    targets = {target for v in services["worker"]["volumes"] for target in v.split(":")[1:2]}
    assert {settings.data, settings.reports, settings.state} == targets
    assert compose_environment("postgres") == {
        "POSTGRES_USER": settings.db_user,
        "POSTGRES_PASSWORD": settings.db_password.get_secret_value(),
        "POSTGRES_DB": settings.db_name,
    }
    beat_folder = str(Path(compose_environment("beat")["SALES_BEAT_SCHEDULE_FILE"]).parent)
    assert beat_folder in _named_volumes(services["beat"]).values()


@pytest.mark.parametrize("service", ["beat", "flower"])
def test_what_sends_and_sees_tasks_has_enough(service: str, tmp_path: Path) -> None:
    """Both read all settings at their start, and no .env."""
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    script = (
        "import os, workers.celery as c; print(c.app.conf['broker_url']); print(dict(os.environ))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=bare | compose_environment(service) | {"PYTHONPATH": str(PROJECT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    broker, _, found = done.stdout.partition("\n")
    assert broker == "redis://:mypassword@redis:6379/0"
    environment = ast.literal_eval(found)
    assert environment.get("FLOWER_BASIC_AUTH") == (
        "admin:mypassword" if service == "flower" else None
    )


def test_the_example_of_an_object_store_names_it_to_the_page_too() -> None:
    text = (PROJECT / "docs" / "how-to" / "compose.md").read_text()
    [example] = re.findall(r"```yaml\n(.+?)```", text, flags=re.DOTALL)
    services = YAML(typ="safe").load(example)["services"]
    assert services.keys() == {"worker", "web"}
    worker, web = (services[name]["environment"] for name in ("worker", "web"))
    places = {"SALES_REPORTS", "SALES_STATE"}
    assert {name: worker[name] for name in places} == {name: web[name] for name in places}
    assert worker.keys() <= SETTINGS
    assert {name for name in web if not name.startswith("AWS_")} == places
    keys = {found[0] for value in web.values() for found in VARIABLE.findall(value)}
    assert keys == {"WEB_AWS_ACCESS_KEY_ID", "WEB_AWS_SECRET_ACCESS_KEY"}, "not the workers' own"
    assert all(f"{name}=" in text for name in keys)


@pytest.mark.parametrize("env", [{}, {"SALES_DB_PORT": ""}, {"SALES_DB_PORT": "5433"}])
def test_a_person_on_this_machine_reaches_the_database(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = env.get("SALES_DB_PORT") or "5432"
    assert compose_ports("postgres", env) == [f"127.0.0.1:{port}:5432"]
    # The command of this machine finds it by the same .env, and without any.
    monkeypatch.setenv("SALES_DB_PORT", port)
    database = load_settings().chosen_database_url().get_secret_value()
    assert database == f"postgresql+psycopg2://myuser:mypassword@localhost:{port}/ecommerce_db"
    known = compose_environment("postgres")
    assert database.partition("://")[2] == (
        f"{known['POSTGRES_USER']}:{known['POSTGRES_PASSWORD']}@localhost:{port}/"
        f"{known['POSTGRES_DB']}"
    )
    # Inside, the port is the server's own.
    assert compose_environment("worker")["SALES_DB_PORT"] == "5432"


# The image


def _instructions(*names: str) -> list[tuple[str, str]]:
    text = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line[:1].isalpha())
    return [(name, rest) for name, rest in lines if name in names]


def test_the_image_is_of_a_python_that_the_locks_are_for() -> None:
    bases = {rest.split()[0] for _, rest in _instructions("FROM")}
    [base] = bases  # both stages: /venv is copied from one to the other
    found = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", base)
    assert found, f"{base} names no version of Python and of Debian"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert found[1] in SpecifierSet(project["requires-python"])


def test_hadolint_has_no_complaint() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    command = [str(hadolint), "--failure-threshold", "info", str(PROJECT / "Dockerfile")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    ignore = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    copied = [rest.split()[:-1] for _, rest in _instructions("COPY") if "--from" not in rest]
    sources = {source for line in copied for source in line}
    assert {source for source in sources if not (PROJECT / source).exists()} == set()
    assert {f"!{source.split('/')[0]}" for source in sources} == {i for i in ignore if i[0] == "!"}
    build = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {name.removesuffix("*") for name in build["packages"]["find"]["include"]}
    assert packages | {f"{name}.py" for name in build["py-modules"]} <= sources


def test_the_image_runs_the_worker_as_nobody_special() -> None:
    assert _instructions("USER")[-1] == ("USER", "10001:10001")
    assert json.loads(_instructions("CMD")[-1][1]) == compose_command("worker")
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert "REMAP_SIGTERM=SIGQUIT" in dockerfile
    made = re.findall(r"install -d -o sales -g sales (.+)", dockerfile)[0].split()
    services = load_compose()["services"].values()
    ours = [service for service in services if service["image"] == IMAGE]
    assert {target for s in ours for target in _named_volumes(s).values()} <= set(made)


def _locked(name: str) -> dict[str, str]:
    text = (PROJECT / "requirements" / name).read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    return {block.partition("==")[0]: block.split()[0] for block in blocks}


def test_the_build_tools_are_locked_as_in_development() -> None:
    build, dev = _locked("build.txt"), _locked("dev.txt")
    assert {name: dev.get(name) for name in build} == build
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {Requirement(line).name for line in wanted} <= build.keys()


def test_the_image_has_what_celery_needs_for_redis() -> None:
    """An extra: in development something else may bring its packages along."""
    extra = map(Requirement, importlib.metadata.requires("kombu") or ())
    needed = {r.name for r in extra if r.marker and r.marker.evaluate({"extra": "redis"})}
    assert needed
    assert needed <= _locked("runtime.txt").keys()
