"""What may be a secret of what a hook's program is given, and a text without it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote, unquote

_LEAST_PIECE = 4  # less than that is no secret, but many a word's part
_HOOKS_OWN = "HOOK_"
_PROXY = re.compile(r"(?:HTTPS?|ALL)_PROXY", re.IGNORECASE)


def of_arguments(arguments: Sequence[str]) -> set[str]:
    """Each of them, values behind =, pieces of URLs, and words of a script that are no plain
    words."""
    return {*arguments, *(piece for each in arguments for piece in _tokens(each))}


def of_environment(variables: Mapping[str, str]) -> set[str]:
    """Values of HOOK_*, their words and what stands in them, and the logins of proxies."""
    found: set[str] = set()
    for name, value in variables.items():
        if name.startswith(_HOOKS_OWN):
            found |= {value, *value.split(), *_tokens(value)}
        elif _PROXY.fullmatch(name):
            found |= set(_login(value))
    return found


def without(secrets: set[str], said: str) -> str:
    """The text without any of them that is 4 characters or more, also as a URL, a header of HTTP or
    Python would write it."""
    forms = {form for each in secrets if len(each) >= _LEAST_PIECE for form in _forms(each)}
    for form in sorted(forms, key=len, reverse=True):
        said = said.replace(form, "***")
    return said


def _tokens(given: str) -> Iterator[str]:
    for word in given.split():
        bare = word.strip("'\"")
        yield bare.partition("=")[2]
        if "://" in bare:
            yield from re.split(r"[/?&=@:#]", bare)
        if not bare.isalpha():
            yield bare


def _login(proxy: str) -> Iterator[str]:
    """User, password, and both, of a URL that may have none."""
    login, is_login, _ = proxy.rpartition("@")
    if is_login:
        login = login.rpartition("://")[2]
        user, _, password = login.partition(":")
        yield from (login, user, password)


def _forms(secret: str) -> set[str]:
    plain = unquote(secret)
    in_header = base64.b64encode(plain.encode(errors="replace")).decode()
    escaped = repr(plain)[1:-1]
    return {secret, plain, quote(plain, safe="", errors="replace"), in_header, escaped}
