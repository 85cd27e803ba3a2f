"""``demo``: the whole job for real, on servers and workers that last as long as the demo."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline_core.machine.install_lines import PROJECT

if TYPE_CHECKING:
    from rich.console import Console

    from console.stack import Stack

_STOP_SECONDS = 20


@click.command()
@click.option(
    "--folder", default=".demo", show_default=True, help="Where the data and reports are left."
)
@click.option("--archives", default=50, show_default=True, help="Weekly archives to generate.")
@click.option("--workers", default=2, show_default=True, help="Celery worker processes.")
@click.option("--dirt", default=0.01, show_default=True, help="Share (0 to 1) of spoilt events.")
def demo_command(folder: str, archives: int, workers: int, dirt: float) -> None:
    """Run the whole job on sample archives with real, throw-away servers and workers."""
    from rich.console import Console

    from console.display.next_steps import print_next_steps
    from console.stack import StackError, throwaway_stack
    from pipeline_core.errors import PipelineError

    root = Path(folder).resolve()
    say = Console(stderr=True, highlight=False)
    # A terminated demo must stop what it started, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _generate(root / "data", archives, dirt, say)
    say.print("[bold]2/4[/bold] Starting a throw-away PostgreSQL and Redis")
    try:
        # The worker and the command work where no .env of the user's is.
        with (
            tempfile.TemporaryDirectory(prefix="sales-pipeline-") as elsewhere,
            throwaway_stack([PROJECT / "sql" / "init.sql"]) as stack,
        ):
            environment = _environment(stack, root)
            say.print(f"[bold]3/4[/bold] Starting {workers} Celery worker processes")
            with _workers(environment, workers, root / "worker.log", elsewhere):
                say.print("[bold]4/4[/bold] Running the daily job as a chord")
                code = _run(environment, elsewhere)
            export_tables(stack, root / "dimensions")
    except StackError as error:
        raise PipelineError("The demo's servers did not start.", str(error)) from error
    if code == 0:
        say.print("Done, and everything that was started has stopped.")
        print_next_steps(say, root)
    else:
        say.print(f"The demo's run failed; its workers' log is {root / 'worker.log'}.")
    sys.exit(code)


def _generate(data: Path, archives: int, dirt: float, say: Console) -> None:
    from console.display.next_steps import shown_path
    from data_generator import generate

    place = shown_path(data)
    say.print(f"[bold]1/4[/bold] Generating {archives} weekly archives in {place}", soft_wrap=True)
    shutil.rmtree(data, ignore_errors=True)
    generate(data, archives, dirt=dirt)


def export_tables(stack: Stack, folder: Path) -> None:
    """Customers and products as files: for later runs, when the database is gone."""
    from sqlalchemy import create_engine, text

    folder.mkdir(exist_ok=True)
    engine = create_engine(stack.postgres.url)
    with engine.connect() as connection:
        for name in ("customers", "products"):
            rows = connection.execute(text(f"SELECT * FROM {name}"))  # noqa: S608  (ours)
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(rows.keys())
                writer.writerows(rows)
    engine.dispose()


def _environment(stack: Stack, root: Path) -> dict[str, str]:
    """What worker and command see: the throw-away servers, and nothing of the user's settings."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("SALES_")}
    return inherited | {
        "SALES_DATA": str(root / "data"),
        "SALES_REPORTS": str(root / "reports"),
        "SALES_STATE": str(root / "state"),
        "SALES_DATABASE_URL": stack.postgres.url,
        "SALES_BROKER_URL": stack.redis.url,
        "SALES_ENGINE": "celery",
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
    }


@contextmanager
def _workers(environment: dict[str, str], count: int, log: Path, folder: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "workers", "worker"]
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [*command, f"--concurrency={count}", "--loglevel=INFO"],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
        )
        try:
            yield
        finally:
            worker.terminate()
            try:
                worker.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _run(environment: dict[str, str], folder: str) -> int:
    command = [sys.executable, "-m", "console.command", "run"]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode
