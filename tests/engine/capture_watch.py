"""Records the samples in ``data/watch``: plays calls on a real Asterisk and stores what the manager told.

``PYTHONPATH=src:tests python tests/engine/capture_watch.py WORK_DIR [NAME...]``
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from dialplan._switchboard import Switchboard, running_switchboard
from support.waiting import eventually
from tamas.demo.call import PhoneCall
from tamas.engine.ami import AmiMessage
from tamas.engine.install import ensure_asterisk, ensure_sipp
from tamas.engine.watch.watcher import EVENT_MASK
from tamas.settings import load_settings
from tamas.store.migrate import migrate

DATA = Path(__file__).with_name("data") / "watch"
QUIET_SECONDS = 0.3
_EVENTS = re.compile(
    r"New(channel|state|Callerid)|Dial\w+|Bridge(Enter|Leave)|Hold|Unhold|Hangup\w*|Queue\w+|Agent\w+"
    r"|\w+Transfer|Pickup|OriginateResponse|ContactStatus|Registry"
)
_HEADERS = re.compile(
    r"Event|(Dest|Target)?(Channel|ChannelState|Uniqueid|Linkedid)|(Orig|Second)?TransfererUniqueid"
    r"|TransfererUniqueid|CallerID(Num|Name)|Exten|Context|Dial(Status|String)|Cause|Result|Response|Reason"
    r"|Bridge(Uniqueid|Type|Technology)|Queue|Position|MemberName|Status|Paused|CallsTaken|AOR|URI"
    r"|ContactStatus"
)


def _kept(event: AmiMessage) -> Mapping[str, str]:
    return {name: event[name] for name in event if event[name] and _HEADERS.fullmatch(name)}


async def answered(board: Switchboard) -> None:
    """201 calls 202, who answers and later hangs up."""
    call = await board.phones["201"].call("202")
    other = await board.phones["202"].answer(after=0.2)
    await call.until_talking()
    await asyncio.sleep(0.2)
    await other.hang_up()
    await call.until_ended()


async def busy(board: Switchboard) -> None:
    """202 is busy (486)."""
    call = await board.phones["201"].call("202")
    await board.phones["202"].reject(486)
    await call.until_ended()


async def cancelled(board: Switchboard) -> None:
    """201 gives up while 202 rings."""
    call = await board.phones["201"].call("202")
    await call.until_ringing()
    await call.hang_up()


async def outgoing(board: Switchboard) -> None:
    """201 calls out over the trunk."""
    call = await board.phones["201"].call("09121234567")
    await board.phones["carrier"].answer(after=0.1)
    await call.until_talking()
    await call.hang_up()


async def held(board: Switchboard) -> None:
    """202 puts 201 on hold and talks on."""
    call = await board.phones["201"].call("202")
    other = await board.phones["202"].answer()
    await call.until_talking()
    await asyncio.sleep(0.2)
    other.hold()
    await asyncio.sleep(0.2)
    other.unhold()
    await asyncio.sleep(0.2)
    await call.hang_up()


async def originated(board: Switchboard) -> None:
    """The API connects 201 and 202."""
    await board.originate("201", "202")
    first = await board.phones["201"].answer(after=0.1)
    other = await board.phones["202"].answer(after=0.1)
    await other.until_talking()
    await asyncio.sleep(0.2)
    await first.hang_up()
    await other.until_ended()


async def originated_second_refuses(board: Switchboard) -> None:
    """The API connects 201 and 202, who declines (603)."""
    await board.originate("201", "202")
    first = await board.phones["201"].answer(after=0.1)
    await board.phones["202"].reject(603)
    await first.until_ended()


async def originated_unanswered(board: Switchboard) -> None:
    """The API rings 201 for a second, in vain."""
    await board.originate("201", "202", timeout=1)
    call = await board.phones["201"].incoming()
    await call.until_ended()


async def originated_unreachable(board: Switchboard) -> None:
    """The API wants 206, who has no phone."""
    await board.originate("206", "202")
    await asyncio.sleep(0.2)


async def originated_several_phones(board: Switchboard) -> None:
    """The API connects 201, who may have two phones, and 202."""
    await board.change("201", pjsip_max_contacts=2)
    await board.originate("201", "202")
    first = await board.phones["201"].answer(after=0.1)
    other = await board.phones["202"].answer(after=0.1)
    await other.until_talking()
    await asyncio.sleep(0.2)
    await first.hang_up()
    await other.until_ended()


async def queued(board: Switchboard) -> None:
    """A caller from outside waits in 900 until agent 501 at 203 answers."""
    await board.map_agent("501", "203")
    await board.join("900", "501", "203")
    await board.engine.ami.command("pjsip reload qualify aor 203")
    await board.queue_is_ready("900", "501")
    call = await board.phones["carrier"].call("900", caller="0211", caller_name="Somebody")
    agent = await board.phones["203"].answer(after=0.3)
    await agent.until_talking()
    await asyncio.sleep(0.2)
    await call.hang_up()
    await agent.until_ended()


async def queue_abandoned(board: Switchboard) -> None:
    """Two wait in an empty queue; the first gives up, then the second."""
    first = await board.phones["201"].call("900")
    await first.until_talking()
    second = await board.phones["202"].call("900")
    await second.until_talking()
    await asyncio.sleep(0.2)
    await first.hang_up()
    await second.hang_up()


async def blind_by_callee(board: Switchboard) -> None:
    """202 sends 201 on to 203."""
    call, other = await _talk(board)
    other.transfer(_target(board, "203"))
    third = await board.phones["203"].answer(after=0.2)
    await third.until_talking()
    await asyncio.sleep(0.2)
    await third.hang_up()
    await call.until_ended()


async def blind_by_caller(board: Switchboard) -> None:
    """201 sends 202 on to 203."""
    call, other = await _talk(board)
    call.transfer(_target(board, "203"))
    third = await board.phones["203"].answer(after=0.2)
    await third.until_talking()
    await asyncio.sleep(0.2)
    await third.hang_up()
    await other.until_ended()


async def attended(board: Switchboard) -> None:
    """202 asks 203, then gives 201 over to 203."""
    call, other = await _talk(board)
    consultation = await board.phones["202"].call("203")
    third = await board.phones["203"].answer(after=0.1)
    await consultation.until_talking()
    await asyncio.sleep(0.2)
    headers = (consultation.remote_header, consultation.local_header)
    to, sender = (match[1] for each in headers if (match := re.search("tag=([^;>]+)", each)))
    replaces = quote(f"{consultation.call_id};to-tag={to};from-tag={sender}", safe="")
    other.transfer(f"{_target(board, '203')}?Replaces={replaces}")
    await asyncio.sleep(0.3)
    await asyncio.sleep(0.2)
    await third.hang_up()
    await call.until_ended()


async def attended_by_code(board: Switchboard) -> None:
    """202 dials ## and 203, talks, and hangs up: 201 and 203 are left."""
    call, other = await _talk(board)
    await other.until_heard(440)
    other.dial("##")
    await asyncio.sleep(1.5)
    other.dial("203#")
    third = await board.phones["203"].answer(after=0.2, within=8)
    await third.until_talking()
    await asyncio.sleep(0.3)
    await other.hang_up()
    await asyncio.sleep(0.6)
    await third.hang_up()
    await call.until_ended()


