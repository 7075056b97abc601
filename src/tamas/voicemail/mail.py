"""What a mail about a message says, and handing it to the mail server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from tamas.engine.sip_secrets import SecretSeal
from tamas.errors import TamasError
from tamas.store.clock import MICROSECONDS

TIMEOUT: Final = 30.0
"""Seconds for each step of the mail server."""


class MailRefused(TamasError):
    """The mail server will not take this mail, now or later."""


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where mail is handed in."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    account: str
    password: str = field(repr=False)
    sender: str


def mail_server(runtime: Mapping[str, Any], seal: SecretSeal) -> MailServer | None:
    """The mail server of the settings; ``None``: there is none.

    :param runtime: settings of the store, by key.
    :raises tamas.engine.sip_secrets.SealError: its password cannot be opened.
    """
    if not runtime["smtp.host"]:
        return None
    sealed, account = runtime["smtp.password"], runtime["smtp.account"]
    sender = runtime["smtp.sender"] or (account if "@" in account else f"tamas@{socket.getfqdn()}")
    return MailServer(
        host=runtime["smtp.host"],
        port=runtime["smtp.port"],
        security=runtime["smtp.security"],
        account=account,
        password=seal.open_text(sealed) if sealed else "",
        sender=sender,
    )


def compose(
    message: Mapping[str, Any],
    mailbox: Mapping[str, Any],
    runtime: Mapping[str, Any],
    *,
    sender: str,
    receiver: str,
    attachment: Path | None,
) -> EmailMessage:
    """The mail about a message. Blocks while it reads the attachment.

    :param message: a row of ``voicemail_messages``.
    :param mailbox: a row of ``mailboxes``.
    :raises OSError: the attachment cannot be read.
    """
    moment = datetime.fromtimestamp(message["left_at"] // MICROSECONDS, ZoneInfo(runtime["timezone"]))
    day = moment.date().isoformat()
    if runtime["calendar"] == "jalali":
        day = str(JalaliDate(moment.date()))  # type: ignore[no-untyped-call]
    caller = _one_line(f"{message['caller_name']} {message['caller_id']}") or "unknown"
    box = _one_line(f"{mailbox['number']} ({mailbox['name']})")
    length = max(1, round(message["duration"] / MICROSECONDS))
    mail = EmailMessage()
    mail["Subject"] = f"Voicemail from {caller} in mailbox {mailbox['number']}"
    mail["From"] = sender
    mail["To"] = receiver
    mail["Date"] = format_datetime(moment)
    mail["Message-ID"] = make_msgid(idstring=message["id"], domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's vacation answers
    mail.set_content(
        f"Mailbox: {box}\nFrom: {caller}\nDate: {day} {moment:%H:%M:%S}\nLength: {length} s\n"
        + ("" if attachment else "\nListen to it by telephone.\n")
    )
    if attachment is not None:
        mail.add_attachment(
            attachment.read_bytes(), maintype="audio", subtype="wav", filename=message["filename"]
        )
    return mail


def send(server: MailServer, mail: EmailMessage) -> None:
    """Hand a mail in. Blocks.

    :raises MailRefused: trying again would not help.
    :raises OSError: it did not work out; ``smtplib.SMTPException`` is one.
    """
    context = ssl.create_default_context()
    try:
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
        with connection:
            if server.security == "starttls":
                connection.starttls(context=context)
            if server.account:
                connection.login(server.account, server.password)
            connection.send_message(mail)
    except smtplib.SMTPAuthenticationError:
        raise  # somebody will correct the password
    except smtplib.SMTPRecipientsRefused as error:
        if all(code >= 500 for code, _ in error.recipients.values()):
            raise MailRefused(str(error)) from error
        raise
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if error.smtp_code >= 500:
            raise MailRefused(str(error)) from error
        raise


def _one_line(text: str) -> str:
    return " ".join(text.split())
