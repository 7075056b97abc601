"""The public Python client of this API, ``simotel-connect``, against a live server.

Every one of its methods is called, with arguments as the SA documents them. The library
has names of its own for some; what these make impossible is refused in strict mode and works with
``sa.lenient`` on. The methods are found by looking into the library, so one that is not called fails a test.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from simotel_connect import Simotel
from simotel_connect.exceptions import SimotelAPIError

from conformance.conftest import keep_recording
from conformance.world import DOCUMENT, NOWHERE, NUMBERS, RECORDING, SOUND, World
from support.server import TamasServer
from tamas.store.database import open_database

pytestmark = pytest.mark.engine

Case = Callable[[Simotel, World, Path], object]
DATES = {"from": "2020-06-15 15:16", "to": "2099-06-22 15:16"}
PAGE: dict[str, Any] = {
    "alike": "false",
    "date_range": DATES,
    "pagination": {"start": 0, "count": 20, "sorting": {}},
}


def _methods(part: object, prefix: str = "") -> Iterator[str]:
    """Dotted names of all public methods."""
    for name in dir(part):
        value = None if name.startswith("_") else getattr(part, name)
        if callable(value):
            yield f"{prefix}{name}"
        elif type(value).__module__.startswith("simotel_connect.managers"):
            yield from _methods(value, f"{prefix}{name}.")


def _found(answer: Any, **wanted: Any) -> None:
    """Exactly one row was found, with these values."""
    assert answer.success
    (row,) = answer.data["data"] if isinstance(answer.data, dict) else answer.data
    assert {name: row[name] for name in wanted} == wanted


def _rows(answer: Any) -> list[Any]:
    """Rows of a page; there must be some."""
    rows: list[Any] = answer.data["data"] if isinstance(answer.data, dict) else answer.data
    assert answer.success
    assert rows
    return rows


def _feed(content: bytes) -> None:
    """A page of ``ordered/id``, which the library hands over as bytes; there must be rows."""
    answer = json.loads(content)
    assert answer["success"] == 1, answer
    assert answer["data"]


# -- as the SA documents it ----------------------------------------------------------------------------------


def _add_user(sm: Simotel, world: World, _: Path) -> None:
    number = world.number()
    sm.pbx.users.add(number, "Ali", "unused", secret=f"s-{number}-S", cid_number=number, call_record="no")
    _found(sm.pbx.users.search(conditions={"number": number}, alike="false"), name="Ali", number=number)


def _update_user(sm: Simotel, world: World, _: Path) -> None:
    identity, number = world.extension()
    sm.pbx.users.update(number, _id=identity, name="Sara", secret="An-0ther-Secret")
    _found(sm.pbx.users.search(conditions={"number": number}, alike="false"), name="Sara")


def _search_users(sm: Simotel, world: World, _: Path) -> None:
    number = world.extension()[1]
    _found(sm.pbx.users.search(alike="false", conditions={"number": number, "name": ""}), number=number)


def _add_trunk(sm: Simotel, world: World, _: Path) -> None:
    name = f"trunk_{world.number()}"
    more = {"register_string": NOWHERE["register_string"], "active": "no"}
    sm.pbx.trunks.add(name, NOWHERE["host"], "user", "pass", trunk_type="friend", **more)
    _found(sm.pbx.trunks.search(conditions={"name": name}, alike="false"), name=name)


def _update_trunk(sm: Simotel, world: World, _: Path) -> None:
    identity, name = world.trunk()
    sm.pbx.trunks.update(name, _id=identity, active="no", description="Changed", **NOWHERE)
    _found(sm.pbx.trunks.search(conditions={"name": name}, alike="false"), description="Changed")


def _search_trunks(sm: Simotel, world: World, _: Path) -> None:
    name = world.trunk()[1]
    _found(sm.pbx.trunks.search(alike="false", conditions={"name": name}), name=name)


def _add_queue(sm: Simotel, world: World, _: Path) -> None:
    number = world.number()
    sm.pbx.queues.add(f"Sales {number}", strategy="rrmemory", timeout=15, number=number)
    _found(
        sm.pbx.queues.search(conditions={"number": number}, alike="false"),
        name=f"Sales {number}",
        strategy="rrmemory",
        timeout="15",
    )


def _update_queue(sm: Simotel, world: World, _: Path) -> None:
    identity, number = world.queue()
    sm.pbx.queues.update(f"Help {number}", _id=identity, number=number)
    _found(sm.pbx.queues.search(conditions={"number": number}, alike="false"), name=f"Help {number}")


def _search_queues(sm: Simotel, world: World, _: Path) -> None:
    number = world.queue()[1]
    _found(sm.pbx.queues.search(alike="false", conditions={"number": number}), number=number)


def _add_entry(which: str) -> Case:
    def case(sm: Simotel, world: World, _: Path) -> None:
        number = world.number()
        getattr(sm.pbx, which).add(number, description="unwanted")
        _found(getattr(sm.pbx, which).search(conditions={"number": number}, alike="false"), number=number)

    return case


def _update_entry(which: str) -> Case:
    def case(sm: Simotel, world: World, _: Path) -> None:
        number = world.number()
        getattr(sm.pbx, which).update(number, _id=world.entry(f"pbx/{which}"))
        _found(getattr(sm.pbx, which).search(conditions={"number": number}, alike="false"), number=number)

    return case


def _search_entries(which: str) -> Case:
    def case(sm: Simotel, world: World, _: Path) -> None:
        world.entry(f"pbx/{which}")
        _rows(getattr(sm.pbx, which).search(alike="false", conditions={"number": ""}))

    return case


def _upload_announcement(sm: Simotel, world: World, folder: Path) -> None:
    (folder / "greeting.wav").write_bytes(SOUND)
    answer = sm.pbx.announcements.upload(str(folder / "greeting.wav"), name="Greeting")
    assert answer.data["filename"].endswith("-greetingwav_.wav") or "greeting" in answer.data["filename"]


def _add_announcement(sm: Simotel, world: World, _: Path) -> None:
    filename = world.announcement()[1]
    sm.pbx.announcements.add("Welcome", filename=filename)
    _rows(sm.pbx.announcements.search(conditions={"name": "Welcome"}, alike="false"))


def _update_announcement(sm: Simotel, world: World, _: Path) -> None:
    identity, filename = world.announcement()
    sm.pbx.announcements.update("Good bye", _id=identity, filename=filename)
    _found(sm.pbx.announcements.search(conditions={"name": "Good bye"}, alike="false"), _id=identity)


def _search_announcements(sm: Simotel, world: World, _: Path) -> None:
    world.announcement()
    _rows(sm.pbx.announcements.search(alike="true", conditions={"name": ""}))


def _upload_fax(sm: Simotel, _: World, folder: Path) -> None:
    (folder / "letter.pdf").write_bytes(DOCUMENT)
    answer = sm.pbx.faxes.upload(str(folder / "letter.pdf"), name="Letter")
    assert answer.data["filename"].startswith("sen_file-")


def _add_fax(sm: Simotel, world: World, _: Path) -> None:
    identity = sm.pbx.faxes.add(sender_id="sales", ext="558", description="Offer", **world.fax()).data["_id"]
    rows = _rows(sm.pbx.faxes.search(conditions={"src": "sales", "type": "outbox"}, **PAGE))
    assert [(row["_id"], row["description"]) for row in rows] == [(identity, "Offer")]


def _search_faxes(sm: Simotel, world: World, _: Path) -> None:
    identity = world.done("pbx/faxes/add", world.fax())["_id"]
    asked = {"src": "", "dst": world.fax()["to"], "status": "", "type": ""}
    assert identity in {row["_id"] for row in _rows(sm.pbx.faxes.search(conditions=asked, **PAGE))}


def _download_fax(sm: Simotel, world: World, _: Path) -> None:
    identity = world.done("pbx/faxes/add", world.fax())["_id"]
    assert sm.pbx.faxes.download(identity).startswith((b"II*", b"MM"))


def _originate(sm: Simotel, world: World, _: Path) -> None:
    number = world.extension()[1]
    answer = sm.call.originate(
        number, world.extension()[1], context="main_routing", caller_id=number, timeout=1, trunk_name=""
    )
    assert answer.data["originated_call_id"].startswith("orig.call.")


def _in_queue(sm: Simotel, world: World, *, agents: int = 1) -> tuple[str, list[str]]:
    queue, members = world.queue()[1], [world.extension()[1] for _ in range(agents)]
    for agent in members:
        world.done("pbx/queues/addagent", {"queue": queue, "source": agent, "agent": agent})
    return queue, members


def _is_member(world: World, queue: str, agent: str) -> bool:
    """Only who is in a queue can take a break from it."""
    answer = world.call("pbx/queues/pauseagent", {"queue": queue, "agent": agent}).json()
    return bool(answer["success"] == 1)


class _NotDone(Exception):
    """A batch did not do an item."""


def _all_done(answer: Any) -> None:
    """:raises _NotDone: see there."""
    if not all(item["ok"] for item in answer.data["Data"]):
        raise _NotDone(answer.data)


def _remove_agent(sm: Simotel, world: World, _: Path) -> None:
    queue, (agent,) = _in_queue(sm, world)
    sm.pbx.queues.remove_agent(queue, agent)
    assert not _is_member(world, queue, agent)


def _pause_agent(sm: Simotel, world: World, _: Path) -> None:
    queue, (agent,) = _in_queue(sm, world)
    sm.pbx.queues.pause_agent(queue, agent, reason="lunch")
    world.done("pbx/queues/resumeagent", {"queue": queue, "agent": agent})


def _resume_agent(sm: Simotel, world: World, _: Path) -> None:
    queue, (agent,) = _in_queue(sm, world)
    world.done("pbx/queues/pauseagent", {"queue": queue, "agent": agent})
    sm.pbx.queues.resume_agent(queue, agent)


def _add_mailbox(sm: Simotel, world: World, _: Path) -> None:
    number = world.number()
    sm.voicemails.add(name="Sales", number=number, password="4711", play_welcome="yes")
    _found(sm.voicemails.search(conditions={"number": number}, alike="false"), name="Sales", number=number)


def _update_mailbox(sm: Simotel, world: World, _: Path) -> None:
    identity, number = world.mailbox()
    sm.voicemails.update(_id=identity, name="Help", number=number, password="4712")
    _found(sm.voicemails.search(conditions={"number": number}, alike="false"), name="Help")


def _remove_mailbox(sm: Simotel, world: World, _: Path) -> None:
    identity, number = world.mailbox()
    sm.voicemails.remove(_id=identity)
    assert not sm.voicemails.search(conditions={"number": number}, alike="false").data


def _search_mailboxes(sm: Simotel, world: World, _: Path) -> None:
    number = world.mailbox()[1]
    _found(sm.voicemails.search(alike="false", conditions={"number": number}), number=number)


def _report(method: str, *conditions: str) -> Case:
    def case(sm: Simotel, world: World, _: Path) -> None:
        _rows(getattr(sm.reports, method)(conditions=dict.fromkeys(conditions, ""), **PAGE))

    return case


def _poll(sm: Simotel, world: World, _: Path) -> None:
    assert _rows(sm.reports.poll_search(conditions={"queue": ""}, **PAGE))


def _download(method: str) -> Case:
    return lambda sm, world, _: _sound(getattr(sm.reports, method)(file=RECORDING))


def _sound(content: bytes) -> None:
    """There is something to be heard."""
    assert len(content) > 500


def _upload_sound(sm: Simotel, _: World, folder: Path) -> None:
    (folder / "promo.wav").write_bytes(SOUND)
    filename = sm.autodialer.announcements.upload(str(folder / "promo.wav")).data["filename"]
    identity = sm.autodialer.announcements.add("Promo", filename=filename).data["_id"]
    _found(sm.autodialer.announcements.search(name="Promo", alike="false"), filename=filename)
    sm.autodialer.announcements.remove(identity)


def _add_sound(sm: Simotel, world: World, _: Path) -> None:
    identity = sm.autodialer.announcements.add("Hello", **world.dialer_parts("announcements")).data["_id"]
    assert identity in {row["_id"] for row in _rows(sm.autodialer.announcements.search())}


def _update_sound(sm: Simotel, world: World, _: Path) -> None:
    identity = world.dialer_object("announcements")
    sm.autodialer.announcements.update(identity, name="Changed")
    _found(sm.autodialer.announcements.search(name="Changed", alike="false"), _id=identity)
    sm.autodialer.announcements.remove(identity)


def _remove_dialer_object(kind: str) -> Case:
    def case(sm: Simotel, world: World, _: Path) -> None:
        identity, manager = world.dialer_object(kind), getattr(sm.autodialer, kind)
        manager.remove(identity)
        found = manager.search().data
        rows = found["data"] if isinstance(found, dict) else found
        assert identity not in {row["_id"] for row in rows}

    return case


def _add_campaign(sm: Simotel, world: World, _: Path) -> None:
    parts = world.dialer_parts("campaigns")
    identity = sm.autodialer.campaigns.add("Sale", numbers=["09121", "09122"], try_count=2, **parts).data
    (row,) = _rows(sm.autodialer.campaigns.search(name="Sale", alike="false"))
    assert (row["_id"], row["try"], row["interface_context"]) == (identity["_id"], "2", "auto")
    assert row["count"] == 4


def _update_campaign(sm: Simotel, world: World, _: Path) -> None:
    identity = world.dialer_object("campaigns")
    assert sm.autodialer.campaigns.update(identity, name="Other", **{"try": "3"}).data["count"] == 2
    _found(sm.autodialer.campaigns.search(name="Other", alike="false"), **{"try": "3"})


def _add_contact(sm: Simotel, world: World, _: Path) -> None:
    number = world.number()
    sm.autodialer.contacts.add(number, name="Ali", group="friends")
    found = sm.autodialer.contacts.search(alike="false", conditions={"number": number})
    _found(found, name="Ali", number=number)


def _update_contact(sm: Simotel, world: World, _: Path) -> None:
    number = world.number()
    sm.autodialer.contacts.update(number, _id=world.dialer_object("contacts"), name="Sara")
    _found(sm.autodialer.contacts.search(alike="no", conditions={"number": number}), name="Sara")


def _upload_list(sm: Simotel, world: World, folder: Path) -> None:
    (folder / "numbers.csv").write_bytes(NUMBERS)
    filename = sm.autodialer.groups.upload(str(folder / "numbers.csv")).data["filename"]
    name = f"Uploaded {world.number()}"
    sm.autodialer.groups.add(name, filename=filename)
    _found(sm.autodialer.groups.search(name=name, alike="false"), count=2)


def _update_group(sm: Simotel, world: World, _: Path) -> None:
    identity = world.dialer_object("groups")
    answer = sm.autodialer.groups.update(identity, name="Renamed", numbers=["111", "222", "333"])
    assert (answer.data["name"], answer.data["count"]) == ("Renamed", 3)


def _update_manager(sm: Simotel, world: World, _: Path) -> None:
    sm.autodialer.trunks.update("Line", _id=world.manager, capacity="7")
    _found(sm.autodialer.trunks.search(alike="false", conditions={"title": "Line"}), capacity="7")


def _dialer_reports(sm: Simotel, world: World, _: Path) -> None:
    since = {"from": "2020-06-15 15:16", "to": "2099-06-22 15:16"}
    (row,) = _rows(sm.autodialer.reports.search(date_range=since, number="0912", campaign="campaigns"))
    assert [each["cdr_id"]["$oid"] for each in row["tries"]] == [world.attempt]


def _dialer_info(sm: Simotel, world: World, _: Path) -> None:
    assert sm.autodialer.reports.info(world.attempt).data["channel"] == "SIP/line-00000be0"


STRICT: dict[str, Case] = {
    "setting.ping": lambda sm, world, _: sm.setting.ping(),
    "call.originate": _originate,
    "pbx.users.add": _add_user,
    "pbx.users.update": _update_user,
    "pbx.users.search": _search_users,
    "pbx.trunks.add": _add_trunk,
    "pbx.trunks.update": _update_trunk,
    "pbx.trunks.search": _search_trunks,
    "pbx.queues.add": _add_queue,
    "pbx.queues.update": _update_queue,
    "pbx.queues.search": _search_queues,
    "pbx.queues.remove_agent": _remove_agent,
    "pbx.queues.pause_agent": _pause_agent,
    "pbx.queues.resume_agent": _resume_agent,
    "pbx.blacklists.add": _add_entry("blacklists"),
    "pbx.blacklists.update": _update_entry("blacklists"),
    "pbx.blacklists.search": _search_entries("blacklists"),
    "pbx.whitelists.add": _add_entry("whitelists"),
    "pbx.whitelists.update": _update_entry("whitelists"),
    "pbx.whitelists.search": _search_entries("whitelists"),
    "pbx.announcements.upload": _upload_announcement,
    "pbx.announcements.add": _add_announcement,
    "pbx.announcements.update": _update_announcement,
    "pbx.announcements.search": _search_announcements,
    "pbx.faxes.upload": _upload_fax,
    "pbx.faxes.add": _add_fax,
    "pbx.faxes.search": _search_faxes,
    "pbx.faxes.download": _download_fax,
    "pbx.musiconholds.search": lambda sm, world, _: _rows(
        sm.pbx.musiconholds.search(alike="false", conditions={"name": ""})
    ),
    "voicemails.add": _add_mailbox,
    "voicemails.update": _update_mailbox,
    "voicemails.remove": _remove_mailbox,
    "voicemails.search": _search_mailboxes,
    "voicemails.inbox_search": lambda sm, world, _: _rows(
        sm.voicemails.inbox_search(conditions={"src": "", "number": ""}, **PAGE)
    ),
    "voicemails.download_audio": lambda sm, world, _: _sound(sm.voicemails.download_audio(world.message)),
    "reports.quick_search": _report("quick_search", "from", "to"),
    "reports.quick_info": lambda sm, world, _: _rows(sm.reports.quick_info(cuid=world.cuid)),
    "reports.cdr_search": _report("cdr_search", "from", "to", "cuid"),
    "reports.cdr_ordered": lambda sm, world, _: _feed(sm.reports.cdr_ordered("")),
    "reports.queue_search": _report("queue_search", "queue"),
    "reports.queue_ordered": lambda sm, world, _: _feed(sm.reports.queue_ordered("")),
    "reports.queue_details_search": _report("queue_details_search", "queue"),
    "reports.queue_details_ordered": lambda sm, world, _: _feed(sm.reports.queue_details_ordered("")),
    "reports.agent_search": _report("agent_search", "agent"),
    "reports.poll_search": _poll,
    "autodialer.announcements.upload": _upload_sound,
    "autodialer.announcements.add": _add_sound,
    "autodialer.announcements.update": _update_sound,
    "autodialer.announcements.remove": _remove_dialer_object("announcements"),
    "autodialer.announcements.search": _add_sound,
    "autodialer.campaigns.add": _add_campaign,
    "autodialer.campaigns.update": _update_campaign,
    "autodialer.campaigns.remove": _remove_dialer_object("campaigns"),
    "autodialer.campaigns.search": lambda sm, world, _: _rows(sm.autodialer.campaigns.search()),
    "autodialer.contacts.add": _add_contact,
    "autodialer.contacts.update": _update_contact,
    "autodialer.contacts.search": _add_contact,
    "autodialer.groups.upload": _upload_list,
    "autodialer.groups.add": _upload_list,
    "autodialer.groups.update": _update_group,
    "autodialer.groups.remove": _remove_dialer_object("groups"),
    "autodialer.groups.search": lambda sm, world, _: _rows(sm.autodialer.groups.search()),
    "autodialer.reports.search": _dialer_reports,
    "autodialer.reports.ordered": lambda sm, world, _: _rows(sm.autodialer.reports.ordered()),
    "autodialer.reports.info": _dialer_info,
    "autodialer.trunks.search": _update_manager,
    "autodialer.trunks.update": _update_manager,
    "reports.download_audio": _download("download_audio"),
    "reports.download_audio_dual_channel": _download("download_audio_dual_channel"),
}
"""Methods that say all that the SA asks for."""


# -- by the library's own names ------------------------------------------------------------------------------


def _remove_user(sm: Simotel, world: World, _: Path) -> None:
    number = world.extension()[1]
    sm.pbx.users.remove(number)
    assert world.done("pbx/users/search", {"conditions": {"number": number}, "alike": "false"}) == []


def _remove_trunk(sm: Simotel, world: World, _: Path) -> None:
    name = world.trunk()[1]
    sm.pbx.trunks.remove(name)
    assert world.done("pbx/trunks/search", {"conditions": {"name": name}, "alike": "false"}) == []


def _remove_queue(sm: Simotel, world: World, _: Path) -> None:
    number = world.queue()[1]
    sm.pbx.queues.remove(number)
    assert world.done("pbx/queues/search", {"conditions": {"number": number}, "alike": "false"}) == []


def _remove_entry(which: str) -> Case:
    def case(sm: Simotel, world: World, _: Path) -> None:
        number = world.number()
        world.done(f"pbx/{which}/add", {"number": number})
        getattr(sm.pbx, which).remove(number)
        assert world.done(f"pbx/{which}/search", {"conditions": {"number": number}, "alike": "false"}) == []

    return case


def _remove_announcement(sm: Simotel, world: World, _: Path) -> None:
    name = f"Once {world.number()}"
    world.done("pbx/announcements/add", {"name": name, "filename": world.announcement()[1]})
    sm.pbx.announcements.remove(name)
    assert world.done("pbx/announcements/search", {"conditions": {"name": name}, "alike": "false"}) == []


def _remove_contact(sm: Simotel, world: World, _: Path) -> None:
    number = world.number()
    world.done("autodialer/contacts/add", {"name": "Once", "number": number})
    sm.autodialer.contacts.remove(number)
    asked = {"conditions": {"number": number}, "alike": "false"}
    assert world.done("autodialer/contacts/search", asked)["data"] == []


def _add_agent(sm: Simotel, world: World, _: Path) -> None:
    queue, agent = world.queue()[1], world.extension()[1]
    sm.pbx.queues.add_agent(queue, agent, penalty=2)
    assert _is_member(world, queue, agent)


def _batch_add(sm: Simotel, world: World, _: Path) -> None:
    queue, agents = world.queue()[1], [world.extension()[1] for _ in range(2)]
    _all_done(sm.pbx.queues.batch_add_agent(queue, agents, penalty=1))
    assert all(_is_member(world, queue, agent) for agent in agents)


def _batch_remove(sm: Simotel, world: World, _: Path) -> None:
    queue, agents = _in_queue(sm, world, agents=2)
    _all_done(sm.pbx.queues.batch_remove_agent(queue, agents))
    assert not any(_is_member(world, queue, agent) for agent in agents)


def _batch_pause(sm: Simotel, world: World, _: Path) -> None:
    queue, agents = _in_queue(sm, world, agents=2)
    _all_done(sm.pbx.queues.batch_pause_agent(queue, agents, reason="meeting"))
    for agent in agents:
        world.done("pbx/queues/resumeagent", {"queue": queue, "agent": agent})


def _batch_resume(sm: Simotel, world: World, _: Path) -> None:
    queue, agents = _in_queue(sm, world, agents=2)
    for agent in agents:
        world.done("pbx/queues/pauseagent", {"queue": queue, "agent": agent})
    _all_done(sm.pbx.queues.batch_resume_agent(queue, agents))


LENIENT: dict[str, Case] = {
    "pbx.users.remove": _remove_user,
    "pbx.trunks.remove": _remove_trunk,
    "pbx.queues.remove": _remove_queue,
    "pbx.blacklists.remove": _remove_entry("blacklists"),
    "pbx.whitelists.remove": _remove_entry("whitelists"),
    "pbx.announcements.remove": _remove_announcement,
    "autodialer.contacts.remove": _remove_contact,
    "pbx.queues.add_agent": _add_agent,
    "pbx.queues.batch_add_agent": _batch_add,
    "pbx.queues.batch_remove_agent": _batch_remove,
    "pbx.queues.batch_pause_agent": _batch_pause,
    "pbx.queues.batch_resume_agent": _batch_resume,
}
"""Methods that cannot say what the SA requires."""


def _search_in_own_words(sm: Simotel, world: World) -> None:
    number, name = world.extension()[1], world.trunk()[1]
    _found(sm.pbx.users.search(extension=number, limit=5, offset=0), number=number)
    _found(sm.pbx.trunks.search(name=name), name=name)
    queue = world.queue()[1]
    _found(sm.pbx.queues.search(name=f"Queue {queue}"), number=queue)
    for which in ("blacklists", "whitelists"):
        listed = world.number()
        world.done(f"pbx/{which}/add", {"number": listed})
        _found(getattr(sm.pbx, which).search(number=listed), number=listed)
    contact = world.number()
    world.done("autodialer/contacts/add", {"name": "Ali", "number": contact})
    assert [row["number"] for row in sm.autodialer.contacts.search(contact).data["data"]] == [contact]
    sm.autodialer.trunks.update("Line", max_channels=9)
    _found(sm.autodialer.trunks.search(conditions={"title": "Line"}), capacity="9")
    box = world.mailbox()[1]
    _found(sm.voicemails.search(extension=box), number=box)
    _rows(sm.voicemails.inbox_search())
    assert sm.voicemails.inbox_search(extension=box).data["data"] == []
    since = {"from_date": "2020-06-15", "to_date": "2099-06-15"}
    _rows(sm.reports.cdr_search(cuid=world.cuid, limit=1, offset=0, **since))
    _rows(sm.reports.queue_search(**since))
    _rows(sm.reports.agent_search(**since))
    assert sm.reports.download_audio(call_id=RECORDING)


# -- the tests -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def world(server: TamasServer) -> AsyncIterator[World]:
    """What the methods work on: calls that were made, a recording, an agent's presence."""
    assert server.account is not None
    url = f"sqlite:///{server.state_dir / 'tamas.db'}"
    auth = (server.account.username, server.account.password)
    with httpx.Client(
        base_url=server.base_url, auth=auth, headers=server.account.headers(), timeout=20
    ) as client:
        made = World(client)
        keep_recording(server)
        made.presence()
        database = await open_database(url)
        try:
            await made.calls(database)
            await made.left_message(database, server.state_dir / "voicemail")
            await made.campaigns(database)
        finally:
            await database.close()
        yield made


