"""Which file a sound of the plan is (``Ref.SOUND``).

The name of an announcement, ``id:`` and its id, or ``builtin:`` and the name of one of Asterisk's own sounds.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import String, bindparam, cast, func, or_, select

from tamas.dialplan.store_wait import in_time
from tamas.store.database import Database, HotQuery
from tamas.store.schema import announcements

log = logging.getLogger(__name__)

BUILTIN: Final = "builtin:"
BY_ID: Final = "id:"
_BUILTIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(?:/[A-Za-z0-9_-]{1,64}){0,3}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")

# Once in the text, because a hot query is given its values by position.
_given = select(cast(bindparam("wanted"), String).label("sound")).cte("given")
_same = announcements.alias("same")
# Names are not unique; the oldest of a name is meant.
_FIND: Final = HotQuery(
    select(announcements.c.filename).where(
        announcements.c.id
        == select(func.min(_same.c.id))
        .where(or_(_same.c.name == _given.c.sound, _same.c.id == _given.c.sound))
        .scalar_subquery()
    )
)


def is_builtin(sound: str) -> bool:
    """Whether a sound is named as one of Asterisk's own."""
    return sound.startswith(BUILTIN) and bool(_BUILTIN_NAME.fullmatch(sound.removeprefix(BUILTIN)))


class Sounds:
    """Finds the files of sounds, in the store and among Asterisk's own."""

    def __init__(self, database: Database, directory: Path) -> None:
        """:param directory: of the files of announcements."""
        self._database = database
        self._directory = directory

    async def file(self, sound: str) -> str | None:
        """What Asterisk plays: a name without ending; ``None`` when there is no such sound.

        :raises StoreUnreachable: the store does not answer.
        """
        if sound.startswith(BUILTIN):
            return sound.removeprefix(BUILTIN) if is_builtin(sound) else None
        rows = await in_time(self._database.hot(_FIND, sound.removeprefix(BY_ID)))
        filename = str(rows[0][0]) if rows else ""
        if not _FILE_NAME.fullmatch(filename):
            return None
        return str((self._directory / filename).with_suffix(""))

    async def files(self, sounds: Sequence[str]) -> list[str]:
        """The files of several; empty names are skipped, those that are nowhere are logged and left out."""
        found = []
        for sound in sounds:
            if not sound:
                continue
            file = await self.file(sound)
            if file is None:
                log.warning("there is no sound %r", sound)
            else:
                found.append(file)
        return found
