"""What a person sees at a terminal of any size; and that nobody else sees it."""

from __future__ import annotations

import re
import zipfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from console.stack import Stack
from tests.support.archives import RawEntry, archive_zip, part, purchase, raw_zip, write_shop
from tests.support.processes import environment, sales_pipeline
from tests.support.terminal import Terminal, shows

MANY = 50
_TIME = r"(\d+ min )?\d+ s"
LONG = "events_of_a_very_long_week_with_a_name_that_nobody_would_type_43.zip"
HOSTILE = "events_\x1b[2J\x1b]0;owned\x07[bold]red.zip"


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """A shop of two archives, one with a long name and one with a hostile one."""
    archives = {LONG: _archive(1), HOSTILE: _archive(2)}
    shop = write_shop(tmp_path / "shop", archives)
    return environment(stack, shop, tmp_path, SALES_ENGINE="local", SALES_JOBS="2")


def _archive(number: int, events: int = 40) -> bytes:
    """All hold the same events, and each so many spaces behind them."""
    body = _body(events)
    squeeze, spaces = body.squeeze.copy(), b" " * number
    packed = body.packed + squeeze.compress(spaces) + squeeze.flush()
    crc = zlib.crc32(spaces, body.crc)
    entry = RawEntry("part.json", packed, body.size + number, crc, zipfile.ZIP_DEFLATED)
    return archive_zip({f"events_2024-04-{number % 28 + 1:02}.zip": raw_zip([entry])})


class _Body(NamedTuple):
    """Events, compressed so far that something may follow; ``size`` is that of their text."""

    squeeze: Any
    packed: bytes
    size: int
    crc: int


@cache
def _body(events: int) -> _Body:
    bad = [5, purchase("ghost"), purchase(quantity=0)]
    text = part([purchase(quantity=1000)] * events + bad)
    squeeze = zlib.compressobj(wbits=-15)
    return _Body(squeeze, squeeze.compress(text), len(text), zlib.crc32(text))


@pytest.fixture(scope="module")
def work() -> dict[str, bytes]:
    """Fifty archives that take a second or two together."""
    return {f"events_week_{n:02}.zip": _archive(n, 80_000) for n in range(MANY)}


@pytest.fixture
def many(env: dict[str, str], work: dict[str, bytes]) -> dict[str, str]:
    """The shop with fifty archives more, read in small steps: there has to be something to see."""
    for name, data in work.items():
        _add(env, name, data)
    return env | {"SALES_BATCH_SIZE": "500"}


def _add(env: dict[str, str], name: str, data: bytes) -> None:
    (Path(env["SALES_DATA"]) / name).write_bytes(data)


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (80, 24), (200, 50)])
def test_fifty_archives_fit_the_screen(many: dict[str, str], columns: int, rows: int) -> None:
    with Terminal("run", env=many, columns=columns, rows=rows) as terminal:
        terminal.until(lambda lines: any("running" in line for line in lines), "a running archive")
        scrolled: list[int] = []

        def look(lines: list[str]) -> None:
            if lines[0].startswith("Processing"):
                scrolled.append(terminal.scrolled_off)

        look(terminal.lines)  # the run may end before the next one
        assert terminal.watch(look) == 0
        assert scrolled, "what left the screen is counted from the start"
        assert set(scrolled) == {0}
        assert terminal.cursor_is_shown
        assert "Processing" not in "".join(terminal.lines), "the view is gone"
    assert b"run_planned" not in terminal.seen, "log lines tear the display"


def test_more_than_the_screen_holds_is_a_number(many: dict[str, str]) -> None:
    for number in range(30):  # the largest, and so the first
        _add(many, f"broken_{number:02}.zip", b"no zip" * 10_000 + bytes([number]))
    with Terminal("run", env=many, columns=80, rows=12) as terminal:
        terminal.until(
            shows(r"^  and \d\d more\n\d+ waiting .*\d\d unreadable\n.*\Z"),
            "the rest as a number, above the counts, which are the last line but one",
        )
        assert terminal.scrolled_off == 0
        assert terminal.wait() == 1


def test_quiet_shows_nothing(env: dict[str, str]) -> None:
    with Terminal("run", "--quiet", env=env) as terminal:
        assert (terminal.wait(), terminal.seen) == (0, b"")


