"""``tamas doctor``: what is wrong, and how to mend it."""

from __future__ import annotations

import typer

from tamas.commands.output import AsJson, console, print_json, run
from tamas.doctor import Finding, Verdict, examine
from tamas.settings import load_settings

_MARKS: dict[Verdict, str] = {
    "ok": "[green]ok[/green]     ",
    "warning": "[yellow]warning[/yellow]",
    "problem": "[red]problem[/red]",
}


def doctor(as_json: AsJson = False) -> None:
    """Check this machine and this instance; exit status 1 when something is wrong."""

    async def work() -> list[Finding]:
        return await examine(load_settings())

    findings = run(work, as_json=as_json)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            console.print(f"{_MARKS[finding.verdict]} {finding.check:16}", end=" ")
            console.print(finding.text, markup=False, soft_wrap=True)
            if finding.remedy:
                console.print(f"{'':25}→ {finding.remedy}", markup=False, soft_wrap=True)
    if any(finding.verdict == "problem" for finding in findings):
        raise typer.Exit(1)
