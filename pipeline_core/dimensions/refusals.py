"""Why a PostgreSQL was not connected with, by what libpq says; and a text without a login.

A server that refuses a connection says so in words alone: psycopg2 has no SQLSTATE before there is
a connection. What it says in another language than English is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# What trying again does not mend, by what has to be corrected.
Refusal = Literal["login", "database", "connect", "host", "unknown host", "tls"]

# What a server answers has its severity in front, and libpq 14 or newer the place before that:
# `connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already`.
_ANSWER = re.compile(r'(?:^FATAL|failed: [^:"]+):  ')
# Of SQLSTATE classes 28, 3D and 42501, and as PgBouncer says them.
_FOR_GOOD: tuple[tuple[Refusal, re.Pattern[str]], ...] = (
    (
        "login",
        re.compile(
            r"(?:password|peer|ident|certificate|SASL|SCRAM) authentication failed"
            r"|no password supplied|no such user|empty password|role .* does not exist"
            r"|role .* is not permitted to log in",
            re.IGNORECASE,
        ),
    ),
    ("database", re.compile(r"database .* does not exist|no such database", re.IGNORECASE)),
    ("connect", re.compile(r"permission denied for database", re.IGNORECASE)),
    ("host", re.compile(r"no pg_hba\.conf entry|pg_hba\.conf rejects", re.IGNORECASE)),
)
# Of libpq and OpenSSL, before there is a connection: what is cut off (`SSL SYSCALL error`) is none.
_TLS = re.compile(
    r"server does not support SSL|server certificate for .* does not match"
    r"|SSL error: (?!.*(?:unexpected eof|bad record|decryption failed))"
    r"|root certificate file .* does not exist|certificate file .* does not exist"
    r"|could not (?:read|load|open) .*certificate|private key file"
    r"|server's certificate|server does not support GSSAPI",
    re.IGNORECASE,
)
# Not `Temporary failure in name resolution`, of a resolver that is away.
_UNKNOWN_HOST = re.compile(
    r"could not translate host name .* to address: "
    r"(?:Name or service not known|Name does not resolve|No address associated with hostname"
    r"|nodename nor servname provided|No such host is known)",
    re.IGNORECASE,
)
# A host's name has no @: what a message quotes with one is a piece of a password.
_WITH_AT = re.compile(r'"[^"]*@[^"]*"')
_QUOTED_USER = re.compile(r'\b(user|role) "([^"]*)"')
_PLAIN_NAME = re.compile(r"[\w.$-]*")
_NAME_BYTES = 63  # PostgreSQL cuts longer ones


def why_not_connected(
    lines: Sequence[str],
) -> tuple[str, Refusal | Literal["busy", "silent"]]:
    """What libpq says, which has a line for each address or way that it tried, in one of them; and
    whether that is for good, the server cannot now (busy), or nobody answers (silent)."""
    answers = [line.rstrip(".") for line in lines if _answers(line)]
    refusals = [_refusal_for_good(answer) for answer in answers]
    if not answers:
        tried = [line for line in lines if line and not line[0].isspace()]
        silent = [line for line in tried if not _UNKNOWN_HOST.search(line)]
        said = (silent or lines)[0].rstrip(".")
        return said, "silent" if silent or not tried else "unknown host"
    last = refusals[-1]
    if last is not None and all(refusals):
        return answers[-1], last
    return answers[refusals.index(None)], "busy"


def _answers(line: str) -> bool:
    """Whether it is the server's word, or libpq's of what the server, or itself, asks for."""
    return bool(_ANSWER.search(line) or _TLS.search(line)) or "no password supplied" in line


def _refusal_for_good(answer: str) -> Refusal | None:
    if _TLS.search(answer):
        return "tls"
    return next((refusal for refusal, words in _FOR_GOOD if words.search(answer)), None)


@dataclass(frozen=True)
class Login:
    """With what a connection was asked for."""

    user: str | None
    password: str | None
    database: str | None

    @property
    def hidden(self) -> set[str]:
        """What may be a password that went to the wrong setting: a user, or a database, that is no
        plain name."""
        return {each for each in (self.user, self.database) if each and not _is_plain(each)}

    def may_show(self, user: str) -> bool:
        """Whether what a server calls a user is the one that was asked for, beside a password: who
        has to correct a login needs to know whose. Alone it may be the password."""
        return user == self.user and self.password not in {None, "", user} and _is_plain(user)


def masked(said: str, login: Login) -> str:
    """Without a password, and what may be one."""
    for each in login.hidden:
        cut = each.encode()[:_NAME_BYTES].decode(errors="ignore")
        said = said.replace(each, "***").replace(cut, "***")
    said = _QUOTED_USER.sub(lambda found: _quoted_user(found, login), said)
    return _WITH_AT.sub('"***"', said)


def _quoted_user(found: re.Match[str], login: Login) -> str:
    shown = found[2] if login.may_show(found[2]) else "***"
    return f'{found[1]} "{shown}"'


def _is_plain(name: str) -> bool:
    return _PLAIN_NAME.fullmatch(name) is not None
