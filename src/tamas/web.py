"""What is served beside the APIs: health for machines, and the way to the console for people."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tamas import __version__
from tamas.console.site import SITE
from tamas.engine.link import EngineAccess
from tamas.store.database import Database, StoreError

DATABASE_SECONDS = 2.0
"""A database that takes longer to answer counts as not ready."""


class JsonResponse(Response):
    """JSON by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return msgspec.json.encode(content)


def web_routes(database: Database, engine: EngineAccess) -> Starlette:
    """``/healthz``, ``/readyz`` and ``/``."""

    async def healthz(_request: Request) -> Response:
        return JsonResponse({"status": "alive", "version": __version__})

    async def readyz(_request: Request) -> Response:
        parts = {"database": await _database_state(database), "engine": _engine_state(engine)}
        ready = all(part["ready"] for part in parts.values())
        return JsonResponse({"ready": ready, **parts}, status_code=200 if ready else 503)

    async def root(_request: Request) -> Response:
        return RedirectResponse(SITE, status_code=307)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/", root),
        ]
    )


async def _database_state(database: Database) -> dict[str, Any]:
    try:
        async with asyncio.timeout(DATABASE_SECONDS), database.read() as connection:
            await connection.scalar(text("SELECT 1"))
    except (OSError, TimeoutError, SQLAlchemyError, StoreError, asyncpg.PostgresError) as error:
        return {"ready": False, "detail": f"the database does not answer ({type(error).__name__})"}
    return {"ready": True, "kind": database.dialect}


def _engine_state(engine: EngineAccess) -> dict[str, Any]:
    state: dict[str, Any] = {"ready": engine.ready}
    status = engine.status()
    if status is not None:
        state |= {"state": status.state, "version": status.version, "adopted": status.adopted}
        if status.problem:
            state["detail"] = status.problem
    if not engine.ready:
        state.setdefault("detail", "Asterisk is starting or away")
    return state
