"""The servers that runs on Celery need: broker, workers, and their clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.doctor.checks import Check
from console.doctor.machines import CLOCK_TOLERANCE_SECONDS, unlike
from pipeline_core.configuration.served_shops import Shop, not_served
from pipeline_core.errors import RetryableError
from pipeline_core.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from workers.sending.broker import Answer

_PICKLE = {"pickle", "application/x-python-serialize"}


def check_broker(settings: Settings) -> Check:
    """Whether Redis answers, and keeps what it is given."""
    if settings.broker_url is None:
        return Check("broker", "ok", "none is set; runs use the local engine")
    found = _redis_check(settings, settings.broker_url, "SALES_BROKER_URL")
    if found.state == "ok" and settings.result_backend is not None:  # it holds the chords
        return _redis_check(settings, settings.result_backend, "SALES_RESULT_BACKEND")
    return found


def _redis_check(settings: Settings, url: SecretStr, setting: str) -> Check:
    from redis.exceptions import RedisError

    from workers.sending.broker_tls import redis_client, tls_mismatch

    try:
        with redis_client(settings, url) as client:
            info: dict[str, Any] = client.info("everything")
    except (RedisError, OSError) as error:
        from workers.sending.broker import broker_error

        told = broker_error(error)
        if isinstance(told, RetryableError):
            told = tls_mismatch(url.get_secret_value(), setting) or told
        named = told.remedy.replace("SALES_BROKER_URL", setting)
        return Check("broker", "failed", told.message, named)
    except ValueError as error:
        return Check("broker", "failed", f"{error}.", f"Check {setting} and Redis.")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return Check(
            "broker",
            "failed",
            f"Redis may evict messages ({policy}).",
            f"Set maxmemory-policy to noeviction where {setting} points.",
        )
    found = f"Redis {info.get('redis_version', '?')} answers"
    if not info.get("aof_enabled"):
        return Check(
            "broker",
            "warned",
            f"{found}, but forgets its messages when it restarts.",
            f"Set appendonly to yes where {setting} points.",
        )
    return Check("broker", "ok", found)


def check_workers(settings: Settings) -> Check:
    """Whether workers answer, and would do this machine's work safely."""
    if settings.broker_url is None:
        return Check("workers", "ok", "not needed by the local engine")
    from console.fleet import worker_answers, worker_settings, worker_troubles

    found = worker_settings(settings)
    if not found:
        return Check(
            "workers", "failed", "none answers.", "Start one with `celery -A workers worker`."
        )
    for name, conf in found.items():
        refused = _disagreeing(settings, name, conf)
        if refused is not None:
            return refused
    answers = worker_answers(settings)
    serving = _serving(settings.shops()[0], answers, sorted(found))
    if serving.state == "failed":
        return serving
    return (
        _reaching(worker_troubles(settings, found))
        or (unlike(settings, answers) if serving.state == "ok" else None)
        or serving
    )


def _disagreeing(settings: Settings, name: str, conf: dict[str, Any]) -> Check | None:
    """What is wrong with the configuration of the worker of this name; None if it is safe."""
    from workers.config import mark_of
    from workers.sending.broker import other_key

    accepted = [*conf["accept_content"], *(conf["result_accept_content"] or [])]
    if not _PICKLE.isdisjoint(accepted):
        return Check(
            "workers",
            "failed",
            f"{name} accepts pickle: whoever reaches the broker can run code there.",
            "Start it with `celery -A workers worker`.",
        )
    timeout = conf.get("visibility_timeout")
    if timeout != settings.visibility_timeout:
        return Check(
            "workers",
            "failed",
            f"{name} has a visibility timeout of {timeout} s, this machine one of "
            f"{settings.visibility_timeout} s; the shortest counts for all.",
            "Set SALES_VISIBILITY_TIMEOUT alike everywhere.",
        )
    if conf.get("state_mark") != mark_of(settings):
        refusal = other_key(name)
        return Check("workers", "failed", refusal.message, refusal.remedy)
    return None


def _reaching(troubles: Mapping[str, Mapping[str, str]]) -> Check | None:
    """That workers cannot use places, each with its name; None if all can use all."""
    told = [
        f"{name} cannot use {place}: {cause}"
        for name, places in sorted(troubles.items())
        for place, cause in places.items()
    ]
    if not told:
        return None
    remedy = "Start it again with the settings, credentials and mounts that the others have."
    return Check("workers", "failed", " ".join(told), remedy)


def _serving(shop: Shop, answers: dict[str, Answer], names: list[str]) -> Check:
    """Whether the workers of these names would take this machine's work, and which states each of
    them serves."""
    told = []
    for name, each in answers.items():
        if each.served is None:
            return Check(
                "workers",
                "warned",
                f"{name} is of an older version, and obeys any state that a message names.",
                "Update it.",
            )
        if not each.served.serves(shop):
            refusal = not_served(name, shop)
            states = ", ".join(served.state for served in each.served.shops)
            return Check(
                "workers", "failed", f"{refusal.message} It serves {states}.", refusal.remedy
            )
        room = each.temporary_bytes
        free = "" if room is None else f", with {room >> 20:,} MiB free for temporary files"
        told.append(
            f"{name} serves {', '.join(served.state for served in each.served.shops)}{free}"
        )
    told += [name for name in names if name not in answers]
    return Check("workers", "ok", "; ".join(told))


def check_clock(settings: Settings) -> Check:
    """Against the broker's clock, the one that all machines of a fleet share."""
    now = datetime.now(UTC)
    if settings.broker_url is None:
        return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC; nothing to compare it with")
    from redis.exceptions import RedisError

    from workers.sending.broker_tls import redis_client

    try:
        with redis_client(settings, settings.broker_url) as client:
            seconds, _ = client.time()
    except (RedisError, OSError, ValueError) as error:
        return Check(
            "clock", "warned", f"The broker's clock cannot be read: {str(error).rstrip('.')}."
        )
    drift = abs(now.timestamp() - float(seconds))
    if drift > CLOCK_TOLERANCE_SECONDS:
        return Check(
            "clock", "failed", f"{drift:.0f} s away from the broker's.", "Run NTP on both machines."
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC, as the broker's")


def check_schedule(settings: Settings) -> Check:
    """Whether something starts the runs of the schedule, where beat was seen to work by it."""
    from pipeline_core.ledger import read_state, slots
    from pipeline_core.running.missed_slots import missed_slot
    from pipeline_core.running.schedule import name_of

    state = read_state(settings.state)
    if slots.in_force_since(state, name_of(settings)) is None:
        return Check("schedule", "ok", "no beat was seen to work by it")
    missed = missed_slot(settings, state, datetime.now(UTC))
    if missed is None:
        return Check("schedule", "ok", f"{settings.schedule} is at work")
    return Check(
        "schedule",
        "warned",
        f"A run was expected at {missed.due:%Y-%m-%d %H:%M} UTC, and nothing started it.",
        "Start `celery -A workers beat` if it does not run, and a worker.",
    )
