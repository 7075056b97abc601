"""The plan that every system begins with: version 0."""

from __future__ import annotations

from functools import cache

from tamas.dialplan.graph import Plan, Sheet


@cache
def default_plan() -> Plan:
    """The plan of a fresh system."""
    return Plan(sheets=(Sheet(id="incoming", name="Incoming"), Sheet(id="outgoing", name="Outgoing")))
