"""Commands whose modules are imported when they are called: one call pays for one command."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

MODULES: Final[Mapping[str, str]] = {
    "account": "account",
    "api-log": "api_log",
    "burst-rule": "burst_rules",
    "calls": "calls",
    "campaign": "campaigns",
    "console": "console_account",
    "dialplan": "dialplan",
    "doctor": "doctor",
    "events": "events",
    "feature-code": "feature_codes",
    "fetch": "fetch",
    "group": "groups",
    "recordings": "recordings",
    "scripts": "scripts",
    "settings": "settings",
    "speed-dial": "speed_dials",
    "trunk-manager": "trunk_managers",
}
"""Module of each command in this package. It has a Typer ``app``, or a function of the module's name."""


class OnDemand(TyperGroup):
    """A group that also has the commands of :data:`MODULES`.

    Typer carries its own copy of Click, whose classes have no public name: hence ``Any``.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in order."""
        return sorted({*super().list_commands(ctx), *MODULES})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; ``None`` when there is none."""
        name = MODULES.get(cmd_name)
        if name is None:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"tamas.commands.{name}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False)
            app.command(name=cmd_name)(getattr(module, name))
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command
