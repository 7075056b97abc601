"""What a bench says in the end: a value, a baseline of the same run, and a target for their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from rich.console import Console
from rich.table import Table


class BenchBroken(Exception):
    """What was measured did not do its work: the figure would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. ``ratio`` is value over baseline, or over a limit when there is no baseline."""

    what: str
    value: float
    unit: str
    baseline: str
    """What it is compared with, named."""
    baseline_value: float
    ratio: float
    target: float
    at_least: bool
    """Whether the ratio shall be at least the target; else at most."""
    note: str = ""

    @property
    def met(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def median_ratio(values: Sequence[float], baselines: Sequence[float]) -> float:
    """The median over rounds of value by baseline: what disturbs a round disturbs both halves of it."""
    return statistics.median(value / base for value, base in zip(values, baselines, strict=True))


def print_figures(figures: Sequence[Figure], console: Console) -> None:
    """Show the table to a person."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("what", "value", "baseline", "ratio", "target", "", "note"):
        right = column in ("value", "ratio", "target")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "note")
    for figure in figures:
        table.add_row(
            figure.what,
            _measured(figure.value, figure.unit),
            f"{figure.baseline}: {_measured(figure.baseline_value, figure.unit)}",
            f"{figure.ratio:.2f}",
            f"{'≥' if figure.at_least else '≤'} {figure.target:g}",
            "met" if figure.met else "MISSED",
            figure.note,
        )
    console.print(table)


def figures_as_json(figures: Sequence[Figure]) -> str:
    """The same for programs: a list of objects."""
    rows = [{**msgspec.to_builtins(figure), "met": figure.met} for figure in figures]
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode()


def _measured(value: float, unit: str) -> str:
    digits = 0 if value >= 1000 else 1 if value >= 20 else 2
    return f"{value:,.{digits}f} {unit}"
