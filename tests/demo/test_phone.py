"""Phones against a real Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.phones import PhoneBench
from support.static_asterisk import CARRIER, NUMBERS, SECRET, StaticAsterisk, running_static_asterisk
from support.waiting import eventually
from tamas.demo.call import CallEnd, CallState, PhoneTimeout
from tamas.demo.phone import AutoAnswer, AutoReject, Phone, RegistrationRefused, Silent
from tamas.engine.install import AsteriskInstall

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("no_task_left")]


@pytest.fixture(scope="module")
async def asterisk(asterisk_install: AsteriskInstall) -> AsyncIterator[StaticAsterisk]:
    async with running_static_asterisk(asterisk_install) as running:
        yield running


@pytest.fixture
async def pair(asterisk: StaticAsterisk, new_phone: PhoneBench) -> tuple[Phone, Phone]:
    """Two registered phones, 201 with 440 Hz and 202 with 660 Hz."""
    first, second = await asyncio.gather(
        new_phone("201", server=asterisk.sip, secret=SECRET, tone_hz=440),
        new_phone("202", server=asterisk.sip, secret=SECRET, tone_hz=660),
    )
    await asyncio.gather(first.register(), second.register())
    return first, second


async def test_two_phones_talk_and_hear_each_other(pair: tuple[Phone, Phone]) -> None:
    """201 calls 202, which rings a moment and answers: each hears the tone of the other and not its own."""
    first, second = pair
    outgoing = await first.call("202")
    incoming = await second.answer(after=0.2)
    await outgoing.until_talking()
    await outgoing.until_heard(660)
    await incoming.until_heard(440)
    assert not outgoing.heard(440)
    assert not incoming.heard(660)
    assert (incoming.remote_number, incoming.remote_name) == ("201", "Phone 201")
    await first.hang_up()
    await incoming.until_ended()
    assert (outgoing.end, incoming.end) == (CallEnd.BY_US, CallEnd.BY_THEM)
    assert outgoing.ringing_at is not None
    assert outgoing.answered_at is not None
    assert outgoing.answered_at - outgoing.ringing_at >= 0.2


async def test_the_called_phone_hangs_up(pair: tuple[Phone, Phone]) -> None:
    """A phone that was called ends the call."""
    first, second = pair
    outgoing = await first.call("202")
    incoming = await second.answer()
    await outgoing.until_talking()
    await second.hang_up()
    await outgoing.until_ended()
    assert (outgoing.end, incoming.end) == (CallEnd.BY_THEM, CallEnd.BY_US)


async def test_a_busy_phone(pair: tuple[Phone, Phone]) -> None:
    """The called phone rejects with 486, and the caller is told so."""
    first, second = pair
    second.manner = AutoReject()
    outgoing = await first.call("202")
    await outgoing.until_ended()
    assert (outgoing.status, outgoing.end) == (486, CallEnd.REFUSED)
    assert second.last_call.end is CallEnd.REFUSED


async def test_a_caller_gives_up(pair: tuple[Phone, Phone]) -> None:
    """The caller cancels while the other phone rings."""
    first, second = pair
    outgoing = await first.call("202")
    incoming = await second.incoming()
    await asyncio.gather(outgoing.until_ringing(), incoming.until_ringing())
    await outgoing.hang_up()
    await incoming.until_ended()
    assert (outgoing.end, incoming.end) == (CallEnd.CANCELLED, CallEnd.CANCELLED)
    with pytest.raises(PhoneTimeout, match="given up"):
        await incoming.until_talking()


async def test_a_phone_that_answers_and_hangs_up_alone(pair: tuple[Phone, Phone]) -> None:
    """With an automatic manner a phone needs nobody to press its buttons, for several calls."""
    first, second = pair
    second.manner = AutoAnswer(after=0.05, hang_up_after=0.1)
    for _ in range(2):
        outgoing = await first.call("202")
        await outgoing.until_talking()
        await outgoing.until_ended()
    assert [call.end for call in second.calls] == [CallEnd.BY_US, CallEnd.BY_US]


async def test_a_silent_phone(pair: tuple[Phone, Phone]) -> None:
    """A phone that does not react at all neither rings nor ends."""
    first, second = pair
    second.manner = Silent()
    outgoing = await first.call("202")
    await second.incoming()
    with pytest.raises(PhoneTimeout, match="it is trying"):
        await outgoing.until_talking(within=0.5)
    await outgoing.hang_up()


async def test_digits_both_ways(pair: tuple[Phone, Phone]) -> None:
    """Digits are sent (603 reads them and dials the number) and received (601 sends some)."""
    first, second = pair
    call = await first.call("601")
    await eventually(lambda: call.digits == "42#", within=5, what="digits 42#")
    await call.hang_up()
    call = await first.call("603")
    await call.until_talking()
    call.dial("202")
    assert (await second.answer()).remote_number == "201"


async def test_registering_with_a_wrong_secret(asterisk: StaticAsterisk, new_phone: PhoneBench) -> None:
    """A wrong secret is refused, with the status."""
    phone = await new_phone("203", server=asterisk.sip, secret="something else")
    with pytest.raises(RegistrationRefused) as refused:
        await phone.register()
    assert refused.value.status in (401, 403)
    assert not phone.registered


async def test_unregistering(pair: tuple[Phone, Phone]) -> None:
    """A phone that registered again and then unregistered cannot be called."""
    first, second = pair
    await second.register()
    await second.unregister()
    outgoing = await first.call("202")
    await outgoing.until_ended()
    assert outgoing.end is CallEnd.REFUSED
    assert second.calls == []


async def test_a_number_that_does_not_exist(pair: tuple[Phone, Phone]) -> None:
    """The refusal's status reaches the caller."""
    outgoing = await pair[0].call("999")
    await outgoing.until_ended()
    assert outgoing.status == 404
    outgoing = await pair[0].call("602")
    await outgoing.until_ended()
    assert outgoing.status == 486


