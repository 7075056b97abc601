"""Calls that people make, played on a :class:`records._lab.Lab`. Each returns when the call is over.

Phones: 101 calls; 102 answers; 103 and 104 are third parties; ``carrier1`` is the trunk's far end.
"""

from __future__ import annotations

import asyncio
import secrets
import time

from records._lab import TRUNK, Lab
from records._phone import Dialog, Phone
from support.waiting import eventually

_TALK = 0.3


async def _until_up(phone: Phone, dialog: Dialog) -> None:
    await eventually(lambda: dialog.state == "up", what=f"call of {phone.number} up")


async def _until_over(lab: Lab) -> None:
    def over() -> bool:
        return all(d.state == "ended" for phone in lab.phones.values() for d in phone.dialogs.values())

    await eventually(over, within=15, what="all calls over")


def _behave(lab: Lab, number: str, behaviour: str, after: float = 0.1) -> None:
    lab.phones[number].behaviour, lab.phones[number].after = behaviour, after


async def answered(lab: Lab) -> None:
    """101 calls 102, they talk, 101 hangs up."""
    _behave(lab, "102", "answer", 0.2)
    dialog = lab.phones["101"].call("102")
    await _until_up(lab.phones["101"], dialog)
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def answered_recorded(lab: Lab) -> None:
    """A recorded talk of 101 and 102; 102 hangs up."""
    _behave(lab, "102", "answer")
    dialog = lab.phones["101"].call("122")
    await _until_up(lab.phones["101"], dialog)
    await asyncio.sleep(_TALK)
    other = list(lab.phones["102"].dialogs.values())[-1]
    lab.phones["102"].hang_up(other)


async def no_answer(lab: Lab) -> None:
    """102 rings for one second, nobody answers, the flow gives up."""
    _behave(lab, "102", "ring")
    lab.phones["101"].call("112")


async def no_answer_recorded(lab: Lab) -> None:
    """A call that would have been recorded, but nobody answers and the caller gives up."""
    _behave(lab, "102", "ring")
    dialog = lab.phones["101"].call("122")
    await eventually(lambda: dialog.status == 180)
    lab.phones["101"].cancel(dialog)


async def busy(lab: Lab) -> None:
    """102 is busy (486)."""
    _behave(lab, "102", "486")
    lab.phones["101"].call("102")


async def rejected(lab: Lab) -> None:
    """102 declines (603)."""
    _behave(lab, "102", "603")
    lab.phones["101"].call("102")


async def unavailable(lab: Lab) -> None:
    """102 says it is temporarily unavailable (480)."""
    _behave(lab, "102", "480")
    lab.phones["101"].call("102")


async def cancelled(lab: Lab) -> None:
    """101 gives up while 102 rings."""
    _behave(lab, "102", "ring")
    dialog = lab.phones["101"].call("102")
    await eventually(lambda: dialog.status == 180)
    await asyncio.sleep(_TALK)
    lab.phones["101"].cancel(dialog)


async def unknown_number(lab: Lab) -> None:
    """101 dials an extension that does not exist."""
    lab.phones["101"].call("109")


async def outgoing(lab: Lab) -> None:
    """101 calls out over the trunk and talks."""
    _behave(lab, TRUNK, "answer", 0.2)
    dialog = lab.phones["101"].call("9121")
    await _until_up(lab.phones["101"], dialog)
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def outgoing_congested(lab: Lab) -> None:
    """The carrier refuses the call (503)."""
    _behave(lab, TRUNK, "503")
    lab.phones["101"].call("9121")


async def incoming(lab: Lab) -> None:
    """The carrier sends a call for 02100; 102 answers; the carrier hangs up."""
    _behave(lab, "102", "answer", 0.2)
    carrier = Phone("09120000000", lab.sip_port)
    await carrier.open()
    try:
        dialog = carrier.call("02100")
        await _until_up(carrier, dialog)
        await asyncio.sleep(_TALK)
        carrier.hang_up(dialog)
        await _until_over(lab)
    finally:
        carrier.close()


async def ivr_only(lab: Lab) -> None:
    """A menu answers, plays, hangs up; no person takes the call."""
    lab.phones["101"].call("600")


async def definite_answer(lab: Lab) -> None:
    """A menu answers and the plan says that counts."""
    lab.phones["101"].call("601")


async def queue_answered(lab: Lab) -> None:
    """101 calls queue 500, agent 201 on phone 102 answers."""
    _behave(lab, "102", "answer", 0.3)
    dialog = lab.phones["101"].call("500")
    await eventually(
        lambda: any(d.state == "up" for d in lab.phones["102"].dialogs.values()), what="agent answered"
    )
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def queue_abandoned(lab: Lab) -> None:
    """101 waits in queue 500 while the agent's phone rings, and gives up."""
    _behave(lab, "102", "ring")
    dialog = lab.phones["101"].call("500")
    await eventually(
        lambda: any(d.state == "ringing" for d in lab.phones["102"].dialogs.values()), what="agent rings"
    )
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def blind_transfer(lab: Lab) -> None:
    """101 talks to 102; 102 sends 101 to 103, who answers; 103 hangs up."""
    _behave(lab, "102", "answer")
    _behave(lab, "103", "answer", 0.2)
    dialog = lab.phones["101"].call("102")
    await _until_up(lab.phones["101"], dialog)
    await asyncio.sleep(_TALK)
    lab.phones["102"].transfer(list(lab.phones["102"].dialogs.values())[-1], "103")
    await eventually(
        lambda: any(d.state == "up" for d in lab.phones["103"].dialogs.values()), what="103 answered"
    )
    await asyncio.sleep(_TALK)
    lab.phones["103"].hang_up(list(lab.phones["103"].dialogs.values())[-1])
    for other in lab.phones["102"].dialogs.values():
        if other.state == "up":
            lab.phones["102"].hang_up(other)


