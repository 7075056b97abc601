"""What a service of the console may use, one per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tamas.console.errors import Forbidden, Unavailable
from tamas.console.rights import Page, Right, Rights
from tamas.sa.service import Registry, ServiceContext

if TYPE_CHECKING:
    from tamas.console.activity import Activity
    from tamas.console.authentication import Authentication
    from tamas.console.live.hub import LiveHub
    from tamas.engine.ami import AmiClient
    from tamas.engine.link import EngineAccess
    from tamas.engine.sip_secrets import SecretSeal
    from tamas.settings import Settings
    from tamas.store.changes import Changes
    from tamas.store.database import Database


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """Who is signed in, and in which session."""

    account_id: str
    username: str
    name: str
    account_type: str
    rights: Rights
    session: str
    """Stored hash of the session's token."""
    csrf: str
    must_change_password: bool


@dataclass(kw_only=True)
class CookieChange:
    """What becomes of the browser's session cookie with this answer."""

    token: str | None = None
    """A new session's token."""
    cleared: bool = False


@dataclass(frozen=True, kw_only=True)
class ConsoleContext:
    """One request."""

    who: SignedIn | None
    """``None`` in public services for somebody without session."""
    address: str
    """Address of the client, behind trusted proxies."""
    request_id: str
    own_host: str
    """Host by which the browser reached us, without port."""
    user_agent: str
    headers: Mapping[str, str]
    """Of the request, names in lower case; for downloads (``range``)."""
    database: Database
    changes: Changes
    engine: EngineAccess
    settings: Settings
    """Settings of this process."""
    runtime: Mapping[str, Any]
    """Settings of the store, by key, defaults filled in."""
    seal: SecretSeal
    sa_services: Registry
    """The services of the Simotel API."""
    live: LiveHub
    activity: Activity
    authentication: Authentication
    cookie: CookieChange = field(default_factory=CookieChange)

    @property
    def me(self) -> SignedIn:
        """Who is signed in, in services that are not public."""
        if self.who is None:
            raise Forbidden("this needs somebody who is signed in")
        return self.who

    def may(self, page: Page, right: Right) -> bool:
        """Whether whoever is signed in has a right."""
        return self.who is not None and self.who.rights.allow(page, right)

    @property
    def ami(self) -> AmiClient:
        """The manager connection. :raises Unavailable: Asterisk is starting or away."""
        if not self.engine.ready:
            raise Unavailable("Asterisk is starting or away")
        return self.engine.ami

    @property
    def sa(self) -> ServiceContext:
        """The context in which a service of the Simotel API runs on behalf of the console."""
        return ServiceContext(
            account=f"console:{self.me.username}",
            address=self.address,
            request_id=self.request_id,
            database=self.database,
            changes=self.changes,
            engine=self.engine,
            settings=self.settings,
            runtime=self.runtime,
            seal=self.seal,
        )