async def test_a_blind_transfer(
    asterisk: StaticAsterisk, pair: tuple[Phone, Phone], new_phone: PhoneBench
) -> None:
    """202 sends its caller on to 203 and is out of the call; 201 and 203 hear each other."""
    first, second = pair
    third = await new_phone("203", server=asterisk.sip, secret=SECRET, tone_hz=880, manner=AutoAnswer())
    await third.register()
    call = await first.call("202")
    transferring = await second.answer()
    await call.until_heard(660)
    host, port = asterisk.sip
    transferring.transfer(f"sip:203@{host}:{port}")
    await call.until_heard(880)
    await third.last_call.until_heard(440)
    await transferring.hang_up()
    assert call.state is CallState.TALKING
    await call.hang_up()


async def test_a_carrier_calls_in(
    asterisk: StaticAsterisk, pair: tuple[Phone, Phone], new_phone: PhoneBench
) -> None:
    """A carrier has another address and no secret, and shows any caller."""
    carrier = await new_phone("carrier", server=asterisk.sip, local=(CARRIER, 0), tone_hz=880)
    outgoing = await carrier.call("201", caller="09121234567", caller_name="Someone")
    incoming = await pair[0].answer()
    assert (incoming.remote_number, incoming.remote_name) == ("09121234567", "Someone")
    await incoming.until_heard(880)
    await outgoing.until_heard(440)


async def test_an_unplugged_phone(pair: tuple[Phone, Phone]) -> None:
    """Nothing passes an unplugged wire; plugged in again the phone works."""
    first, _ = pair
    first.unplugged = True
    with pytest.raises(PhoneTimeout, match="no answer to the registration"):
        await first.register(within=0.3)
    first.unplugged = False
    await first.register()


async def test_many_phones_at_once(
    asterisk: StaticAsterisk, sipp: tuple[str, ...], new_phone: PhoneBench
) -> None:
    """Twenty phones are ready within seconds and ten calls go on side by side."""
    phones = await asyncio.gather(
        *(
            new_phone(number, server=asterisk.sip, secret=SECRET, tone_hz=300 + 40 * place)
            for place, number in enumerate(NUMBERS)
        )
    )
    await asyncio.gather(*(phone.register() for phone in phones))
    callers, called = phones[:10], phones[10:]
    for phone in called:
        phone.manner = AutoAnswer()
    calls = await asyncio.gather(
        *(caller.call(other.number) for caller, other in zip(callers, called, strict=True))
    )
    for call, other in zip(calls, called, strict=True):
        await call.until_talking()
        await call.until_heard(other.tone_hz)
    assert all(call.state is CallState.TALKING for call in calls)
