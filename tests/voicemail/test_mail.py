"""Mails about messages, handed to a real mail server."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from support.mail_server import ACCOUNT, PASSWORD, REFUSED, MailBin, make_certificate
from support.sounds import tone_wav
from tamas.engine.layout import EngineLayout
from tamas.engine.sip_secrets import SecretSeal
from tamas.store.changes import Changes
from tamas.store.clock import now
from tamas.store.database import Database, Row
from tamas.store.ids import new_id
from tamas.store.runtime_settings import set_runtime_settings
from tamas.store.voicemail_schema import mailboxes, voicemail_mails, voicemail_messages
from tamas.voicemail import delivery
from tamas.voicemail.delivery import MailDelivery
from tamas.voicemail.messages import Kept, begin_message, close_message, remove_message

RUNTIME = {"voicemail.min_seconds": 1}
SEAL = SecretSeal(bytes(32))


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A store with a mailbox of which mails are sent."""

    database: Database
    layout: EngineLayout
    delivery: MailDelivery
    mailbox_id: str

    async def set(self, **values: Any) -> None:
        await set_runtime_settings(self.database, Changes(self.database), values)

    async def change(self, **values: Any) -> None:
        async with self.database.write() as tx:
            await tx.execute(update(mailboxes).values(**values))

    async def leave(self) -> str:
        """Leave a message; gives its id."""
        message = await begin_message(
            self.database,
            self.layout.voicemail,
            mailbox_id=self.mailbox_id,
            number="400",
            caller_id="02188776655",
            caller_name="سارا\u2028 <b>",
            cuid="1.1",
            channel_id="1.1",
        )
        message.file.write_bytes(tone_wav(440, seconds=2))
        kept = await close_message(self.database, self.layout.voicemail, message.id, RUNTIME)
        assert kept is Kept.STORED
        return message.id

    async def mail(self) -> Row:
        """The only mail that was written down."""
        async with self.database.read() as connection:
            (row,) = await connection.rows(select(voicemail_mails))
        return row

    async def messages(self) -> list[Row]:
        async with self.database.read() as connection:
            return await connection.rows(select(voicemail_messages))

    def files(self) -> list[Path]:
        return [file for file in self.layout.voicemail.rglob("*") if file.is_file()]

    async def due(self) -> None:
        """Let the time of waiting be over."""
        async with self.database.write() as tx:
            await tx.execute(update(voicemail_mails).values(due_at=now()))


async def open_desk(database: Database, tmp_path: Path) -> Desk:
    layout = EngineLayout(state_dir=tmp_path)
    identity = new_id()
    async with database.write() as tx:
        await tx.execute(
            insert(mailboxes).values(
                id=identity,
                name="Reception",
                number="400",
                password_sealed=b"",
                email="owner@example.com",
                send_email="yes",
                created_at=1,
                updated_at=1,
            )
        )
    return Desk(
        database=database,
        layout=layout,
        delivery=MailDelivery(database, layout, SEAL),
        mailbox_id=identity,
    )


@pytest.fixture
async def desk(sqlite_database: Database, tmp_path: Path) -> Desk:
    """One on SQLite."""
    return await open_desk(sqlite_database, tmp_path)


@pytest.fixture
async def desk_of_both(database: Database, tmp_path: Path) -> Desk:
    """One on each store in turn."""
    return await open_desk(database, tmp_path)


def attachments(mail: EmailMessage) -> list[tuple[str | None, str, bytes]]:
    return [
        (part.get_filename(), part.get_content_type(), part.get_content()) for part in mail.iter_attachments()
    ]


async def test_a_mail_with_and_without_the_recording(desk: Desk) -> None:
    """It says who called, when and how long; the recording goes with it where the mailbox says so."""
    with MailBin() as server:
        await desk.set(**server.settings(), timezone="Asia/Tehran", calendar="jalali")
        message_id = await desk.leave()
        await desk.change(attach_file_email="yes")
        await desk.leave()
        assert await desk.delivery.send_next()
        assert await desk.delivery.send_next()
        assert not await desk.delivery.send_next()
    plain, attached = server.mails
    assert (plain["To"], plain["From"]) == ("owner@example.com", "pbx@example.com")
    assert plain["Subject"] == "Voicemail from سارا <b> 02188776655 in mailbox 400"
    assert message_id in plain["Message-ID"]
    text = plain.get_body().get_content()  # type: ignore[union-attr]
    assert "Mailbox: 400 (Reception)" in text
    assert "Length: 2 s" in text
    assert "Date: 14" in text
    assert attachments(plain) == []
    ((name, kind, content),) = attachments(attached)
    assert (name, kind) == ((await desk.messages())[1]["filename"], "audio/wav")
    assert content == tone_wav(440, seconds=2)
    assert len(await desk.messages()) == 2


