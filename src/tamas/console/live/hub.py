"""What one process can tell live: one watch of the engine and one of the API log for all browsers."""

from __future__ import annotations

from tamas.console.live.log_follower import LogFollower
from tamas.engine.link import EngineAccess
from tamas.engine.watch.view import EngineView
from tamas.engine.watch.watcher import EngineWatch
from tamas.store.database import Database


class LiveHub:
    """Costs nothing while nobody watches. Close it in the end."""

    def __init__(self, database: Database, engine: EngineAccess, watch: EngineWatch | None = None) -> None:
        """:param watch: of this engine, when there is one already."""
        self.engine = watch or EngineWatch(engine, database)
        self.api_log = LogFollower(database)

    async def view(self) -> EngineView:
        """The engine as it is now.

        The first caller makes us watch the engine, which goes on for a while after the last.
        """
        return await self.engine.look()

    async def close(self) -> None:
        """Stop watching."""
        await self.engine.close()
        await self.api_log.close()
