"""Feature codes: which code an entered number is (specification pbx, section 6).

A number is a code when it is one, or when it is a queue's number with a code for queues behind it: ``345#``
is code ``#`` for queue 345. Codes beat every pattern of an Outgoing Route.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, String, and_, bindparam, case, cast, func, literal_column, or_, select

from tamas.dialplan.store_wait import in_time
from tamas.store.database import HotQuery
from tamas.store.dialplan_schema import feature_codes
from tamas.store.schema import queues

if TYPE_CHECKING:
    from tamas.dialplan.call import Call


class CodeType(StrEnum):
    """What a code does."""

    QUEUE_JOIN = "queue_join"
    QUEUE_LEAVE = "queue_leave"
    QUEUE_PAUSE = "queue_pause"
    QUEUE_UNPAUSE = "queue_unpause"
    PAUSE = "pause"
    """In all queues, as ``UNPAUSE``."""
    UNPAUSE = "unpause"
    BLACKLIST = "blacklist"
    """The last caller, or a number that is typed, joins the black list."""
    WHO_AM_I = "who_am_i"
    FORWARD = "forward"
    """Calls are forwarded under any condition, or no longer."""


FOR_QUEUES: Final = (CodeType.QUEUE_JOIN, CodeType.QUEUE_LEAVE, CodeType.QUEUE_PAUSE, CodeType.QUEUE_UNPAUSE)
"""Types that act in one queue, so that its number may stand in front of the code."""


class Auth(StrEnum):
    """What is asked for before a code does anything."""

    NONE = "none"
    USER_SECRET = "user_secret"  # noqa: S105 - a kind, not a value
    """The secret of the person's extension: only digits can be typed."""
    PASSWORD = "password"  # noqa: S105
    """The code's own."""


class WhoseNumber(StrEnum):
    """For whom a code acts."""

    PHONE = "phone"
    """Whoever sits at the phone: the agent signed in there, else the extension."""
    ASK = "ask"


class WhichQueue(StrEnum):
    """Where a code for queues acts, unless the queue's number was dialed in front of it."""

    NONE = "none"
    ASK = "ask"
    DEFAULT = "default"
    """The queue that the code names."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code that was dialed."""

    id: str
    code: str
    type: CodeType
    auth: Auth
    agent: WhoseNumber
    queue: WhichQueue
    queue_number: str
    """The queue dialed in front of it, else the one it names; may be empty."""


def _statement() -> Any:
    c, q = feature_codes.c, queues.c
    given = select(cast(bindparam("number"), String).label("number")).cte("given")
    number = given.c.number
    # Constants stand in the text, so that the number is the only parameter.
    zero: ColumnElement[int] = literal_column("0")
    one: ColumnElement[int] = literal_column("1")
    before = func.length(number) - func.length(c.code)
    front = func.substr(number, one, case((before > zero, before), else_=zero))
    with_queue = and_(q.number == front, q.number + c.code == number)
    for_queues = or_(*(c.type == literal_column(f"'{each.value}'") for each in FOR_QUEUES))
    exact = c.code == number
    return (
        select(c.id, c.code, c.type, c.auth, c.agent, c.queue, c.queue_number, q.number)
        .select_from(
            given.join(feature_codes, literal_column("1 = 1")).outerjoin(queues, and_(for_queues, with_queue))
        )
        .where(or_(exact, q.number.is_not(None)))
        .order_by(case((exact, zero), else_=one), func.length(c.code).desc())
    )


_FIND: Final = HotQuery(_statement())


async def feature_code(call: Call, number: str) -> Code | None:
    """The code that an entered number is; ``None`` when it is none.

    :raises StoreUnreachable: the store does not answer.
    """
    rows = await in_time(call.services.database.hot(_FIND, number))
    if not rows:
        return None
    identity, code, type_, auth, agent, queue, default, dialed = rows[0]
    if code != number:
        default = dialed
    elif queue != WhichQueue.DEFAULT:
        default = ""
    return Code(
        id=identity,
        code=code,
        type=CodeType(type_),
        auth=Auth(auth),
        agent=WhoseNumber(agent),
        queue=WhichQueue(queue),
        queue_number=default,
    )
