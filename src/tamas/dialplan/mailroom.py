"""What a call wants of mailboxes, in the time that a call can wait."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tamas.dialplan.directory import Mailbox
from tamas.dialplan.store_wait import in_time
from tamas.engine.sip_secrets import SealError, SecretSeal
from tamas.store.database import Database, Row
from tamas.voicemail.messages import (
    Kept,
    NewMessage,
    begin_message,
    close_message,
    count_messages,
    mark_heard,
    messages_of,
    open_message,
    remove_message,
)
from tamas.voicemail.passwords import change_password, try_password

log = logging.getLogger(__name__)


class Mailroom:
    """Mailboxes as the call flow uses them. While the store is away methods raise ``StoreUnreachable``."""

    def __init__(
        self,
        database: Database,
        directory: Path,
        seal: SecretSeal,
        runtime: Callable[[], Awaitable[Mapping[str, Any]]],
    ) -> None:
        """
        :param directory: of all messages.
        :param runtime: gives the settings of the store as they are now.
        """
        self._database = database
        self._seal = seal
        self.directory = directory
        self.runtime = runtime

    async def has_room(self, mailbox: Mailbox) -> bool:
        """Whether another message may be left."""
        limit = (await self.runtime())["voicemail.max_messages"]
        return await in_time(count_messages(self._database, mailbox.id)) < int(limit)

    async def begin(
        self, mailbox: Mailbox, *, caller_id: str, caller_name: str, cuid: str, channel_id: str
    ) -> NewMessage:
        """Write down that a message begins."""
        return await in_time(
            begin_message(
                self._database,
                self.directory,
                mailbox_id=mailbox.id,
                number=mailbox.number,
                caller_id=caller_id,
                caller_name=caller_name,
                cuid=cuid,
                channel_id=channel_id,
            )
        )

    async def close(self, message_id: str, *, may_lack: bool = False) -> Kept:
        """Close a message whose recording is over; see :func:`tamas.voicemail.messages.close_message`."""
        runtime = await self.runtime()
        return await in_time(
            close_message(self._database, self.directory, message_id, runtime, may_lack=may_lack)
        )

    async def close_open(self, channel_id: str) -> Kept:
        """Close the message that a process before us began on a channel, if it did."""
        message_id = await in_time(open_message(self._database, channel_id))
        return Kept.NONE if message_id is None else await self.close(message_id, may_lack=True)

    async def messages(self, mailbox: Mailbox) -> list[Row]:
        """What can be listened to: new messages first."""
        return await in_time(messages_of(self._database, mailbox.id))

    async def heard(self, message_id: str) -> None:
        """Note that a message is being listened to."""
        await in_time(mark_heard(self._database, message_id))

    async def remove(self, message_id: str) -> None:
        """Delete a message."""
        await in_time(remove_message(self._database, self.directory, message_id))

    async def is_password(self, mailbox: Mailbox, given: str, *, origin: str) -> bool:
        """Whether this is the mailbox's password, and may be tried now.

        :param origin: extension whose telephone it is; ``""``: a caller from outside.
        """
        try:
            return await in_time(try_password(self._database, self._seal, mailbox.id, given, origin=origin))
        except SealError as error:
            log.error("nobody gets into mailbox %s: %s", mailbox.number, error)  # noqa: TRY400
            return False

    async def change_password(self, mailbox: Mailbox, new: str) -> None:
        """Give a mailbox another password."""
        await in_time(change_password(self._database, self._seal, mailbox.id, new))
