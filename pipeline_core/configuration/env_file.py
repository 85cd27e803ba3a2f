"""``.env`` as docker compose reads it, so that one file says the same to both.

Single quotes are literal. Without quotes, and in double quotes, ``$NAME`` and ``${NAME}`` stand for
variables, of the environment first, then of lines above; ``$$`` is a dollar. python-dotenv, which
Python programs commonly read it with, looks for ``${NAME}`` in single quotes too, for ``$NAME``
nowhere, and has no way to tell it how a value was quoted.

Stricter than compose in one thing: a variable that is set nowhere, and has no default, stops the
reader, and so does its name alone. Compose takes nothing in its place, and half a password helps
nobody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline_core.errors import ConfigError

_SAVE = "Save it as UTF-8 text."
_LINE_END = re.compile(rb"\r\n?|\n")
_BETWEEN = re.compile(r"(?:\s+|\#[^\n]*)*")
_LINE = re.compile(
    r"""
    (?:export[^\S\n]+)?
    (?P<name>[\w.-]+)[^\S\n]*
    (?:
        [=:](?:
            [^\S\n]*'(?P<single>(?:\\.|[^'\\])*)'
          | [^\S\n]*"(?P<double>(?:\\.|[^"\\])*)"
          | (?![^\S\n]*['"])(?P<plain>(?:(?!\s\#)[^\n])*)
        )
    )?
    [^\S\n]*(?:\#[^\n]*)?(?=\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMED = re.compile(r"(?:export[^\S\n]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[^\S\n]*[=:]")
_DOLLAR = r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<brace>\{))"
_IN_PLAIN = re.compile(_DOLLAR)
_IN_DOUBLE = re.compile(rf'\\(?P<escape>0[0-7]{{0,3}}|[abfnrtv"\\$])|{_DOLLAR}')
_BRACES = re.compile(r"\$\{|\}")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?)([-?+])(.*))?", re.DOTALL)
_QUOTES = {"single": "'", "double": '"'}
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True)
class _EnvLine:
    number: int
    """In the file, from 1."""
    name: str
    text: str | None
    """As it stands between the quotes; None if there is only a name."""
    quote: str
    """``'``, ``"`` or nothing."""


def read_env_file(
    path: Path, prefix: str | tuple[str, ...], environment: Mapping[str, str]
) -> dict[str, str]:
    """Values of the lines whose names begin so, in any case; names in upper case. A line of only
    a name has the value that the environment has. Empty if there is nothing of that name.

    Raises:
        ConfigError: the file, or a line of it, cannot be read, or such a name has no value.
    """
    if not os.path.lexists(path):
        return {}
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, not a file of settings.", "Rename it.")
    return _Reader(path, _lines(path, _text(path)), environment).values(prefix)


