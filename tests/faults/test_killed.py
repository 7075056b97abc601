"""``kill -9`` of our processes while calls are in every state (architecture rules 5, 7 and 11)."""

from __future__ import annotations

import pytest

from faults._blow import Victim
from faults._scenarios import strike
from faults._scene import Scene

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    "victim", [Victim.WORKER, Victim.EVERYTHING, pytest.param(Victim.SUPERVISOR, marks=pytest.mark.slow)]
)
async def test_calls_survive(scene: Scene, victim: Victim) -> None:
    """Calls in every state go on, and each leaves one complete record, when we are killed."""
    await strike(scene, victim)
