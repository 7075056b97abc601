"""The number of the agent who took a queue's call, said to the caller before the talk.

``Queue`` runs an AGI script on the caller's channel once an agent has answered, and connects the two when it
ends. Without us there is no script, and they are connected at once.
"""

from __future__ import annotations

from typing import Final

from tamas.dialplan.prompts import Prompts
from tamas.engine.fastagi import AgiSession

INTRODUCE_SCRIPT: Final = "introduce"
"""Path of the script, behind the address of our FastAGI server."""


async def introduce(session: AgiSession) -> None:
    """Say the number of the agent who is about to talk.

    Digits only: what the agent says meanwhile waits in Asterisk, which throws it away after two seconds.
    """
    agent = await session.get_variable("MEMBERNAME") or ""
    if agent.isascii() and agent.isdigit():
        await Prompts(session).play(f"={agent}")
