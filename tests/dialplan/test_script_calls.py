"""AGI scripts, by telephone: what they can do with a call, and what they cannot do to us."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from dialplan._switchboard import Switchboard, node, outgoing
from support.waiting import eventually
from tamas.dialplan.scripts import add_script, scripts_directory

pytestmark = pytest.mark.engine

AFTER, SAID = 1000, 1400
PYTHON = b"""#!/usr/bin/python3
import os, sys
opening = {}
while (line := sys.stdin.readline().strip()):
    name, _, value = line.partition(": ")
    opening[name] = value
def say(command):
    print(command, flush=True)
    return sys.stdin.readline().strip()
def tell(name, value):
    say(f'SET VARIABLE {name} "{value}"')
"""


async def run(board: Switchboard, body: str, *, timeout: int = 10) -> str:
    """201 calls a plan with a script and a tone behind it; the script's name."""
    await board.add_sound("after", AFTER)
    name = add_script(scripts_directory(board.settings.state_dir), "My script.py", PYTHON + body.encode())
    await board.publish(
        outgoing("script"),
        node("script", "AGI", params={"agi_file": name, "timeout": timeout}, next_="answer"),
        node("answer", "Answer", next_="after"),
        node("after", "Announcement", params={"announcement": "after"}),
    )
    return name


async def report(board: Switchboard, body: str) -> str:
    """What a script says of itself, through the caller id of the phone it then dials."""
    await run(
        board, f'{body}\nsay(f\'SET VARIABLE CALLERID(name) "{{said}}"\')\nsay("EXEC Dial PJSIP/202,5")'
    )
    call = await board.phones["201"].call("8000")
    ringing = await board.phones["202"].incoming()
    name = ringing.remote_name
    await call.hang_up()
    await ringing.until_ended()
    return name


async def test_a_script_speaks_with_asterisk(board: Switchboard) -> None:
    """The script answers, plays a sound and reads a key, then the call goes on behind the node."""
    await board.add_sound("said", SAID, seconds=3)
    file = board.flow.services.layout.announcements / "said"
    await run(
        board,
        f"""
say("ANSWER")
reply = say('STREAM FILE {file} "5"')
if "result=53" in reply:
    say("VERBOSE \\"thank you\\" 1")
else:
    say("HANGUP")
""",
    )
    call = await board.phones["201"].call("8000")
    await call.until_heard(SAID)
    call.dial("5")
    await call.until_heard(AFTER)
    await call.until_ended()


async def test_a_script_knows_the_call(board: Switchboard) -> None:
    """The opening has the caller, and the script's name in place of our address."""
    name = "said = opening['agi_callerid'] + '-' + opening['agi_request'][:9] + '-' + str(len(os.environ))"
    said = await report(board, name)
    assert said.startswith("201-my-script-")
    assert int(said.rpartition("-")[2]) <= 6  # HOME, LANG, PATH, TZ, and what Python adds


async def test_a_script_sees_nothing_of_ours(board: Switchboard) -> None:
    """Neither the database nor the keys nor other processes can be read, and no signal reaches us."""
    state = board.settings.state_dir
    hidden = [str(state), str(state / "secrets"), str(Path(__file__).parent), "/proc/1/environ"]
    said = await report(
        board,
        f"""
said = ""
for path in {hidden}:
    try:
        open(path).close() if "environ" in path else os.listdir(path)
        said += "y"
    except OSError:
        said += "n"
for act in (lambda: os.kill({board.engine.status().pid or 1}, 0), lambda: open("/etc/tamas-was-here", "w")):
    try:
        act()
        said += "y"
    except OSError:
        said += "n"
open("own", "w").close()
said += "-" + ("root" if os.getuid() == 0 else "nobody")
""",
    )
    assert said == "nnnnnn-nobody"


async def test_a_script_cannot_leave_the_flow(board: Switchboard) -> None:
    """What would take the call elsewhere, or touch what the flow keeps on the channel, is refused."""
    said = await report(
        board,
        """
said = "".join(
    say(command)[:3]
    for command in (
        "SET CONTEXT main", "EXEC Goto x,s,1", "exec goto x,s,1", 'SET VARIABLE TAMAS_END "1"', "ASYNCAGI",
        "EXEC MSet TAMAS_END=1", "x" * 3000,
    )
)
""",
    )
    assert said == "510" * 7


async def test_a_script_that_hangs_is_ended(board: Switchboard) -> None:
    """At the time limit the script and its children are gone, and the call goes on."""
    await run(board, "import subprocess\nsubprocess.run(['/bin/sleep', '86399'])", timeout=1)
    call = await board.phones["201"].call("8000")
    await call.until_heard(AFTER)
    await call.until_ended()
    assert not sleepers("86399")


async def test_the_caller_hangs_up(board: Switchboard) -> None:
    """The script hears of it, and is gone soon after whatever it does."""
    await run(board, "import subprocess\nsay('ANSWER')\nsubprocess.run(['/bin/sleep', '86398'])", timeout=60)
    call = await board.phones["201"].call("8000")
    await eventually(lambda: sleepers("86398"), what="the script's child")
    await call.hang_up()
    await eventually(lambda: not sleepers("86398"), within=3, what="the end of the script")


async def test_a_script_that_crashes_and_one_that_is_gone(board: Switchboard) -> None:
    """The call goes on behind the node, whatever became of the script."""
    name = await run(board, "raise SystemExit(3)")
    call = await board.phones["201"].call("8000")
    await call.until_heard(AFTER)
    await call.until_ended()
    (scripts_directory(board.settings.state_dir) / name).unlink()
    again = await board.phones["201"].call("8000")
    await again.until_heard(AFTER)
    await again.until_ended()


@pytest.mark.slow
async def test_death_while_a_script_runs(board: Switchboard) -> None:
    """We die: the script ends with us, and the next process runs it again from its start."""
    await board.add_sound("said", SAID, seconds=3)
    file = board.flow.services.layout.announcements / "said"
    await run(
        board, f"say('ANSWER')\nsay('STREAM FILE {file} \"\"')\nsay('STREAM FILE {file} \"\"')", timeout=30
    )
    call = await board.phones["201"].call("8000")
    await call.until_heard(SAID)
    board.die()
    board.revive()
    await call.until_heard(AFTER, within=20)
    await call.until_ended()


def sleepers(seconds: str) -> list[int]:
    """Processes that sleep so long."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["/bin/sleep", seconds]
    ]
