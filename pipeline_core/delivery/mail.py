"""A published run as a mail: headline and causes as text and HTML, workbook and page attached."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from pathlib import Path

from pipeline_core.addresses.mail import Mailer
from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.headline import Headline, headline_of
from pipeline_core.delivery.mail_text import as_html, as_text
from pipeline_core.delivery.rows import published_rows
from pipeline_core.delivery.workbook import save_workbook
from pipeline_core.errors import ConfigError, ContractError
from pipeline_core.ledger import RunLedger
from pipeline_core.load.read_back import read_published
from pipeline_core.plural import counted
from pipeline_core.smtp.conversation import conversation

# Bytes of a mail around what is attached, which takes 4 for 3 and its line ends.
_AROUND, _ON_THE_WIRE = 1 << 17, 1.38
_LONGEST_SUBJECT = 250
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Attachment:
    """A file of a mail."""

    name: str
    """Its name."""
    kind: str
    """Its media type."""
    content: bytes
    """Its bytes."""


def send_mail(
    destination: Destination, ledger: RunLedger, about_to_send: Callable[[], None]
) -> None:
    """Sends the mail of a run; ``about_to_send`` is called before it may arrive.

    Raises:
        ConfigError: the server refuses for good, or the run is not published.
        OutcomeUnknown: it was sent, and nobody knows whether it arrives.
        RetryableError: the server does not answer, or cannot now.
    """
    mailer = _mailer(destination)
    headline = headline_of(ledger, destination.reports_url)
    files, notes = _files(ledger)
    with conversation(mailer.server) as server:
        most = mailer.most_bytes
        if server.most_bytes is not None:
            most = min(most, int((server.most_bytes - _AROUND) / _ON_THE_WIRE))
        mail = compose(headline, mailer.sender, destination.recipient, files, most, notes)
        data = mail.as_bytes(policy=SMTP)
        server.address(mailer.sender[1], destination.recipient, len(data))
        about_to_send()
        server.hand_over(data)


def try_out_mail(destination: Destination) -> str:
    """Whether the server would take a mail to the recipient; none is sent. Returns what was found,
    for people. Raises as ``send_mail``."""
    mailer = _mailer(destination)
    with conversation(mailer.server) as server:
        server.address(mailer.sender[1], destination.recipient)
        server.take_back()
        return f"{mailer.server.shown} takes mails to it ({server.how})"


def message_id(run_id: str, recipient: str, sender: str) -> str:
    """The same for the same run and recipient, so that a mail that comes twice is seen to."""
    digest = hashlib.sha256(f"{run_id}\0{recipient}".encode()).hexdigest()[:16]
    return f"<{run_id}.{digest}@{sender.rpartition('@')[2]}>"


def compose(
    headline: Headline,
    sender: tuple[str, str],
    recipient: str,
    files: Sequence[Attachment],
    most_bytes: int,
    notes: Sequence[str] = (),
) -> EmailMessage:
    """The mail, with as many of the files as there is room for; ``notes`` are said of others."""
    attached, told = _that_fit(files, most_bytes)
    notes = [*told, *notes]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender[0], addr_spec=sender[1])
    mail["To"] = Address(addr_spec=recipient)
    # No character of ours but the blank of a currency ends no word.
    mail["Subject"] = headline.subject.replace("\u00a0", " ")[:_LONGEST_SUBJECT]
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = message_id(headline.run_id, recipient, sender[1])
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence answers
    mail["X-Sales-Pipeline-Run"] = headline.run_id
    # No server needs to take 8 bits, or lines without an end.
    mail.set_content(as_text(headline, notes), cte="quoted-printable")
    mail.add_alternative(as_html(headline, notes), subtype="html", cte="quoted-printable")
    for each in attached:
        maintype, _, subtype = each.kind.partition("/")
        mail.add_attachment(each.content, maintype=maintype, subtype=subtype, filename=each.name)
    return mail


def _that_fit(files: Sequence[Attachment], most_bytes: int) -> tuple[list[Attachment], list[str]]:
    """Those that there is room for, the first ones first, and what is said of all."""
    attached: list[Attachment] = []
    notes = []
    for each in files:
        if sum(len(one.content) for one in (*attached, each)) <= most_bytes:
            attached.append(each)
            notes.append(f"Attached: {each.name}.")
        else:
            size = counted(len(each.content), "byte")
            notes.append(f"Not attached, since it has {size}: {each.name}; see the page above.")
    return attached, notes


def _files(ledger: RunLedger) -> tuple[list[Attachment], list[str]]:
    """The workbook and the page; and what is said if there is no workbook."""
    rows, notes, found = published_rows(ledger), list[str](), list[Attachment]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.xlsx")
        try:
            save_workbook(path, rows)
        except ConfigError as error:
            notes.append(f"There is no workbook. {error.message}")
        else:
            name = f"sales_report_{ledger.run_id}.xlsx"
            found.append(Attachment(name, _WORKBOOK, path.read_bytes()))
    page = read_published(ledger.manifest().reports, ledger.run_id, "index.html")
    found.append(Attachment(f"sales_report_{ledger.run_id}.html", "text/html", page))
    return found, notes


def _mailer(destination: Destination) -> Mailer:
    if destination.mailer is None:
        raise ContractError("A mail without a server.")
    return destination.mailer