@pytest.fixture(scope="module")
def sm(server: TamasServer) -> Iterator[Simotel]:
    """The library, as its manual has it set up."""
    account = server.account
    assert account is not None
    client = Simotel(
        host="127.0.0.1",
        port=server.http_port,
        api_key=account.token,
        username=account.username,
        password=account.password,
    )
    yield client
    client._client._session.close()


@pytest.fixture(scope="module")
async def lenient(server: TamasServer) -> AsyncIterator[None]:
    """``sa.lenient`` is on; asked for by the tests at the end."""
    await server.cli("settings", "set", "sa.lenient", "true")
    yield
    await server.cli("settings", "set", "sa.lenient", "false")


def _watched(sm: Simotel, method: str, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """The method, still working, seen when it is called."""
    *path, name = method.split(".")
    part: Any = sm
    for step in path:
        part = getattr(part, step)
    seen = Mock(wraps=getattr(part, name))
    monkeypatch.setattr(part, name, seen)
    return seen


def test_no_method_is_left_out(sm: Simotel) -> None:
    """Each method of the library has its case here."""
    assert sorted(_methods(sm)) == sorted([*STRICT, *LENIENT])


@pytest.mark.parametrize("method", STRICT)
def test_a_method_as_documented(
    sm: Simotel, world: World, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In strict mode, with the SA's arguments, it does what it says."""
    seen = _watched(sm, method, monkeypatch)
    STRICT[method](sm, world, tmp_path)
    assert seen.called


@pytest.mark.parametrize("method", LENIENT)
def test_a_method_that_cannot_say_what_is_required(
    sm: Simotel, world: World, method: str, tmp_path: Path
) -> None:
    """In strict mode it is refused in the catalogue's words; in a batch, each item that lacks something."""
    with pytest.raises((SimotelAPIError, _NotDone), match=r"Field '.+':value is missing|'ok': 0"):
        LENIENT[method](sm, world, tmp_path)


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("method", LENIENT)
def test_it_works_while_lenient(
    sm: Simotel, world: World, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``sa.lenient`` on the library's own names do."""
    seen = _watched(sm, method, monkeypatch)
    LENIENT[method](sm, world, tmp_path)
    assert seen.called


@pytest.mark.usefixtures("lenient")
def test_searches_in_its_own_words(sm: Simotel, world: World) -> None:
    """With ``sa.lenient`` on its flat conditions, which strict mode passes over, find what they name."""
    _search_in_own_words(sm, world)
