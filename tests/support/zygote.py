"""A process that does one step in a forked child, and kills it at the n-th thing it writes.

``python -m tests.support.zygote PLACES RUN_ID ROOT [without-links]`` reads lines ``<step> <n>`` and
answers each with ``killed``, ``done`` or the error. Steps are functions below; with n = 0 nothing
is killed. The imports are paid once, and this process itself never computes anything, so forking
is safe.

What is written is seen by an audit hook (``open`` for writing, rename, link, symlink, remove,
mkdir, under any folder of the test), or by wrapping obstore's ``put``, ``copy`` and ``delete``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import obstore
import pytest

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import Worker
from pipeline_core.logs import configure_logs
from pipeline_core.messages import Work
from pipeline_core.publication.latest import make_latest
from pipeline_core.running.local import process_outstanding
from pipeline_core.storage import open_storage
from tests.support.links import refuse_links

_CHANGES = {"os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir"}


def plan(places: dict[str, str], run_id: str, price_history: str | None = None) -> None:
    data, reports, state = (places[name] for name in ("data", "reports", "state"))
    given = Places(data, reports, state, places["dimensions"], database_url="")
    pipeline.plan(pipeline.Order(run_id=run_id, places=given, price_history=price_history))


def plan_with_prices(places: dict[str, str], run_id: str) -> None:
    """As one that keeps a history of prices."""
    plan(places, run_id, "UTC")


def process(places: dict[str, str], run_id: str) -> None:
    ledger = RunLedger(open_storage(places["state"]), run_id)
    for work in ledger.manifest().planned_work():
        pipeline.process(places["state"], run_id, work, Worker("zygote"))


def process_poison(places: dict[str, str], run_id: str) -> None:
    """As a message of its own; the archive kills whoever opens it."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(".zip"):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    me = Worker(f"zygote:{os.getpid()}", task_id=f"task-{os.getpid()}")
    pipeline.process(places["state"], run_id, Work("00000"), me)


def publish(places: dict[str, str], run_id: str) -> None:
    ledger = RunLedger(open_storage(places["state"]), run_id)
    process_outstanding(places["state"], ledger.manifest(), 1)
    pipeline.publish(places["state"], run_id)


def show(places: dict[str, str], run_id: str) -> None:
    make_latest(open_storage(places["state"]), open_storage(places["reports"]), run_id)


STEPS: dict[str, Callable[[dict[str, str], str], None]] = {
    "plan": plan,
    "plan_with_prices": plan_with_prices,
    "process": process,
    "process_poison": process_poison,
    "publish": publish,
    "show": show,
}


def die_at(number: int, root: str) -> None:
    """Arms this process: SIGKILL just before it changes something for the n-th time. A file that
    it was about to write is there then, and empty."""
    left = number

    def change(torn: str | None = None) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            if torn is not None:
                with suppress(FileNotFoundError):  # its folder is made when it is missed
                    Path(torn).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and _writes(arguments)):
            paths = [each for each in arguments if isinstance(each, (str, bytes, Path))]
            if any(os.fsdecode(path).startswith(root) for path in paths):
                has_name = event == "open" and not _is_unnamed(arguments)
                change(os.fsdecode(paths[0]) if has_name else None)

    def counted(wrapped: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            change()
            return wrapped(*arguments, **options)

        return call

    sys.addaudithook(watch)
    for name in ("put", "copy", "delete"):
        setattr(obstore, name, counted(getattr(obstore, name)))


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(set(mode or "") & set("wxa+")) or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))


def _is_unnamed(arguments: tuple[Any, ...]) -> bool:
    """Of a file that has no name yet, only the folder is told, and a crash leaves nothing."""
    unnamed = getattr(os, "O_TMPFILE", 0)
    return bool(unnamed) and (arguments[2] or 0) & unnamed == unnamed


def main() -> None:
    configure_logs("ERROR", "pretty")
    places, run_id, root = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    if "without-links" in sys.argv[4:]:
        refuse_links(pytest.MonkeyPatch())
    for line in sys.stdin:
        step, number = line.split()
        child = os.fork()
        if child == 0:
            if int(number):
                die_at(int(number), root)
            try:
                STEPS[step](places, run_id)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", flush=True)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print("killed", flush=True)
        elif status == 0:
            print("done", flush=True)


if __name__ == "__main__":
    main()
