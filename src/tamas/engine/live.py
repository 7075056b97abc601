"""Effects on the running engine of rows that were just committed.

The rows are the truth and Asterisk reads them again sooner or later; these functions make it do so now. Each
raises :class:`tamas.engine.ami.AmiError` when the engine is away or refuses.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, literal_column, or_, select

from tamas.engine.ami import AmiActionFailed, AmiClient
from tamas.store.database import Connection, Database
from tamas.store.schema import extensions, queue_members, trunks
from tamas.store.views import AGENTS_CONTEXT, trunk_endpoint

READ_ALL_SECONDS = 60.0
"""For a command that may read every endpoint."""
_NO_SUCH_AOR = "Unable to retrieve aor"
_NO_MEMBER = "none"
"""Filters every member out of the answer to ``QueueStatus``."""


def member_interface(agent: str) -> str:
    """What a queue dials for an agent, so that each leg walks the dialplan."""
    return f"Local/{agent}@{AGENTS_CONTEXT}/n"


def state_interface(phone: str) -> str:
    """The device whose state tells a queue whether an agent is busy."""
    return f"PJSIP/{phone}"


async def queue_members_changed(ami: AmiClient, queue: str) -> None:
    """Make ``app_queue`` read a queue and its members again.

    It does so by itself only when a caller joins or is offered to members.
    """
    await ami.list_action("QueueStatus", {"Queue": queue, "Member": _NO_MEMBER})


async def pause_member(ami: AmiClient, queue: str, interface: str, *, paused: bool, reason: str = "") -> None:
    """Put a queue member on break or end the break; writes the queue log and raises Asterisk's event.

    :raises tamas.engine.ami.AmiActionFailed: the member is not in that queue.
    """
    fields = {"Queue": queue, "Interface": interface, "Paused": "true" if paused else "false"}
    if reason:
        fields["Reason"] = reason
    await ami.action("QueuePause", fields)


async def trunk_changed(
    ami: AmiClient,
    endpoint: str,
    *,
    registration_changed: bool,
    register_again: bool = False,
    gone: bool = False,
) -> None:
    """Ping a trunk's new address, and start, change or end its registration.

    :param endpoint: name of its endpoint (:func:`tamas.store.views.trunk_endpoint`), and of its registration.
    :param register_again: there was a registration and there still is one: by itself Asterisk would use other
        credentials only when it registers the next time, up to an hour later.
    :param gone: it was removed, deactivated or renamed; Asterisk stops pinging by itself then.
    """
    if not gone:
        await _reload_qualify(ami, endpoint)
        await _ping(ami, endpoint)
    if registration_changed:
        await ami.action("Reload", {"Module": "res_pjsip_outbound_registration.so"})
    if register_again:
        await ami.action("PJSIPRegister", {"Registration": endpoint})


async def endpoint_changed(ami: AmiClient, number: str) -> None:
    """Follow the phones of an extension that queues look at, and ping it at a fixed address.

    Without it Asterisk, having read its extensions at its start, rings a phone of a later one but shows its
    state as unavailable, so that queues pass it over. For an extension that Asterisk follows already it costs
    a millisecond; the first time Asterisk reads every endpoint (``ast_sip_get_endpoints``), some tenths of a
    millisecond each. So adding an extension must not cause it; signing in to a queue does.
    """
    await _reload_qualify(ami, number)
    await _ping(ami, number)


async def catch_up(ami: AmiClient, database: Database, *, since: int) -> None:
    """Tell a running Asterisk about extensions and trunks that changed while nobody could.

    For an Asterisk that was adopted or whose manager connection was lost; one that just started has read
    everything. What :func:`endpoint_changed` costs counts for each, so extensions that nobody watches are
    left out.

    :param since: changes before it were told already; microseconds since the epoch, UTC.
    """
    async with database.read() as connection:
        numbers = await connection.rows(
            select(extensions.c.number).where(
                or_(
                    and_(extensions.c.updated_at >= since, _watched()),
                    _somebody_signed_in().where(queue_members.c.joined_at >= since).exists(),
                )
            )
        )
        names = await connection.rows(select(trunks.c.name).where(trunks.c.updated_at >= since))
    for row in numbers:
        await _reload_qualify(ami, row["number"])
    for row in names:
        await _reload_qualify(ami, trunk_endpoint(row["name"]))
    await ami.action("Reload", {"Module": "res_pjsip_outbound_registration.so"})


async def watched_extensions(connection: Connection, numbers: Collection[str]) -> list[str]:
    """Those extensions that are active and whose state matters.

    It does when one has a fixed address, or somebody is signed in there.
    """
    statement = select(extensions.c.number).where(
        extensions.c.number.in_(numbers), extensions.c.active == "yes", _watched()
    )
    return [str(row["number"]) for row in await connection.rows(statement)]


def _watched() -> ColumnElement[bool]:
    return or_(extensions.c.host != "dynamic", _somebody_signed_in().exists())


def _somebody_signed_in() -> Select[tuple[int]]:
    """Members of queues at the extension of the statement around it."""
    seat: ColumnElement[str] = literal_column("'PJSIP/'") + extensions.c.number
    return select(queue_members.c.uniqueid).where(queue_members.c.state_interface == seat)


async def store_came_back(ami: AmiClient) -> None:
    """Let Asterisk connect to its database anew.

    Its ODBC connections do not notice that the server was restarted until a statement fails on each, and
    with it a call or a record.
    """
    await ami.action("Reload", {"Module": "res_odbc.so"})


async def _reload_qualify(ami: AmiClient, aor: str) -> None:
    try:
        await ami.command(f"pjsip reload qualify aor {aor}", timeout=READ_ALL_SECONDS)
    except AmiActionFailed as error:
        # Somebody removed it in the meantime, which is as good.
        if _NO_SUCH_AOR not in error.message:
            raise


async def _ping(ami: AmiClient, endpoint: str) -> None:
    """Ping what is pinged at all: until the first answer its device is unavailable, and no queue rings it.

    By itself Asterisk begins some time within ``max_initial_qualify_time``, which is half a minute.
    """
    try:
        details = await ami.list_action("PJSIPShowEndpoint", {"Endpoint": endpoint})
    except AmiActionFailed:  # somebody removed it in the meantime
        return
    frequencies = [detail.get("QualifyFrequency") for detail in details if detail.event == "AorDetail"]
    if frequencies and frequencies != ["0"]:
        await ami.action("PJSIPQualify", {"Endpoint": endpoint})
