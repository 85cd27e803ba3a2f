"""``doctor``: one line for each thing a run needs, with the remedy where it is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from console.checks import Check
from pipeline_core.configuration.hook_command import is_found, program
from pipeline_core.configuration.places import LATEST
from pipeline_core.configuration.served import Shop, not_served
from pipeline_core.errors import PipelineError
from pipeline_core.extract.codecs import HAS_LIBDEFLATE
from pipeline_core.extract.kernel import IS_BUILT
from pipeline_core.ledger import RunLedger, open_state, run_ids, unvouched_words
from pipeline_core.machine.remedies import install_line, rebuild_line
from pipeline_core.planning.plan import read_dimensions
from pipeline_core.planning.survey import find_archives
from pipeline_core.settings import Settings, unused_variables
from pipeline_core.storage import Storage, check_creates, open_archives, open_storage

if TYPE_CHECKING:
    from pydantic import SecretStr
    from redis import Redis

    from workers.broker import Answer

_CLOCK_TOLERANCE_SECONDS = 30
_LEAST_LEASE_SECONDS = 10
_RUNS_LOOKED_AT = 50
# What is left in a place that was written, and a name that is pointed at it and removed again.
_WRITTEN, _LINK = ".doctor", ".doctor-link"
# Below: double counting in chords (celery, kombu), CVE-2022-30034 (flower).
_LEAST_VERSIONS = {"celery": (5, 7), "kombu": (5, 7), "flower": (1, 2)}
_PICKLE = {"pickle", "application/x-python-serialize"}


def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which a person would ask."""
    looks: dict[str, Callable[[Settings], Check]] = {
        "settings": _settings,
        "versions": _versions,
        "decoding": _decoding,
        "data": _data,
        "state": _state,
        "reports": _reports,
        "dimensions": _dimensions,
        "broker": _broker,
        "workers": _workers,
        "clock": _clock,
    }
    return [_guarded(name, look, settings) for name, look in looks.items()]