async def picked_up(board: Switchboard) -> None:
    """203 takes the call that rings at 202."""
    call = await board.phones["201"].call("202")
    await board.phones["202"].incoming()
    await call.until_ringing()
    taker = await board.phones["203"].call("*8")
    await taker.until_talking()
    await asyncio.sleep(0.2)
    await taker.hang_up()
    await call.until_ended()


async def _talk(board: Switchboard) -> tuple[PhoneCall, PhoneCall]:
    call = await board.phones["201"].call("202")
    other = await board.phones["202"].answer()
    await call.until_talking()
    await asyncio.sleep(0.2)
    return call, other


def _target(board: Switchboard, number: str) -> str:
    return f"sip:{number}@127.0.0.1:{board.settings.sip_port}"


ALL = (
    answered, busy, cancelled, outgoing, held, originated, originated_second_refuses, originated_unanswered,
    originated_unreachable, originated_several_phones, queued, queue_abandoned, blind_by_callee,
    blind_by_caller, attended, attended_by_code, picked_up,
)  # fmt: skip


async def capture(work: Path, names: list[str]) -> None:
    """Play the named calls, or all, and write one file each."""
    url = f"sqlite:///{work}/tamas.db"
    await migrate(url)
    settings = load_settings()
    install = ensure_asterisk(settings.cache_dir, settings.asterisk, lambda *_: None)
    sipp = ensure_sipp(settings.cache_dir, lambda *_: None)
    async with running_switchboard(work, url, install, sipp) as board:
        events: list[tuple[float, AmiMessage]] = []
        client = board.engine.ami.beside(
            on_event=lambda event: events.append((time.time(), event)), event_mask=EVENT_MASK
        )
        running = asyncio.create_task(client.run())
        await client.wait_connected(5)
        for play in ALL:
            if names and play.__name__ not in names:
                continue
            await board.rest()
            await asyncio.sleep(QUIET_SECONDS)
            events.clear()
            await play(board)
            await eventually(lambda: _silent(board), what="the end of every channel")
            await asyncio.sleep(QUIET_SECONDS)
            told = [
                [round((at - events[0][0]) * 1000), _kept(event)]
                for at, event in events
                if _EVENTS.fullmatch(event.event or "")
            ]
            lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in told)
            situation = json.dumps(play.__doc__)
            (DATA / f"{play.__name__}.json").write_text(
                f'{{"situation":{situation},"events":[\n{lines}\n]}}\n'
            )
            print(play.__name__, len(told))  # noqa: T201
        await client.close()
        await running


async def _silent(board: Switchboard) -> bool:
    return not await board.engine.ami.list_action("CoreShowChannels")


if __name__ == "__main__":
    asyncio.run(capture(Path(sys.argv[1]), sys.argv[2:]))
