"""What has to be done for mailboxes all the time, once for each engine."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from tamas.engine.layout import EngineLayout
from tamas.engine.link import EngineAccess
from tamas.engine.sip_secrets import SecretSeal
from tamas.store.database import Database
from tamas.voicemail.abandoned import close_abandoned
from tamas.voicemail.delivery import MailDelivery
from tamas.voicemail.lights import MessageLights


def voicemail_work(
    database: Database, layout: EngineLayout, engine: EngineAccess, seal: SecretSeal
) -> dict[str, Coroutine[Any, Any, None]]:
    """What the main worker runs, by name; each goes on until it is cancelled."""
    return {
        "abandoned-messages": close_abandoned(database, layout, engine),
        "message-lights": MessageLights(database, layout, engine).run(),
        "mail-delivery": MailDelivery(database, layout, seal).run(),
    }
