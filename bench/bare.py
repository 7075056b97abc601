"""The baseline of the HTTP benches: Starlette and msgspec, nothing else, on uvicorn set up as the product's.

``python -m bench.bare PORT`` answers every GET and POST on ``/`` with one small JSON object; a search that
comes with the request is decoded.
"""

from __future__ import annotations

import sys

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tamas.http_server import BACKLOG, KEEP_ALIVE_SECONDS


class Answer(msgspec.Struct):
    """As small as an envelope of the API is."""

    success: int
    message: str
    data: str | None


class Conditions(msgspec.Struct):
    """What a search asks for."""

    number: str


class Search(msgspec.Struct):
    """The body of a search."""

    alike: bool
    conditions: Conditions


_decoder = msgspec.json.Decoder(Search)


async def answer(request: Request) -> Response:
    """One JSON object for another, or for nothing."""
    message = ""
    if request.method == "POST":
        message = _decoder.decode(await request.body()).conditions.number
    body = msgspec.json.encode(Answer(1, message, None))
    return Response(body, media_type="application/json")


def main() -> None:
    """Serve until killed."""
    uvicorn.run(
        Starlette(routes=[Route("/", answer, methods=["GET", "POST"])]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        backlog=BACKLOG,
    )


if __name__ == "__main__":
    main()
