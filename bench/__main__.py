"""``python -m bench [names] [--quick] [--json]``: run benches and print one table."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import tempfile
import traceback
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from bench.figures import Figure, figures_as_json, print_figures
from bench.options import Options, say
from support.postgresql import PostgresqlCluster, running_cluster

BENCHES = {
    "http": "bench.http_requests",
    "adding": "bench.adding",
    "autodialer": "bench.autodialer",
    "calls": "bench.calls",
    "events": "bench.events",
    "flow": "bench.flow",
    "memory": "bench.memory",
    "screen": "bench.screen",
}


def main() -> int:
    """Run the named benches, or all; returns 1 when one broke. A missed target is no failure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, rough figures")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    figures: list[Figure] = []
    broken: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tamas-bench-run-")))

        @cache
        def cluster() -> PostgresqlCluster:
            return stack.enter_context(running_cluster())

        options = Options(quick=arguments.quick, new_postgresql=lambda: cluster().empty_url(), folder=folder)
        for name in arguments.names or BENCHES:
            say(f"== {name}")
            try:
                for figure in importlib.import_module(BENCHES[name]).measure(options):
                    say(f"   {figure.what}: {figure.ratio:.2f}")
                    figures.append(figure)
            except Exception:  # noqa: BLE001 - the other benches still say something
                broken.append(name)
                traceback.print_exc()
    if arguments.json:
        print(figures_as_json(figures))
    else:
        print_figures(figures, Console(width=max(140, _columns()), highlight=False))
    for name in broken:
        print(f"the bench {name} broke, see above", file=sys.stderr)
    return 1 if broken else 0


def _columns() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