async def attended_transfer(lab: Lab) -> None:
    """101 talks to 102; 102 asks 103, then joins 101 and 103; 101 hangs up."""
    _behave(lab, "102", "answer")
    _behave(lab, "103", "answer", 0.2)
    first = lab.phones["101"].call("102")
    await _until_up(lab.phones["101"], first)
    await asyncio.sleep(_TALK)
    held = list(lab.phones["102"].dialogs.values())[-1]
    second = lab.phones["102"].call("103")
    await _until_up(lab.phones["102"], second)
    await asyncio.sleep(_TALK)
    lab.phones["102"].transfer(held, "103", replaces=second)
    await eventually(lambda: held.state == "ended" or held.referred >= 200, what="transfer accepted")
    for dialog in (held, second):
        if dialog.state == "up":
            lab.phones["102"].hang_up(dialog)
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(first)


async def pickup(lab: Lab) -> None:
    """101 calls 102, which rings; 103 picks the call up and talks; 101 hangs up."""
    _behave(lab, "102", "ring")
    dialog = lab.phones["101"].call("102")
    await eventually(lambda: dialog.status == 180)
    await asyncio.sleep(_TALK)
    lab.phones["103"].call("*8102")
    await _until_up(lab.phones["101"], dialog)
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def _taken(lab: Lab, number: str) -> Dialog:
    """Wait until a phone has answered; gives its call."""
    calls = lab.phones[number].dialogs

    def up() -> Dialog | None:
        return next((dialog for dialog in reversed(calls.values()) if dialog.state == "up"), None)

    dialog = await eventually(up, what=f"{number} answered")
    assert dialog is not None
    return dialog


async def _hand_over(lab: Lab, number: str, target: str) -> None:
    """Who talks on a phone sends the other party to a number and is out of it."""
    dialog = await _taken(lab, number)
    await asyncio.sleep(_TALK)
    lab.phones[number].transfer(dialog, target)
    await eventually(lambda: dialog.state == "ended" or dialog.referred >= 200, what="transfer accepted")
    if dialog.state == "up":
        lab.phones[number].hang_up(dialog)


async def two_queues_two_transfers(lab: Lab) -> None:
    """101 waits in queue 500, agent 201 sends him to queue 501, agent 202 to 104, who hangs up."""
    for number in ("102", "103", "104"):
        _behave(lab, number, "answer", 0.2)
    dialog = lab.phones["101"].call("500")
    await _hand_over(lab, "102", "501")
    await _hand_over(lab, "103", "104")
    last = await _taken(lab, "104")
    await asyncio.sleep(_TALK)
    lab.phones["104"].hang_up(last)
    await eventually(lambda: dialog.state == "ended", what="the caller is told")


async def queue_agent_hangs_up(lab: Lab) -> None:
    """Agent 201 answers in queue 505 and hangs up first; the caller goes on to two survey questions."""
    _behave(lab, "102", "answer", 0.3)
    lab.phones["101"].call("505")
    talk = await _taken(lab, "102")
    await asyncio.sleep(_TALK)
    lab.phones["102"].hang_up(talk)


async def queue_timeout(lab: Lab) -> None:
    """The agent's phone rings, but the caller's two seconds in queue 503 are over first."""
    _behave(lab, "102", "ring")
    lab.phones["101"].call("503")


async def queue_busy_agent(lab: Lab) -> None:
    """Agent 201's phone refuses each try as busy, so nothing rings; the time in queue 503 runs out."""
    _behave(lab, "102", "486")
    lab.phones["101"].call("503")


async def queue_empty(lab: Lab) -> None:
    """Queue 504 has no agents and takes nobody in."""
    lab.phones["101"].call("504")


async def queue_ringall(lab: Lab) -> None:
    """Both agents of queue 502 are rung; 202 answers, 201's phone stops; the caller hangs up."""
    _behave(lab, "102", "ring")
    _behave(lab, "103", "answer", 0.3)
    dialog = lab.phones["101"].call("502")
    await _taken(lab, "103")
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def queue_second_round(lab: Lab) -> None:
    """Queue 506 rings for a second at a time: 201 misses it, 202 declines, 201 answers the second time."""
    _behave(lab, "102", "ring")
    _behave(lab, "103", "603")
    dialog = lab.phones["101"].call("506")
    await eventually(lambda: lab.phones["103"].dialogs, what="the second agent is tried")
    _behave(lab, "102", "answer", 0.1)
    await _taken(lab, "102")
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def queue_pickup(lab: Lab) -> None:
    """The agent's phone rings for queue 500; colleague 104 takes the call by code; 104 hangs up."""
    _behave(lab, "102", "ring")
    lab.phones["101"].call("500")
    await eventually(
        lambda: any(d.state == "ringing" for d in lab.phones["102"].dialogs.values()), what="agent rings"
    )
    picked = lab.phones["104"].call("*8102")
    await _until_up(lab.phones["104"], picked)
    await asyncio.sleep(2 * _TALK)
    lab.phones["104"].hang_up(picked)


