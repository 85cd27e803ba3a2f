"""What is set and installed on this machine."""

from __future__ import annotations

from importlib.metadata import version
from itertools import islice

from console.doctor.checks import Check
from pipeline_core.configuration.hook_command import is_found, program
from pipeline_core.containers.codecs import HAS_LIBDEFLATE
from pipeline_core.framing.kernel import IS_BUILT
from pipeline_core.ledger import RunLedger, newest_runs, read_state
from pipeline_core.machine.install_lines import install_line, rebuild_line
from pipeline_core.machine.plugins import REPORT_GROUP, plugin_names
from pipeline_core.messages import plugin_words
from pipeline_core.plural import counted
from pipeline_core.settings import Settings, env_file_words, unused_variables
from pipeline_core.transform.reports.laws import check_laws
from pipeline_core.transform.reports.plugins import chosen_plugins, reports_of

_LEAST_LEASE_SECONDS = 10
_RUNS_LOOKED_AT = 50
# Below: double counting in chords (celery, kombu), CVE-2022-30034 (flower).
_LEAST_VERSIONS = {"celery": (5, 7), "kombu": (5, 7), "flower": (1, 2)}


def check_settings(settings: Settings) -> Check:
    """Whether the settings go together, and the hook's command is there."""
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
        f"engine {settings.chosen_engine()}, {counted(profile.jobs, 'job')}, batches "
        f"of {counted(profile.batch_size, 'event')}, schedule {settings.schedule} "
        f"{settings.timezone}; {env_file_words()}"
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


def _longest_run(settings: Settings) -> float:
    """Seconds, of the newest runs that the state knows."""
    state = read_state(settings.state)
    looked_at = islice(newest_runs(state), _RUNS_LOOKED_AT)
    outcomes = (RunLedger(state, run_id).outcome() for run_id in looked_at)
    summaries = (outcome.summary for outcome in outcomes if outcome is not None)
    return max((summary.seconds for summary in summaries if summary is not None), default=0)


def check_versions(_settings: Settings) -> Check:
    """Whether libraries are new enough not to have faults that matter here."""
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


def check_decoding(_settings: Settings) -> Check:
    """Whether what makes decoding fast is there."""
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


def check_plugins(settings: Settings) -> Check:
    """Whether the reports of plug-ins can be made, and keep the laws."""
    chosen = chosen_plugins(settings.chosen_reports())
    for report in reports_of(chosen, "separate"):
        check_laws(report)
    found = f"reports: {plugin_words(chosen)}"
    unused = sorted(set(plugin_names(REPORT_GROUP)) - {each.name for each in chosen})
    if unused:
        found += f"; installed, and not in SALES_REPORT_PLUGINS: {', '.join(unused)}"
    return Check("plug-ins", "ok", found)