def test_the_view_names_states_pace_and_workers(many: dict[str, str]) -> None:
    with Terminal("run", env=many, columns=120) as terminal:
        terminal.until(
            shows(
                r"Processing run 20\S+, local engine, [12] process",
                r"\d+/52 archives",
                r"running +events_week_\d\d.zip  [\d.]+ k?B  (\d+ min )?\d+ s  \S+:\d+",
                r"\d+ waiting .*\d+ running .*\d+ done",
                rf"[\d,]+ events/s  \d+ MB/s  about {_TIME} left",
            ),
            "states, pace and workers",
        )
        assert terminal.wait() == 0
    with Terminal("run", env=many, columns=120) as again:
        assert again.wait() == 0
    assert b"earlier runs, or tries of this one, left" in b" ".join(again.seen.split())


def test_it_fits_again_after_a_resize(many: dict[str, str]) -> None:
    with Terminal("run", env=many, columns=120, rows=30) as terminal:
        terminal.until(lambda lines: any("running" in line for line in lines), "a running archive")
        terminal.resize(40, 8)
        narrow = terminal.until(_is_narrow, "a narrow view, and no rest of the wide one")
        assert len(narrow) == 8
        assert terminal.wait() == 0


def _is_narrow(lines: list[str]) -> bool:
    told = [line for line in lines if line]
    return (
        len(told) > 1
        and told[0].startswith("Processing")
        and told[0].endswith("…")
        and "waiting" in told[-1]
        and sum("archives" in line for line in told) == 1
    )


def test_ctrl_c_leaves_the_terminal_clean(many: dict[str, str]) -> None:
    with Terminal("run", env=many, columns=200) as terminal:
        terminal.until(lambda lines: any("running" in line for line in lines), "a running archive")
        terminal.interrupt()
        assert terminal.wait() == 130
        text = "\n".join(terminal.lines)
        assert terminal.cursor_is_shown
    assert text.strip().startswith("Stopped. "), text
    assert "sales-pipeline resume" in text
    assert "Processing" not in text


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"TERM": "dumb"}])
def test_ci_and_dumb_terminals_get_log_lines_only(
    env: dict[str, str], variables: dict[str, str]
) -> None:
    with Terminal("run", env={**env, **variables}) as terminal:
        assert terminal.wait() == 0
    assert b"run_planned" in terminal.seen
    assert b"\x1b[?25l" not in terminal.seen, "the cursor was hidden"
    assert b"\x1b[2K" not in terminal.seen, "lines were erased"


def test_no_color_is_respected(env: dict[str, str]) -> None:
    colour = re.compile(rb"\x1b\[[\d;]*[349]\dm")
    for command in (["run"], ["show"], ["doctor"], ["run", "--reports", "ftp://x"]):
        with Terminal(*command, env=env) as terminal:
            terminal.wait()
        assert colour.search(terminal.seen), f"{command} has colours otherwise"
        with Terminal(*command, env={**env, "NO_COLOR": "1"}) as terminal:
            terminal.wait()
        assert not colour.search(terminal.seen), command


def test_tables_fit_and_figures_are_whole(env: dict[str, str]) -> None:
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    _add(env, "events_week_03.zip", _archive(3))
    products = Path(env["SALES_DIMENSIONS"]) / "products.csv"
    products.write_text(products.read_text().replace("0.10", "2000.05"))
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    cell = ["--category", "Office", "--segment", "Retail"]
    for command in ("runs", "show", "rejects", "plan", "diff", "explain", "doctor"):
        extra = cell if command == "explain" else []
        wide = sales_pipeline(command, *extra, env=env).stdout
        wanted = set(re.findall(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", wide))
        for columns in (40, 80, 200):
            with Terminal(command, *extra, env=env, columns=columns, rows=400) as terminal:
                terminal.wait()
            text = terminal.seen.decode()
            assert "\x1b[2J" not in text, f"{command} let a name clear the screen"
            assert "\x1b]0;" not in text, f"{command} let a name set the title"
            assert max(map(len, terminal.lines)) <= columns
            shown = "\n".join(terminal.lines)
            assert {figure for figure in wanted if figure not in shown} == set(), command + shown