async def queue_attended_transfer(lab: Lab) -> None:
    """Agent 201 asks 104, then joins the caller of queue 500 and 104; the caller hangs up."""
    _behave(lab, "102", "answer", 0.2)
    _behave(lab, "104", "answer", 0.2)
    dialog = lab.phones["101"].call("500")
    held = await _taken(lab, "102")
    second = lab.phones["102"].call("104")
    await _until_up(lab.phones["102"], second)
    await asyncio.sleep(_TALK)
    lab.phones["102"].transfer(held, "104", replaces=second)
    await eventually(lambda: held.state == "ended" or held.referred >= 200, what="transfer accepted")
    for leg in (held, second):
        if leg.state == "up":
            lab.phones["102"].hang_up(leg)
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(dialog)


async def queue_left_in_silence(lab: Lab) -> None:
    """The caller waits in queue 507, where nobody works, and gives up before any phone rang."""
    dialog = lab.phones["101"].call("507")
    await _until_up(lab.phones["101"], dialog)
    await asyncio.sleep(3 * _TALK)
    lab.phones["101"].hang_up(dialog)


def new_uniqueid() -> str:
    """A uniqueid for an originate."""
    return f"{int(time.time())}.{secrets.randbelow(10**6)}"


async def originate(
    lab: Lab, number: str = "101", exten: str = "102", timeout: float = 30, uniqueid: str | None = None
) -> str:
    """Ask for a call: ``number`` is rung first, then ``exten`` is dialled. Returns the uniqueid chosen."""
    uniqueid = uniqueid or new_uniqueid()
    channel = f"PJSIP/{number}"
    await lab.ami.action(
        "Originate",
        {
            "Channel": channel,
            "Exten": exten,
            "Context": "tamas-originated",
            "Priority": "1",
            "Timeout": str(int(timeout * 1000)),
            "CallerID": f"Sales <{exten}>",
            "ChannelId": uniqueid,
            "Async": "true",
        },
    )
    return uniqueid


def last_response(lab: Lab, uniqueid: str) -> dict[str, str] | None:
    """The OriginateResponse of an originate, when it has come."""
    for message in lab.events:
        if message.event == "OriginateResponse" and message.get("Uniqueid") == uniqueid:
            return dict(message)
    return None


async def originate_answered(lab: Lab) -> str:
    """101 is rung and answers, 102 is dialled and answers, 101 hangs up."""
    _behave(lab, "101", "answer", 0.2)
    _behave(lab, "102", "answer", 0.2)
    uniqueid = await originate(lab)
    await eventually(lambda: any(d.state == "up" for d in lab.phones["102"].dialogs.values()))
    await asyncio.sleep(_TALK)
    lab.phones["101"].hang_up(list(lab.phones["101"].dialogs.values())[-1])
    return uniqueid


async def originate_second_busy(lab: Lab) -> str:
    """101 answers, 102 is busy."""
    _behave(lab, "101", "answer", 0.1)
    _behave(lab, "102", "486")
    return await originate(lab)


async def originate_first_busy(lab: Lab) -> str:
    """101 is busy."""
    _behave(lab, "101", "486")
    return await originate(lab)


async def originate_first_rejects(lab: Lab) -> str:
    """101 declines."""
    _behave(lab, "101", "603")
    return await originate(lab)


async def originate_first_silent(lab: Lab) -> str:
    """101 rings until the time limit."""
    _behave(lab, "101", "ring")
    return await originate(lab, timeout=1)


async def originate_first_unknown(lab: Lab) -> str:
    """The first party has no endpoint at all."""
    return await originate(lab, number="999")


async def originate_first_unregistered(lab: Lab) -> str:
    """The first party exists but has no phone registered."""
    return await originate(lab, number="unregistered")


ALL = (
    answered, answered_recorded, no_answer, no_answer_recorded, busy, rejected, unavailable, cancelled,
    unknown_number, outgoing, outgoing_congested, incoming, ivr_only, definite_answer, queue_answered,
    queue_abandoned, blind_transfer, attended_transfer, pickup, originate_answered, originate_second_busy,
    originate_first_busy, originate_first_rejects, originate_first_silent, originate_first_unknown,
    originate_first_unregistered, two_queues_two_transfers, queue_agent_hangs_up, queue_timeout,
    queue_busy_agent, queue_empty, queue_ringall, queue_second_round, queue_pickup, queue_attended_transfer,
    queue_left_in_silence,
)  # fmt: skip