def _guarded(name: str, look: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return look(settings)
    except PipelineError as error:
        return Check(name, "failed", error.message, error.remedy)


def _settings(settings: Settings) -> Check:
    if settings.lease < _LEAST_LEASE_SECONDS:
        return Check(
            "settings",
            "failed",
            f"a lease of {settings.lease} s takes busy workers for dead.",
            f"Set SALES_LEASE to {_LEAST_LEASE_SECONDS} or more.",
        )
    longest = _longest_run(settings)
    needed = max(longest, settings.visibility_timeout + settings.task_time_limit)
    if settings.result_expires <= needed:
        return Check(
            "settings",
            "failed",
            f"results expire after {settings.result_expires} s, but a run may take {needed:.0f} s; "
            "its publication would be lost.",
            f"Set SALES_RESULT_EXPIRES above {needed:.0f}.",
        )
    profile = settings.machine_profile
    found = (
        f"engine {settings.chosen_engine()}, {profile.jobs} jobs, batches of "
        f"{profile.batch_size:,} events, schedule {settings.schedule} {settings.timezone}"
    )
    command = settings.hooks().command
    if command is not None and not is_found(command):
        return Check(
            "settings",
            "warned",
            f"{found}; {program(command)}, which SALES_HOOK_COMMAND names, is not on this machine.",
            "Install it wherever runs end and workers are, or correct the setting.",
        )
    unused = unused_variables()
    if unused:
        return Check(
            "settings",
            "warned",
            f"{found}; {', '.join(unused)} in the environment counts for nothing.",
            "Remove it; SALES_BROKER_URL and SALES_RESULT_BACKEND name the servers.",
        )
    return Check("settings", "ok", found)


def _decoding(_settings: Settings) -> Check:
    missing = []
    if not IS_BUILT:
        rebuilt = f"a C compiler and Python's headers, then `{rebuild_line()}`"
        missing.append(f"the compiled kernel ({rebuilt})")
    if not HAS_LIBDEFLATE:
        missing.append(f"libdeflate (`{install_line('deflate')}`)")
    if missing:
        return Check(
            "decoding",
            "warned",
            "right, but several times slower than it could be.",
            f"Missing: {' and '.join(missing)}.",
        )
    return Check("decoding", "ok", "compiled kernel, libdeflate")


def _longest_run(settings: Settings) -> float:
    """Seconds, of the newest runs that the state knows."""
    state = open_state(settings.state)
    outcomes = (RunLedger(state, run_id).outcome() for run_id in run_ids(state)[-_RUNS_LOOKED_AT:])
    summaries = (outcome.summary for outcome in outcomes if outcome is not None)
    return max((summary.seconds for summary in summaries if summary is not None), default=0)


def _versions(_settings: Settings) -> Check:
    found = {name: version(name) for name in _LEAST_VERSIONS}
    for name, least in _LEAST_VERSIONS.items():
        if tuple(int(number) for number in found[name].split(".")[:2]) < least:
            wanted = ".".join(map(str, least))
            return Check(
                "versions",
                "failed",
                f"{name} {found[name]} has known faults.",
                f"Install {name} {wanted} or newer: `{install_line(f'{name}>={wanted}')}`.",
            )
    return Check("versions", "ok", ", ".join(f"{name} {found[name]}" for name in found))


def _data(settings: Settings) -> Check:
    data = open_archives(settings.data, follow_links=settings.follow_links)
    found = find_archives(data)
    if found.strays:
        name, what = min(found.strays.items())
        return Check(
            "data",
            "failed",
            f"{len(found.strays):,} archives in {data.uri} cannot be read, such as {name}: {what}.",
            "Put the files there, or take the names away.",
        )
    size = sum(file.size for file in found.archives)
    return Check("data", "ok", f"{len(found.archives):,} archives, {size:,} bytes in {data.uri}")


def _state(settings: Settings) -> Check:
    state = open_state(settings.state)
    _write(state)
    check_creates(state)
    trusted = (
        "whoever may write there is trusted: SALES_STATE_KEY is not set"
        if settings.state_key is None
        else "its files are vouched for by SALES_STATE_KEY"
    )
    found = f"{state.uri} can be written, and keeps two runs apart; {trusted}"
    others = unvouched_words(settings.state)
    return Check("state", "ok", f"{found}.{others}" if others else found)


def _reports(settings: Settings) -> Check:
    reports = open_storage(settings.reports)
    _write(reports)
    try:
        reports.point(_LINK, _WRITTEN)
        followed = reports.followed(_LINK).replace(_LINK, LATEST)
    finally:
        reports.remove(_LINK)
        reports.remove(f"{_LINK}.json")
    found = f"{reports.uri} can be written"
    if followed != LATEST:
        found += f"; {LATEST}/ is a copy there, and {followed} is what is swapped as a whole"
    return Check("reports", "ok", found)


def _write(storage: Storage) -> None:
    storage.write(_WRITTEN, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())


def _dimensions(settings: Settings) -> Check:
    snapshot = read_dimensions(settings.places())
    customers, products = snapshot.customers.num_rows, snapshot.products.num_rows
    found = f"{customers:,} customers, {products:,} products, prices of {snapshot.scale} decimals"
    if not customers or not products:
        if settings.unknown == "bucket":
            return Check("dimensions", "warned", found + ".", "What they sell or buy is Unknown.")
        return Check(
            "dimensions",
            "failed",
            found + ".",
            "Every purchase would be rejected, and the run refused. Fill them.",
        )
    return Check("dimensions", "ok", found)


def _broker(settings: Settings) -> Check:
    if settings.broker_url is None:
        return Check("broker", "ok", "none is set; runs use the local engine")
    found = _redis_check(settings, settings.broker_url, "SALES_BROKER_URL")
    if found.state == "ok" and settings.result_backend is not None:  # it holds the chords
        return _redis_check(settings, settings.result_backend, "SALES_RESULT_BACKEND")
    return found


def _redis_check(settings: Settings, url: SecretStr, setting: str) -> Check:
    from redis.exceptions import RedisError

    try:
        with _redis(settings, url) as client:
            info: dict[str, Any] = client.info("everything")
    except (RedisError, OSError, ValueError) as error:
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


def _workers(settings: Settings) -> Check:
    if settings.broker_url is None:
        return Check("workers", "ok", "not needed by the local engine")
    from console.fleet import worker_answers, worker_settings
    from workers.config import mark_of

    found = worker_settings(settings)
    if not found:
        return Check(
            "workers", "failed", "none answers.", "Start one with `celery -A workers worker`."
        )
    for name, conf in found.items():
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
            return Check(
                "workers",
                "failed",
                f"{name} has another SALES_STATE_KEY than this machine, or one of the two has "
                "none: neither uses what the other keeps.",
                "Set SALES_STATE_KEY alike everywhere.",
            )
    return _serving(settings.shops()[0], worker_answers(settings), sorted(found))


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
        told.append(f"{name} serves {', '.join(served.state for served in each.served.shops)}")
    told += [name for name in names if name not in answers]
    return Check("workers", "ok", "; ".join(told))


def _clock(settings: Settings) -> Check:
    """Against the broker's clock, the one that all machines of a fleet share."""
    now = datetime.now(UTC)
    if settings.broker_url is None:
        return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC; nothing to compare it with")
    from redis.exceptions import RedisError

    try:
        with _redis(settings, settings.broker_url) as client:
            seconds, _ = client.time()
    except (RedisError, OSError, ValueError) as error:
        return Check("clock", "warned", f"The broker's clock cannot be read: {error}.")
    drift = abs(now.timestamp() - float(seconds))
    if drift > _CLOCK_TOLERANCE_SECONDS:
        return Check(
            "clock", "failed", f"{drift:.0f} s away from the broker's.", "Run NTP on both machines."
        )
    return Check("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC, as the broker's")


def _redis(settings: Settings, url: SecretStr) -> Redis:
    from redis import Redis

    from workers.config import tls_options

    address = url.get_secret_value()
    encrypted = tls_options(settings) if address.startswith("rediss:") else {}
    return Redis.from_url(address, socket_timeout=5, **encrypted)