def _text(path: Path) -> str:
    """Raises ConfigError, which shows nothing of it: it may hold a password."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", "Correct it, or remove it."
        ) from None
    except UnicodeDecodeError as error:
        number = len(_LINE_END.findall(error.object, 0, error.start)) + 1
        raise ConfigError(f"{path}:{number} is not UTF-8.", _SAVE) from None
    if "\0" in text:
        number = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigError(f"{path}:{number} holds a NUL byte.", _SAVE)
    return text


def _lines(path: Path, text: str) -> list[_EnvLine]:
    lines: list[_EnvLine] = []
    at = 0
    while (at := _end(_BETWEEN.match(text, at))) < len(text):
        number = text.count("\n", 0, at) + 1
        found = _LINE.match(text, at)
        if found is None:
            raise _no_line(path, number, text[at:])
        how = found.lastgroup or ""
        value = None if how == "name" else found[how]
        lines.append(_EnvLine(number, found["name"], value, _QUOTES.get(how, "")))
        at = found.end()
    return lines


def _no_line(path: Path, number: int, text: str) -> ConfigError:
    """The refusal of the line that ``text`` begins with: it shows nothing behind the name, which
    may be a password."""
    named = _NAMED.match(text)
    if named is None:
        return ConfigError(
            f"{path}:{number} is not NAME=value.", "Correct the line; a comment begins with #."
        )
    return ConfigError(
        f"{path}:{number}: the quotes of {named['name']} do not end, or something follows them.",
        "Correct the line; a quote inside of quotes has a \\ before it.",
    )


def _end(found: re.Match[str] | None) -> int:
    return found.end() if found else 0


class _Reader:
    """Knows what lines and environment say of a variable."""

    def __init__(self, path: Path, lines: list[_EnvLine], environment: Mapping[str, str]) -> None:
        self._path, self._lines, self._environment = path, lines, environment

    def values(self, prefix: str | tuple[str, ...]) -> dict[str, str]:
        return {
            line.name.upper(): self._given(index)
            for index, line in enumerate(self._lines)
            if line.name.upper().startswith(prefix)
        }

    def _given(self, index: int) -> str:
        """The value of a line that has to have one."""
        if (value := self._value(index)) is not None:
            return value
        line = self._lines[index]
        place = f"{self._path}:{line.number}"
        raise ConfigError(f"{place}: {line.name} has no value.", "Write one, or remove the line.")

    def _value(self, index: int) -> str | None:
        line = self._lines[index]
        if line.text is None:
            return self._environment.get(line.name)
        if line.quote == "'":
            return line.text.replace("\\'", "'")
        return self._expanded(line.text if line.quote else line.text.strip(), index)

    def _looked_up(self, name: str, before: int) -> str | None:
        """What a line may refer to: the environment, then the nearest line above."""
        if name in self._environment:
            return self._environment[name]
        above = (i for i in reversed(range(before)) if self._lines[i].name == name)
        index = next(above, None)
        return None if index is None else self._value(index)

    def _expanded(self, text: str, index: int) -> str:
        pattern = _IN_DOUBLE if self._lines[index].quote else _IN_PLAIN
        pieces, at = [], 0
        while found := pattern.search(text, at):
            pieces.append(text[at : found.start()])
            at = found.end()
            if found.lastgroup == "escape":
                pieces.append(self._unescaped(found["escape"], index))
            elif found.lastgroup == "dollar":
                pieces.append("$")
            elif found.lastgroup == "name":
                pieces.append(self._substituted(found["name"], index))
            else:
                inside, at = self._inside(text, at, index)
                pieces.append(self._substituted(inside, index))
        return "".join([*pieces, text[at:]])

    def _inside(self, text: str, start: int, index: int) -> tuple[str, int]:
        """What stands between ``${`` and its ``}``, and where the rest begins."""
        depth = 1
        for found in _BRACES.finditer(text, start):
            depth += 1 if found[0] == "${" else -1
            if not depth:
                return text[start : found.start()], found.end()
        raise self._error(index, "has a ${ without its }")

    def _substituted(self, inside: str, index: int) -> str:
        found = _INSIDE.fullmatch(inside)
        if found is None:
            raise self._error(index, "has a ${…} that names no variable")
        name, colon, how, word = found.groups()
        value = self._looked_up(name, index)
        is_given = bool(value) if colon else value is not None
        if how == "+":
            return self._expanded(word, index) if is_given else ""
        if is_given:
            return value or ""
        if how == "-":
            return self._expanded(word, index)
        cause = f"({self._expanded(word, index)})" if word else ""
        raise self._error(index, f"names the variable {name}, which is not set {cause}".strip())

    def _unescaped(self, escape: str, index: int) -> str:
        if not escape.startswith("0"):
            return _ESCAPES.get(escape, escape)
        if int(escape, 8) == 0:
            raise self._error(index, "has an escape for a NUL byte, which no value may hold")
        return chr(int(escape, 8))

    def _error(self, index: int, what: str) -> ConfigError:
        line = self._lines[index]
        return ConfigError(
            f"{self._path}:{line.number}: {line.name} {what}.",
            "Put a value that holds a $ into single quotes; for a variable that may be missing, "
            "write ${NAME:-}.",
        )
