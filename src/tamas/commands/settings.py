"""``tamas settings``: what an administrator changes while Tamas runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tamas.commands.opened import opened_store
from tamas.commands.output import AsJson, console, fail, print_json, print_table, run
from tamas.engine.sip_secrets import open_seal
from tamas.store.runtime_settings import MASK, SETTINGS, load_runtime_settings, set_runtime_setting

app = typer.Typer(no_args_is_help=True, help="Settings that a running server obeys at once.")


def _shown(key: str, value: Any) -> Any:
    """A value as it may be shown."""
    return MASK if SETTINGS[key].secret and value else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)


@app.command()
def get(
    key: Annotated[str | None, typer.Argument(help="Setting to show; all when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one setting or all."""

    async def work() -> dict[str, Any]:
        async with opened_store() as store:
            found = await load_runtime_settings(store.database)
            return {name: _shown(name, value) for name, value in found.items()}

    values = run(work, as_json=as_json)
    if key is not None and key not in values:
        fail(f"there is no setting {key!r}; known: {', '.join(sorted(values))}", as_json=as_json)
    if as_json:
        print_json(values if key is None else {key: values[key]})
    elif key is not None:
        console.print(_text(values[key]), markup=False)
    else:
        print_table(
            [
                {"setting": name, "value": _text(value), "meaning": SETTINGS[name].description}
                for name, value in values.items()
            ],
            ("setting", "value", "meaning"),
            empty="",
        )


@app.command(name="set")
def set_(
    key: Annotated[str, typer.Argument(help="Setting to change.")],
    value: Annotated[
        list[str] | None,
        typer.Argument(help="New value; several for a list such as sa.allowed_ips, none to empty it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a setting; a running server obeys from its next request on.

    A secret is asked for when it is left out, so that it stands in no list of processes; "" takes it away.
    """
    given = value or []
    secret = key in SETTINGS and SETTINGS[key].secret
    if secret and not given:
        given = [typer.prompt(key, hide_input=True, default="", show_default=False)]
    is_list = key in SETTINGS and isinstance(SETTINGS[key].default, list)
    if not is_list and len(given) != 1:
        fail(f"{key} takes one value", as_json=as_json)

    async def work() -> Any:
        async with opened_store() as store:
            new: Any = [part for item in given for part in _list_items(item)] if is_list else given[0]
            if secret and new:
                new = open_seal(store.settings.state_dir).seal_text(new)
            return await set_runtime_setting(store.database, store.changes, key, new)

    stored = _shown(key, run(work, as_json=as_json))
    if as_json:
        print_json({key: stored})
    else:
        console.print(f"{key} = {_text(stored)}", markup=False)


def _list_items(text: str) -> list[str]:
    """Items of a list given as words, with commas, or as a JSON list."""
    return [item for item in text.strip("[]").replace('"', "").replace(",", " ").split() if item]
