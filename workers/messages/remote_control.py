"""Remote control, by which whoever may write to the broker could end or starve a worker."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_init
from celery.worker.control import Panel

from pipeline_core.logs import get_logger
from workers.celery import settings
from workers.config import NOTE_UNFIT, REACH

log = get_logger()

_LONGEST_NAME = 100  # of whatever a message has for one
_REMEDY = "SALES_FLOWER_READ_ONLY=false lets workers be changed from outside."
# What `doctor`, `run` and Flower ask, what starting workers ask each other, and what lets Flower
# hear of tasks.
_ASKED = {
    "active",
    "active_queues",
    "clock",
    "conf",
    "dump_active",
    "dump_conf",
    "dump_reserved",
    "dump_revoked",
    "dump_schedule",
    "dump_tasks",
    "enable_events",
    "heartbeat",
    "hello",
    NOTE_UNFIT,
    "ping",
    "query_task",
    REACH,
    "registered",
    "reserved",
    "revoked",
    "scheduled",
    "stats",
}


class _Commands(dict[str, Any]):
    """What is obeyed, by its name; any other is a line in the log."""

    def __missing__(self, name: str) -> Any:
        shown = ascii(name)[:_LONGEST_NAME]

        def refuse(_state: Any, **_: Any) -> dict[str, str]:
            log.error("command_refused", command=shown, remedy=_REMEDY)
            return {"error": f"{shown} is refused. {_REMEDY}"}

        return refuse


def _obey_no_more(**_: Any) -> None:
    """Unless Flower may change things: that is how it does it."""
    if settings.flower_read_only:
        kept = {name: Panel.data[name] for name in _ASKED}
        Panel.data = _Commands(kept | {"hello": _hello(Panel.data["hello"])})


def _hello(answer: Any) -> Any:
    """Answers, and forgets no work because the other says that it was revoked."""

    def hello(state: Any, from_node: str, **_: Any) -> Any:
        return answer(state, from_node)

    return hello


worker_init.connect(_obey_no_more)
