"""Events of messages and of mails about them. Source of fields and values: SA catalogue, ``events``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tamas.events.outbox import Event
from tamas.store.clock import MICROSECONDS, now

Row = Mapping[str, Any]

HUNG_UP: Final = "Hangup call"
"""SA catalogue: why there is no message of a caller who hung up before saying anything."""


def message_stored(message: Row, length: int) -> Event:
    """A message can be listened to.

    :param message: its row.
    :param length: microseconds.
    """
    return _message(message, "SUCCESS", filename=message["filename"], duration=length // MICROSECONDS)


def message_failed(message: Row, reason: str) -> Event:
    """There is no recording of a message.

    :param reason: in the catalogue's words.
    """
    return _message(message, "FAILED", message=reason)


def _message(row: Row, state: str, **more: Any) -> Event:
    fields = {
        "id": row["id"],
        "number": row["number"],
        "state": state,
        **more,
        "caller": row["caller_id"],
        "data": "",
        "date": now(),
        "cuid": row["cuid"],
    }
    return Event(name="VoiceMail", fields=fields, call=row["cuid"])


def mail_finished(mail: Row, number: str, reason: str | None) -> Event:
    """A mail about a message was sent, or was given up.

    :param mail: its row.
    :param number: of the mailbox.
    :param reason: why it was given up; ``None``: it was sent.
    """
    fields = {
        "id": mail["message_id"],
        "number": number,
        "state": "SUCCESS" if reason is None else "FAILED",
        "message": reason,
        "receiver": mail["receiver"],
        "active": True,  # a mailbox that sends no mails has none that could fail
        "attached_file": bool(mail["attach"]),
        "data": "",
        "date": now(),
    }
    return Event(name="VoiceMailEmail", fields=fields)