async def test_what_was_mailed_is_deleted_where_the_mailbox_says_so(desk_of_both: Desk) -> None:
    """Only once it was sent, and only if the mail carried it."""
    desk = desk_of_both
    with MailBin() as server:
        await desk.set(**server.settings())
        await desk.change(delete_voicemail="yes")
        await desk.leave()
        await desk.delivery.send_next()
        assert len(desk.files()) == len(await desk.messages()) == 1, "the mail did not carry it"
        await desk.change(attach_file_email="yes")
        await desk.leave()
        assert len(desk.files()) == 2
        await desk.delivery.send_next()
    assert len(server.mails) == 2
    assert len(desk.files()) == len(await desk.messages()) == 1


async def test_no_mail_is_asked_for(desk: Desk) -> None:
    """A mailbox that sends none, or has no address, writes none down."""
    await desk.change(email="")
    await desk.leave()
    await desk.change(email="owner@example.com", send_email="no")
    await desk.leave()
    assert not await desk.delivery.send_next()


async def test_without_a_mail_server(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The mail fails at once in the catalogue's words, seen in its row and in the log; the message stays."""
    caplog.set_level(logging.WARNING, "tamas")
    await desk.change(attach_file_email="yes", delete_voicemail="yes")
    await desk.leave()
    assert await desk.delivery.send_next()
    mail = await desk.mail()
    assert (mail["state"], mail["error"]) == ("failed", "SMTP is disabled")
    assert "SMTP is disabled" in caplog.text
    assert len(await desk.messages()) == 1


async def test_a_server_that_is_away(desk: Desk) -> None:
    """It is tried again later, with longer waits, and comes through; in the end it is given up."""
    with MailBin() as server:
        settings = server.settings()
    await desk.set(**settings)
    await desk.leave()
    waits = []
    for _ in range(2):
        assert await desk.delivery.send_next()
        mail = await desk.mail()
        assert (mail["state"], bool(mail["error"])) == ("waiting", True)
        waits.append(round((mail["due_at"] - now()) / 1_000_000))
        assert not await desk.delivery.send_next(), "it is not due"
        await desk.due()
    assert waits[1] > waits[0] > 1
    with MailBin() as server:
        await desk.set(**server.settings())
        await desk.delivery.send_next()
    assert len(server.mails) == 1
    assert (await desk.mail())["state"] == "sent"


async def test_it_is_given_up_in_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last try the row says why, and nothing is tried any more."""
    monkeypatch.setattr(delivery, "MAX_TRIES", 2)
    with MailBin() as server:
        settings = server.settings()
    await desk.set(**settings)
    await desk.leave()
    for _ in range(2):
        await desk.delivery.send_next()
        await desk.due()
    mail = await desk.mail()
    assert mail["state"] == "failed"
    assert "refused" in mail["error"]
    assert not await desk.delivery.send_next()


async def test_a_receiver_that_is_refused(desk: Desk) -> None:
    """What the server will never take is tried once."""
    await desk.change(email=REFUSED)
    with MailBin() as server:
        await desk.set(**server.settings())
        await desk.leave()
        await desk.delivery.send_next()
        await desk.due()
    mail = await desk.mail()
    assert mail["state"] == "failed"
    assert "no such mailbox" in mail["error"]


async def test_a_message_that_was_deleted_before(desk: Desk) -> None:
    """Heard and deleted by telephone before the mail went: there is nothing to tell of."""
    with MailBin() as server:
        await desk.set(**server.settings())
        message_id = await desk.leave()
        await remove_message(desk.database, desk.layout.voicemail, message_id)
        await desk.delivery.send_next()
    assert server.mails == []
    assert (await desk.mail())["state"] == "failed"


async def test_encrypted_and_with_an_account(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """STARTTLS with a checked certificate and a sealed password, which no log or row shows."""
    caplog.set_level(logging.DEBUG)
    certificate = make_certificate(tmp_path / "mail.pem")
    with MailBin(certificate) as server:
        account = {"security": "starttls", "account": ACCOUNT, "password": SEAL.seal_text("wrong")}
        await desk.set(**server.settings(**account))
        await desk.leave()
        await desk.delivery.send_next()
        assert "CERTIFICATE" in (await desk.mail())["error"].upper()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await desk.due()
        await desk.delivery.send_next()
        assert "535" in (await desk.mail())["error"]
        await desk.set(**{"smtp.password": SEAL.seal_text(PASSWORD)})
        await desk.due()
        await desk.delivery.send_next()
    assert len(server.mails) == 1
    assert PASSWORD not in caplog.text
