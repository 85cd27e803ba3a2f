"""Settings: where published reports are delivered to."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field, SecretStr, field_validator

from pipeline_core.addresses.mail import Mailer, parse_mail_server, parse_sender
from pipeline_core.addresses.web_url import check_web_url
from pipeline_core.configuration.destinations import Destination, parse_destinations
from pipeline_core.settings.group import Count, SettingGroup


class DeliverySettings(SettingGroup):
    """Where published reports are delivered to."""

    deliver: SecretStr | None = Field(
        None,
        description="Where every published run goes besides, with commas in between: "
        "postgresql://user:password@host:5432/database?schema=sales_pipeline, "
        "file+xlsx:///folder/report.xlsx, mailto:somebody@shop.example, apprise+URL of a "
        "notification service.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Server that sends mails: smtp://user:password@host:587 (STARTTLS) or "
        "smtps://…:465, with ?ca=FILE for an authority of your own; without TLS only by ?tls=none.",
    )
    mail_from: str | None = Field(
        None, description="Who mails are from: Sales reports <reports@shop.example>."
    )
    mail_max_bytes: Count = Field(
        10 << 20,
        description="Most bytes of the files that a mail has attached; what is more is linked.",
    )
    reports_url: str | None = Field(
        None,
        description="Address at which people see the reports, such as that of `serve`; mails and "
        "notifications link there.",
    )

    @field_validator("deliver")
    @classmethod
    def _known_destinations(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_destinations(value.get_secret_value())
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_mail_server(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str | None) -> str | None:
        if value is not None:
            parse_sender(value)
        return value

    @field_validator("reports_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            check_web_url(value)
        return value

    def destinations(self) -> tuple[Destination, ...]:
        """Those of this process; they hold logins."""
        return () if self.deliver is None else self.destinations_of(self.deliver.get_secret_value())

    def destinations_of(self, text: str) -> tuple[Destination, ...]:
        """Those of a text as SALES_DELIVER has it, with what the settings say of them.

        Raises:
            ValueError: one is none, or nothing says how a mail is to be sent; no login is shown.
        """
        found, mailer = parse_destinations(text), self._mailer()
        if mailer is None and any(each.kind == "mail" for each in found):
            raise ValueError(
                "a mail needs a server and a sender, which SALES_SMTP_URL and SALES_MAIL_FROM name"
            )
        address = self.reports_url or ""
        return tuple(replace(each, mailer=mailer, reports_url=address) for each in found)

    def _mailer(self) -> Mailer | None:
        if self.smtp_url is None or self.mail_from is None:
            return None
        server = parse_mail_server(self.smtp_url.get_secret_value())
        return Mailer(server, parse_sender(self.mail_from), self.mail_max_bytes)
