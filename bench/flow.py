"""Calls through the call flow: against the same flow in Asterisk's dialplan, and 200 callers in menus.

Five components (Outgoing Route, Answer, Time Condition, Announcement, Extension) against five lines of
dialplan that do the same: both by raw AMI Originate on the same engine, with the same records.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import select

from bench.calls import climb_ways
from bench.extensions import add_extension, number_of, register
from bench.figures import BenchBroken, Figure
from bench.options import Options, say
from bench.processes import running
from bench.product import Product
from bench.switchboard import PHONES, Place, Step, Switchboard, open_switchboard, running_phones
from support.ports import free_port
from tamas.dialplan.graph import Node, Output, Plan, Sheet, write_plan
from tamas.engine.fixed_dialplan import ORIGINATED_CONTEXT
from tamas.store.schema import calls

COMPONENTS = 5
CONTEXT = "bench-flow"
SHARE = 0.5
DELAY_SECONDS = 0.003
"""For each component, at half of the clean rate of the dialplan."""
DELAY_ROUNDS = 7
"""Odd. Other work on the machine adds to some of them, mostly to the slower side."""
MENUS = 200
MENU_NUMBER = "8000"
DIGITS = "7391"
"""As the scenario presser.xml sends them."""
PRESSER = 2 * PHONES
"""Position of the first extension that presses keys."""
PRESSERS = 20
RAMP_SECONDS = 4.0
MENU_SECONDS = 40.0
DIALPLAN = (
    ("Answer", ""),
    ("GotoIfTime", "0:00-23:59,*,*,*?3"),
    ("Playback", "beep"),
    ("Dial", "PJSIP/${EXTEN},30,TtKkg"),
    ("Hangup", ""),
)


def measure(options: Options) -> Iterator[Figure]:
    """The share, the delay, and the menus."""
    with running_phones(options) as product, _running_pressers(options, product):
        _publish(product, options.folder)
        seconds = 4.0 if options.quick else 8.0

        async def work() -> tuple[Step, Step, float, int]:
            async with open_switchboard(product) as switchboard:
                await _write_dialplan(switchboard)
                by_dialplan = partial(switchboard.originate_into, CONTEXT)
                by_plan = switchboard.by_ami
                plan, dialplan = await climb_ways(
                    switchboard, {"plan": by_plan, "dialplan": by_dialplan}, seconds
                )
                delay = await _delay(switchboard, by_plan, by_dialplan, dialplan.rate / 2, seconds)
                return plan, dialplan, delay, await _menus(product, switchboard)

        plan, dialplan, delay, menus = asyncio.run(work())
    yield Figure(
        what="calls through a flow of five components",
        value=plan.rate,
        unit="calls/s",
        baseline="the same flow in Asterisk's dialplan",
        baseline_value=dialplan.rate,
        ratio=plan.rate / dialplan.rate,
        target=SHARE,
        at_least=True,
        note=f"95 % connected in {plan.setup_p95 * 1000:.0f} and {dialplan.setup_p95 * 1000:.0f} ms",
    )
    yield Figure(
        what=f"delay of a component, median, at {dialplan.rate / 2:.0f} calls/s",
        value=delay * 1000,
        unit="ms",
        baseline="limit",
        baseline_value=DELAY_SECONDS * 1000,
        ratio=delay / DELAY_SECONDS,
        target=1.0,
        at_least=False,
        note="beyond that of the same step in Asterisk's dialplan",
    )
    yield Figure(
        what=f"of {MENUS} calls in menus at once, those of which every digit was taken",
        value=menus,
        unit="calls",
        baseline="calls",
        baseline_value=MENUS,
        ratio=menus / MENUS,
        target=1.0,
        at_least=True,
        note=f"{len(DIGITS)} digits each, by SIP INFO",
    )


async def _write_dialplan(switchboard: Switchboard) -> None:
    for priority, (application, data) in enumerate(DIALPLAN, 1):
        said = await switchboard.command(
            f'dialplan add extension _X.,{priority},{application},"{data}" into {CONTEXT}'
        )
        if "added" not in said:
            raise BenchBroken(f"the dialplan to compare with cannot be written: {said}")


async def _delay(
    switchboard: Switchboard,
    by_plan: Place,
    by_dialplan: Place,
    rate: float,
    seconds: float,
) -> float:
    """Seconds that one component adds, median over rounds that alternate."""
    more = []
    for _ in range(DELAY_ROUNDS):
        medians = []
        for name, place in (("dialplan", by_dialplan), ("plan", by_plan)):
            step = await switchboard.offer(place, rate, round(rate * seconds))
            say(f"{name}, half load, {step}, half of them within {step.setup_median * 1000:.1f} ms")
            medians.append(step.setup_median)
        more.append((medians[1] - medians[0]) / COMPONENTS)
    return statistics.median(more)


async def _menus(product: Product, switchboard: Switchboard) -> int:
    """Calls whose digits all arrived, of those that were in menus at the same time."""
    keys = []
    for turn in range(MENUS):
        caller = number_of(PRESSER + turn % PRESSERS)
        keys.append(await switchboard.originate_into(ORIGINATED_CONTEXT, caller, MENU_NUMBER))
        await asyncio.sleep(RAMP_SECONDS / MENUS)
    most = int((await switchboard.command("core show channels count")).split()[0])
    say(f"menus: {most} channels at once")
    if most < MENUS:
        raise BenchBroken(f"only {most} calls were in menus at once")
    deadline = time.monotonic() + MENU_SECONDS
    statement = select(calls.c.cuid, calls.c.route).where(calls.c.cuid.in_(keys))
    while len(rows := await asyncio.to_thread(product.rows, statement)) < MENUS:
        if time.monotonic() > deadline:
            raise BenchBroken(f"{MENUS - len(rows)} calls in menus left no record")
        await asyncio.sleep(0.5)
    return sum(msgspec.json.decode(row["route"])[-1]["name"] == "right" for row in rows)


@contextmanager
def _running_pressers(options: Options, product: Product) -> Iterator[None]:
    port = free_port()
    words = [
        *options.sipp(),
        *("-sf", str(Path(__file__).with_name("scenarios") / "presser.xml"), "-i", "127.0.0.1"),
        *("-p", str(port), "-mp", str(free_port()), "-cp", str(free_port())),
        *("-nostdin", "-skip_rlimit", "-timer_resol", "5", "-max_socket", "100"),
    ]
    with running(words, log=options.folder / "presser.log", cwd=options.folder):
        for turn in range(PRESSERS):
            number = number_of(PRESSER + turn)
            add_extension(product, number, dtmfmode="info")
            register(product, number, ("127.0.0.1", port))
        yield


def _publish(product: Product, folder: Path) -> None:
    """Make the plan of this bench live, as an administrator would."""
    file = folder / "plan.json"
    file.write_text(write_plan(_plan()))
    said = subprocess.run(
        [sys.executable, "-P", "-m", "tamas", "dialplan", "import", "--publish", str(file)],
        env={**os.environ, **product.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        raise BenchBroken(f"the plan was refused: {said.stdout}{said.stderr}")


def _plan() -> Plan:
    day = [["00:00", "24:00"]]
    days = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), day)

    def node(identity: str, kind: str, *outputs: Output, **params: object) -> Node:
        return Node(id=identity, sheet="s", type=kind, name=identity, params=params, outputs=outputs)

    return Plan(
        sheets=(Sheet(id="s", name="Bench"),),
        nodes=(
            node(
                "route",
                "OutgoingRoute",
                Output(key="menu", match={"pattern": MENU_NUMBER}, target="menu-up"),
                Output(key="people", match={"pattern": "XXXX."}, target="up"),
                context="main_routing",
            ),
            node("up", "Answer", Output(key="next", target="hours")),
            node("hours", "TimeCondition", Output(key="✓", target="hello"), days=days),
            node("hello", "Announcement", Output(key="next", target="ring"), announcement="builtin:beep"),
            node("ring", "Extension"),
            node("menu-up", "Answer", Output(key="next", target="menu")),
            node(
                "menu",
                "IVR",
                Output(key=DIGITS, match={"case": DIGITS}, target="right"),
                Output(key="i", target="wrong"),
                Output(key="t", target="wrong"),
                announcement="builtin:beep",
                timeout=15,
                max_digits=len(DIGITS),
                repeat=1,
            ),
            node("right", "JumpIn", name="right"),
            node("wrong", "JumpIn", name="wrong"),
        ),
    )
