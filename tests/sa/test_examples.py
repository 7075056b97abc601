"""The examples of the documentation, pasted one after the other into a running server."""

from __future__ import annotations

import json
import shlex
from typing import Any

import httpx
import pytest

from support.documents import pdf
from support.server import TamasServer
from support.sounds import tone_wav
from tamas.sa.app import declared_services
from tamas.sa.documentation import curl_example

pytestmark = pytest.mark.engine

REFERENCES = {
    "trunk_id": "pbx/trunks",
    "trunk_manager_id": "autodialer/trunks",
    "announcement": "autodialer/announcements",
}
"""Fields that name something else, and what."""


async def test_examples_work_when_pasted(server: TamasServer) -> None:
    """Every curl command of the page, from its top to its end, succeeds; only ids are filled in."""
    account = server.account
    assert account is not None
    made: dict[str, str] = {}
    kept: dict[str, str] = {}
    files: dict[str, str] = {}
    async with httpx.AsyncClient(
        auth=(account.username, account.password), headers=account.headers(), timeout=20
    ) as client:
        for service in declared_services():
            group, _, action = service.path.rpartition("/")
            if service.max_file:
                files[group] = await uploaded(client, curl_example(service, server.base_url))
                continue
            words = shlex.split(curl_example(service, server.base_url).replace("\\\n", " "))
            body: dict[str, Any] | None = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
            if service.path == "pbx/faxes/add":
                # The only trunk of the examples is not active, for it leads out of this machine.
                answer = await client.post(words[-1], json={**(body or {}), "file": files[group]})
                assert answer.headers["x-error-field"] == "trunk_name"
                continue
            if service.path == "autodialer/reports/info":  # nobody was called
                assert (await client.post(words[-1], json=body)).headers["x-error-field"] == "_id"
                continue
            references = {name: kept[of] for name, of in REFERENCES.items() if of in kept}
            if body is not None:
                body |= {name: value for name, value in references.items() if name in body}
            if body is not None and body.get("_id") and service.op != "download":
                # What is removed is another one, so that the examples that follow find theirs.
                spare = {
                    "name": "Spare",
                    "number": "8888",
                    "secret": "s",
                    "password": "8",
                    "numbers": ["8888"],
                }
                spare |= {"filename": files.get(group, ""), "title": "Spare", **references}
                if action == "remove":
                    made[group] = (await server.api(f"{group}/add", spare))["_id"]
                body["_id"] = made[group]
            if body is not None and "filename" in body:
                body["filename"] = files[group]
            answer = await client.post(words[-1], json=body)
            if service.op == "download":  # nobody has recorded anything
                assert answer.status_code == 404, service.path
                continue
            content = answer.json()
            assert content["success"] == 1, (service.path, body, answer.headers.get("x-error-field"))
            if action == "add":
                made[group] = content["data"]["_id"]
                kept.setdefault(group, made[group])
            if action == "search" and group in made:
                data = content["data"]
                rows = data["data"] if isinstance(data, dict) else data
                assert made[group] in {row["_id"] for row in rows}, service.path
            if "agent" in action:
                assert content["data"]["ok"] == 1, service.path
    assert len(made) >= 6


async def uploaded(client: httpx.AsyncClient, command: str) -> str:
    """Do what the command of an upload does, with a sound or a document; gives the name of what was kept."""
    words = shlex.split(command.replace("\\\n", " "))
    name, _, file = words[words.index("-F") + 1].partition("=")
    content = {".pdf": pdf(), ".csv": b"0911\n"}.get(file[-4:], tone_wav(440))
    answer = await client.post(words[-1], files={name: (file.removeprefix("@"), content)})
    assert answer.json()["success"] == 1, answer.text
    return str(answer.json()["data"]["filename"])
