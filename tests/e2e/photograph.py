"""Screenshots of the command on a real terminal (SVG) and of the page in a real Chromium (PNG):
``python -m tests.e2e.photograph FOLDER``."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pyte
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from tests.e2e.page_pictures import take_pictures
from tests.support import PROJECT
from tests.support.chromium import start_browser
from tests.support.terminal import Terminal

_COLUMNS, _ROWS = 100, 44
_WIDTH, _HEIGHT = 1200, 1500  # of the page, in pixels

# Rich's own picture without its fonts, which come from elsewhere: a picture asks for nothing.
_FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}"
 xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture(screen: pyte.Screen, title: str) -> str:
    """The screen as it is, without empty lines at its end, as SVG."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(
            record=True, width=screen.columns, file=nowhere, force_terminal=True, highlight=False
        )
        lines = [_line(screen, row) for row in range(screen.lines)]
        while lines and not lines[-1].plain.strip():
            lines.pop()
        for line in lines:
            console.print(line, no_wrap=True, crop=True)
        return console.export_svg(
            title=title, theme=SVG_EXPORT_THEME, code_format=_FRAME, unique_id="terminal"
        )


def _line(screen: pyte.Screen, row: int) -> Text:
    line = Text()
    for column in range(screen.columns):
        cell = screen.buffer[row][column]
        line.append(cell.data, Style(color=_colour(cell.fg), bold=cell.bold))
    line.rstrip()
    return line


def _colour(name: str) -> Color | None:
    if name == "default":
        return None
    named = name.replace("brown", "yellow").replace("bright", "bright_")
    is_hex = len(name) == 6 and all(letter in "0123456789abcdef" for letter in name)
    return Color.parse(f"#{name}" if is_hex else named)


def main(folder: Path) -> None:
    """The demo while its run is under way, a run at its end, and the page of that run."""
    folder = folder.resolve()
    shop = Path(tempfile.gettempdir(), "shop")  # its name is in the pictures
    shop.mkdir()
    try:
        os.chdir(shop)
        _take_terminal(folder, shop / ".demo" / "data")
        _take_page(folder, shop)
    finally:
        shutil.rmtree(shop)


def _take_terminal(folder: Path, data: Path) -> None:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "NO_COLOR", "CI"))}
    env = {**kept, "PYTHONPATH": str(PROJECT)}
    with Terminal("demo", env=env, columns=_COLUMNS, rows=_ROWS) as terminal:
        terminal.until(_in_the_middle, "the middle of the run")
        _save(folder / "terminal-run.svg", terminal, "make demo")
        assert terminal.wait() == 0
    env["SALES_ENGINE"] = "local"
    for place in ("data", "dimensions", "reports", "state"):
        env[f"SALES_{place.upper()}"] = f".demo/{place}"
    newest = max(data.iterdir())
    put_aside = newest.rename(data.parent / newest.name)
    with Terminal("run", "--quiet", env=env) as terminal:
        assert terminal.wait() == 0
    put_aside.rename(newest)
    with Terminal("run", "--full", env=env, columns=_COLUMNS, rows=_ROWS) as terminal:
        assert terminal.wait() == 0
        _save(folder / "terminal-report.svg", terminal, "sales-pipeline run")


def _take_page(folder: Path, shop: Path) -> None:
    with start_browser(shop / "chromium") as browser:
        for name, is_dark in (("light", False), ("dark", True)):
            browser.open(shop / ".demo" / "reports" / "index.html", width=_WIDTH, dark=is_dark)
            (folder / f"page-{name}.png").write_bytes(browser.picture(_HEIGHT))
        take_pictures(folder, shop / "pictures", browser)


def _in_the_middle(lines: list[str]) -> bool:
    text = "\n".join(lines)
    told = re.search(r"(\d+)/(\d+) archives", text)
    return told is not None and int(told[1]) * 3 > int(told[2]) and " 2 running" in text


def _save(path: Path, terminal: Terminal, title: str) -> None:
    path.write_text(picture(terminal.screen, title), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
