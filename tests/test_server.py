"""The assembled server: health, HTTPS, a trusted proxy, and starts that cannot work."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.certificates import certificate as make_certificate
from support.console import first_password
from support.server import TamasServer
from support.servers import NewServer

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def test_health_says_what_is_ready(server: TamasServer) -> None:
    """Alive without credentials; ready names the database and the engine."""
    async with httpx.AsyncClient(base_url=server.base_url) as client:
        alive = await client.get("/healthz")
        ready = await client.get("/readyz")
        page = await client.get("/", follow_redirects=True)
        unknown = await client.get("/nowhere")
    assert (alive.status_code, alive.json()["status"]) == (200, "alive")
    assert ready.json()["ready"] is True
    assert ready.json()["database"] == {"ready": True, "kind": "sqlite"}
    assert ready.json()["engine"]["state"] == "running"
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert unknown.status_code == 404


async def test_https_and_a_proxy(new_server: NewServer, certificate: tuple[Path, Path]) -> None:
    """With a certificate both APIs speak HTTPS only; behind a trusted proxy its client's address counts."""
    server = await new_server(
        command=True,
        start=False,
        TAMAS_HTTP_TLS_CERT=str(certificate[0]),
        TAMAS_HTTP_TLS_KEY=str(certificate[1]),
        TAMAS_TRUSTED_PROXIES="127.0.0.1",
    )
    server.launch()
    trusting = ssl.create_default_context(cafile=certificate[0])
    address = server.base_url.replace("http://", "https://")
    from support.waiting import eventually

    async with httpx.AsyncClient(base_url=address, verify=trusting, timeout=5) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, within=45)
        made = await server.cli("account", "add", "tls")
        await server.cli("settings", "set", "sa.allowed_ips", "203.0.113.9")
        ping, auth = "/api/v4/setting/ping/act", ("tls", made["password"])
        through = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        assert (await client.post(ping, auth=auth, headers=through)).status_code == 200
        assert (await client.post(ping, auth=auth)).status_code == 403
        other = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
        assert (await client.post(ping, auth=auth, headers=other)).status_code == 403
        signed_in = await client.post(
            "/api/console/v1/session/sign_in",
            json={"username": "admin", "password": first_password(server)},
            headers={"Origin": address},
        )
        assert signed_in.headers["set-cookie"].startswith("__Host-tamas_session=")
        assert "Secure" in signed_in.headers["set-cookie"]
    async with httpx.AsyncClient(timeout=5) as plain:
        with pytest.raises(httpx.TransportError):
            await plain.get(f"{server.base_url}/healthz")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TAMAS_HTTP_TLS_CERT": "/no/cert.pem", "TAMAS_HTTP_TLS_KEY": "/no/key.pem"}, "TAMAS_HTTP_TLS_CERT"),
        ({"TAMAS_ASTERISK": "/no/such/asterisk"}, "/no/such/asterisk"),
        ({"TAMAS_DATABASE_URL": "mysql://u@127.0.0.1/d"}, "TAMAS_DATABASE_URL"),
    ],
)
async def test_a_start_that_cannot_work_ends_with_words(
    new_server: NewServer, environment: dict[str, Any], said: str
) -> None:
    """No endless restarts and no traceback: the log says which setting to change."""
    server = await new_server(start=False, command=True, **environment)
    server.launch()
    from support.waiting import eventually

    await eventually(lambda: not server.alive, within=30)
    assert said in server.log
    assert "Traceback" not in server.log
    assert "starting it again" not in server.log
