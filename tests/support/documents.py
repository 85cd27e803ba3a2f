"""The documents as the tests read them: blocks of code, what is said of them, and links."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.support import PROJECT

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^>]*) -->\n)?^(?P<indent> *)```(?P<kind>\w+)\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"(?:\]\(|srcset=\"|src=\")(?!https?:)([^)\"]+)")
_NOT_RUN = "not run here: "
_EXITS = "exits with "


@dataclass(frozen=True)
class Block:
    """``kind``: sh, python, ini …; ``not_run``: why it cannot run, or empty; ``code``: the exit
    code that it promises."""

    kind: str
    text: str
    not_run: str
    code: int


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of a document, in their order.

    Raises:
        ValueError: a comment before a block that nobody understands.
    """
    return [_block(found) for found in _BLOCK.finditer(document.read_text(encoding="utf-8"))]


def _block(found: re.Match[str]) -> Block:
    text, mark = textwrap.dedent(found["code"]), found["mark"] or ""
    if mark.startswith(_NOT_RUN):
        return Block(found["kind"], text, mark.removeprefix(_NOT_RUN), 0)
    if mark.startswith(_EXITS):
        return Block(found["kind"], text, "", int(mark.removeprefix(_EXITS)))
    if mark:
        raise ValueError(f"a block is marked {mark!r}; say `{_NOT_RUN}why` or `{_EXITS}3`")
    return Block(found["kind"], text, "", 0)


def all_documents() -> list[Path]:
    """Every Markdown file of the project that people read."""
    return [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]


def run_documents() -> list[Path]:
    """Those whose blocks run, in the order in which a person would read them."""
    docs = PROJECT / "docs"
    first = [
        docs / "tutorial.md",
        PROJECT / "README.md",
        docs / "explanation" / "which-price-counts.md",
    ]
    return [*first, *sorted((docs / "how-to").glob("*.md"))]


def links(document: Path) -> list[str]:
    """Targets inside of the project, code left out."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    return _LINK.findall(text)


def anchors(document: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def commands_told(document: Path) -> set[str]:
    """Every `sales-pipeline …` in the document: in blocks of shell, and between backticks."""
    shell = "\n".join(each.text for each in blocks(document) if each.kind == "sh")
    prose = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    told = re.findall(r"(?:^|[ /(])(sales-pipeline [^\n|;)<>#]*)", shell.replace("\\\n", " "))
    told += re.findall(r"`(sales-pipeline [^`]*)`", prose)
    return {" ".join(each.split()) for each in told}
