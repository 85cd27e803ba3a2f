"""A conversation with a mail server that says how far it came: where it breaks after a mail was
sent, and before the server took it, nobody knows whether the mail arrives.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pipeline_core.addresses.mail import MailServer
from pipeline_core.errors import ConfigError, OutcomeUnknown, PipelineError, RetryableError
from pipeline_core.notify.secrets import without
from pipeline_core.smtp.client import Client
from pipeline_core.unprintable import plain

_MOST_SAID = 300
_WHERE = "SALES_SMTP_URL"
_DOT_AT_START = re.compile(rb"(?m)^\.")
_GOOD, _TEMPORARY, _PERMANENT = 2, 4, 5


@dataclass(frozen=True)
class Conversation:
    """A server that listens, and knows who we are."""

    client: Client
    server: MailServer

    @property
    def most_bytes(self) -> int | None:
        """Bytes of the largest mail that it takes; None if it does not say."""
        said = self.client.esmtp_features.get("size", "")
        return int(said) if said.isascii() and said.isdigit() and int(said) else None

    @property
    def how(self) -> str:
        """How it is spoken to, for people."""
        version = getattr(self.client.sock, "version", lambda: None)()
        login = ", logged in" if self.server.user else ""
        return f"{version or 'without TLS'}{login}"

    def address(self, sender: str, recipient: str, size: int | None = None) -> None:
        """Says from whom and to whom a mail is. Raises as ``conversation``."""
        options = [f"SIZE={size}"] if size and self.client.has_extn("size") else []
        self._take(self.client.mail(sender, options), "the sender", "Correct SALES_MAIL_FROM.")
        self._take(
            self.client.rcpt(recipient),
            "the recipient",
            "Correct the address in SALES_DELIVER (or --to), or see what its server says of it.",
        )

    def hand_over(self, mail: bytes) -> None:
        """Sends a mail whose sender and recipient the server took.

        Raises:
            OutcomeUnknown: nobody knows whether it was taken.
            ConfigError: it is refused for good.
            RetryableError: it cannot be taken now, or was not sent as a whole.
        """
        refused = "See what the server says of it; SALES_MAIL_MAX_BYTES bounds what is attached."
        code, said = self.client.docmd("DATA")
        if code != 354:  # noqa: PLR2004  (go on)
            self._take((code, said), "the mail", refused)
            raise smtplib.SMTPResponseException(code, said)
        stuffed = _DOT_AT_START.sub(b"..", mail)
        self.client.send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
        try:
            self.client.patience()
            self.client.send(b".\r\n")
            code, said = self.client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(
                "The mail was sent, and the connection broke before the server said that it has "
                f"it ({_why(error)}): nobody knows whether it arrives."
            ) from None
        if code // 100 not in {_GOOD, _TEMPORARY, _PERMANENT}:
            raise OutcomeUnknown(
                "The mail was sent, and the server's word on it means nothing: nobody knows "
                "whether it arrives."
            )
        self._take((code, said), "the mail", refused)

    def take_back(self) -> None:
        """Forgets from whom and to whom."""
        self.client.rset()

    def _take(self, reply: tuple[int, bytes], what: str, remedy: str) -> None:
        code, said = reply
        if code // 100 == _GOOD:
            return
        words = f"{code} {_shown(said, self.server)}".rstrip(". ")
        if code // 100 == _PERMANENT:
            raise ConfigError(f"The mail server refuses {what}: {words}.", remedy)
        raise RetryableError(
            f"The mail server does not take {what} now: {words}.", "See what it waits for."
        )


@contextmanager
def conversation(server: MailServer) -> Iterator[Conversation]:
    """A conversation with TLS checked and the login done, closed at the end.

    Raises:
        ConfigError: its certificate is not checked well, or it refuses for good.
        RetryableError: it does not answer, cannot now, or takes too long.
    """
    with _errors_of(server):
        context = _context(server)
        client = Client(server, context)
        try:
            client.ehlo()
            if server.encryption == "starttls" and context is not None:
                client.begin_tls(context)
                client.ehlo()
            _log_in(client, server)
            yield Conversation(client, server)
            with suppress(OSError, smtplib.SMTPException):  # it is done
                client.quit()
        finally:
            client.close()


def _log_in(client: Client, server: MailServer) -> None:
    if not server.user:
        return
    try:
        client.login(server.user, server.password)
    except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected) as error:
        if not isinstance(error, smtplib.SMTPAuthenticationError):
            raise
        if error.smtp_code // 100 == _TEMPORARY:
            raise
        raise ConfigError(
            f"The mail server refuses the login: {_answer(error, server)}.",
            f"Correct user and password in {_WHERE}.",
        ) from None
    except smtplib.SMTPException:
        raise ConfigError(
            "The mail server takes no login that is known here (PLAIN, LOGIN, CRAM-MD5).",
            f"Leave user and password out of {_WHERE}, or name another server.",
        ) from None
    except UnicodeEncodeError:
        raise ConfigError(
            "The mail server takes users and passwords of ASCII alone.",
            f"Give it another password, and correct {_WHERE}.",
        ) from None


def _context(server: MailServer) -> ssl.SSLContext | None:
    if server.encryption == "none":
        return None
    try:
        return ssl.create_default_context(cafile=server.ca or None)
    except OSError as error:
        cause = "it holds no certificate of an authority (PEM)"
        if not isinstance(error, ssl.SSLError):
            cause = error.strerror or type(error).__name__
        raise ConfigError(
            f"The file of authorities {server.ca} cannot be used: {cause}.",
            f"Correct ca in {_WHERE}.",
        ) from None


@contextmanager
def _errors_of(server: MailServer) -> Iterator[None]:
    """Errors of ours for those of sockets and smtplib, without a login."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            f"The certificate of the mail server {server.shown} is not trusted: "
            f"{plain(error.verify_message).rstrip('.')}.",
            f"Name the server as its certificate does, or its authority by ?ca=FILE in {_WHERE}.",
        ) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error, server) from None
    except (OSError, smtplib.SMTPException) as error:
        raise RetryableError(
            f"The mail server {server.shown} does not answer: {_why(error)}.",
            f"Check {_WHERE}, and that the server is up.",
        ) from None


def _refused(error: smtplib.SMTPResponseException, server: MailServer) -> PipelineError:
    said = _answer(error, server)
    if error.smtp_code // 100 == _PERMANENT:
        return ConfigError(f"The mail server refuses: {said}.", "See what it says of it.")
    return RetryableError(f"The mail server cannot now: {said}.", "See how it fares.")


def _answer(error: smtplib.SMTPResponseException, server: MailServer) -> str:
    return f"{error.smtp_code} {_shown(error.smtp_error, server)}".rstrip(". ")


def _shown(said: bytes | str, server: MailServer) -> str:
    """What a server says, in one line, without the login, which it may repeat."""
    text = said if isinstance(said, str) else said.decode(errors="replace")
    both = f"\0{server.user}\0{server.password}"
    text = without({server.user, server.password, both}, " ".join(text.split()))
    return plain(text)[:_MOST_SAID]


def _why(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error.__context__, TimeoutError):  # smtplib says that it was closed
        return "timed out"
    return plain(str(error))[:_MOST_SAID].rstrip(".") or type(error).__name__
