"""Load on one HTTP address with wrk, keep-alive connections."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import BenchBroken

CONNECTIONS = 24

_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
_ERRORS = re.compile(r"Non-2xx or 3xx responses|Socket errors")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The same request over and over; ``{number}`` in the body is replaced by a number, each in turn."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    numbers: range = range(0)


def requests_per_second(
    wrk: Sequence[str], request: Request, *, seconds: int, processors: Sequence[int]
) -> float:
    """Answers per second. :raises BenchBroken: any was an error."""
    with tempfile.TemporaryDirectory(prefix="tamas-wrk-") as folder:
        script = Path(folder, "request.lua")
        script.write_text(_script(request))
        place = ["taskset", "-c", ",".join(map(str, processors))]
        words = [*place, *wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), request.url]
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 30, check=False)
    rate = _RATE.search(done.stdout)
    if done.returncode or rate is None or _ERRORS.search(done.stdout):
        raise BenchBroken(f"wrk on {request.url} failed:\n{done.stdout}{done.stderr}")
    return float(rate[1])


def _script(request: Request) -> str:
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in request.headers.items())
    script = f'wrk.method = "{request.method}"\n{headers}'
    if not request.body:
        return script
    if not request.numbers:
        return f"{script}wrk.body = [[{request.body}]]\n"
    before, _, after = request.body.partition("{number}")
    numbers = request.numbers
    # Every request is made beforehand, so that making them costs nothing while it counts.
    return f"""{script}
local made, turn = {{}}, 0
function init()
  for number = {numbers.start}, {numbers.stop - 1}, {numbers.step} do
    made[#made + 1] = wrk.format(nil, nil, nil, [[{before}]] .. number .. [[{after}]])
  end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
"""
