"""``doctor``: one line for each thing a run needs, with the remedy where it is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from console.views import output
from pipeline_core.errors import PipelineError
from pipeline_core.extract.names import is_zip
from pipeline_core.pipeline.plan import read_dimensions
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage

_CLOCK_TOLERANCE_SECONDS = 30


@dataclass(frozen=True)
class Check:
    """What was found of one thing; ``remedy`` is empty unless ``state`` is failed or warned."""

    name: str
    state: Literal["ok", "warned", "failed"]
    found: str
    remedy: str = ""


def doctor_command(settings: Settings, *, as_json: bool) -> int:
    """Runs every check; 1 if one failed, else 0."""
    checks = [_settings(settings)]
    for name, look in (
        ("data", _data),
        ("state", _state),
        ("reports", _reports),
        ("dimensions", _dimensions),
        ("broker", _broker),
        ("workers", _workers),
        ("clock", _clock),
    ):
        checks.append(_guarded(name, look, settings))
    if as_json:
        found = msgspec.json.encode([asdict(check) for check in checks])
        sys.stdout.buffer.write(msgspec.json.format(found, indent=2) + b"\n")
    else:
        _print(checks)
    return int(any(check.state == "failed" for check in checks))


def _print(checks: list[Check]) -> None:
    console = output()
    marks = {"ok": "[green]ok    [/green]", "warned": "[yellow]warned[/yellow]"}
    for check in checks:
        console.print(f"{marks.get(check.state, '[red]failed[/red]')} {check.name:<10} ", end="")
        text = f"{check.found} {check.remedy}".strip()
        console.print(text, markup=False, soft_wrap=True)


def _guarded(name: str, look: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return look(settings)
    except PipelineError as error:
        return Check(name, "failed", error.message, error.remedy)


def _settings(settings: Settings) -> Check:
    profile = settings.machine_profile
    return Check(
        "settings",
        "ok",
        f"engine {settings.chosen_engine()}, {profile.jobs} jobs, batches of "
        f"{profile.batch_size:,} events, schedule {settings.schedule} {settings.timezone}",
    )


def _data(settings: Settings) -> Check:
    data = open_storage(settings.data)
    archives = [file for file in data.files() if is_zip(file.key)]
    if not archives:
        return Check(
            "data", "failed", f"no archive in {data.uri}.", "Set SALES_DATA to their folder."
        )
    size = sum(file.size for file in archives)
    return Check("data", "ok", f"{len(archives):,} archives, {size:,} bytes in {data.uri}")


def _state(settings: Settings) -> Check:
    return _writable("state", settings.state)


def _reports(settings: Settings) -> Check:
    return _writable("reports", settings.reports)


def _writable(name: str, uri: str) -> Check:
    storage = open_storage(uri)
    storage.write(".doctor", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
    return Check(name, "ok", f"{storage.uri} can be written")


def _dimensions(settings: Settings) -> Check:
    snapshot = read_dimensions(settings.places())
    customers, products = snapshot.customers.num_rows, snapshot.products.num_rows
    found = f"{customers:,} customers, {products:,} products, prices of {snapshot.scale} decimals"
    if not customers or not products:
        return Check("dimensions", "failed", found + ".", "Every purchase would be rejected.")
    return Check("dimensions", "ok", found)


def _broker(settings: Settings) -> Check:
    if settings.broker_url is None:
        return Check("broker", "ok", "none is set; runs use the local engine")
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(settings.broker_url.get_secret_value(), socket_timeout=5) as client:
            memory, server = client.info("memory"), client.info("server")
    except (RedisError, OSError, ValueError) as error:
        return Check("broker", "failed", f"{error}.", "Check SALES_BROKER_URL and Redis.")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return Check(
            "broker",
            "failed",
            f"Redis may evict messages ({policy}).",
            "Set maxmemory-policy to noeviction.",
        )
    return Check("broker", "ok", f"Redis {server.get('redis_version', '?')} answers")


def _workers(settings: Settings) -> Check:
    if settings.broker_url is None:
        return Check("workers", "ok", "not needed by the local engine")
    from console.follow import answering_workers

    names = answering_workers(settings)
    if not names:
        return Check(
            "workers", "failed", "none answers.", "Start one with `celery -A workers worker`."
        )
    return Check("workers", "ok", ", ".join(names))


def _clock(settings: Settings) -> Check:
    """Against the broker's clock, the one that all machines of a fleet share."""
    now = datetime.now(UTC)
    if settings.broker_url is None:
        return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC; nothing to compare it with")
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(settings.broker_url.get_secret_value(), socket_timeout=5) as client:
            seconds, _ = client.time()
    except (RedisError, OSError, ValueError) as error:
        return Check("clock", "warned", f"The broker's clock cannot be read: {error}.")
    drift = abs(now.timestamp() - float(seconds))
    if drift > _CLOCK_TOLERANCE_SECONDS:
        return Check(
            "clock", "failed", f"{drift:.0f} s away from the broker's.", "Run NTP on both machines."
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC, as the broker's")
