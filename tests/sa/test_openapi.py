"""The OpenAPI document and the page for people, made from the declarations."""

from __future__ import annotations

import html
import json
import re

import pytest
import schemathesis

from sa._server import RunningSa, services
from tamas.sa import gateway
from tamas.sa.app import declared_services
from tamas.sa.declarations import DeclarationError
from tamas.sa.documentation import documentation_page
from tamas.sa.fields import NoParameters
from tamas.sa.openapi import openapi_document
from tamas.sa.service import Data, Registry, ServiceContext


async def test_it_is_readable_without_login(sa: RunningSa) -> None:
    """Allowed addresses read it without credentials; it names the address they used."""
    answer = await sa.http.get("/api/v4/openapi.json")
    document = answer.json()
    assert answer.status_code == 200
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": f"{sa.url}/api/v4"}]
    assert (await sa.http.post("/api/v4/openapi.json")).status_code == 401


def test_every_service_and_method_is_described() -> None:
    """Each service with each of its methods; the document is a valid one."""
    registry = declared_services()
    document = json.loads(openapi_document(registry, "http://127.0.0.1:8080"))
    schemathesis.openapi.from_dict(document).validate()
    assert set(document["paths"]) == {"/" + service.path for service in registry}
    for service in registry:
        operations = document["paths"]["/" + service.path]
        assert {name.upper() for name in operations} == service.methods
        for operation in operations.values():
            assert set(operation["responses"]) >= {"200", "400", "401", "403", "405", "415", "501"}
    identifiers = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(identifiers) == len(set(identifiers))


def test_examples_fit_their_models() -> None:
    """The example of each service passes its own validation; that of an upload names a file for curl."""
    for service in declared_services():
        if service.max_file:
            assert service.request.example()["file"].startswith("@")
        else:
            service.request.read(service.request.example())


async def test_the_page_lists_every_text_of_a_refusal(sa: RunningSa) -> None:
    """Each message that the gateway refuses with stands on the page and in the document."""
    page = html.unescape((await sa.http.get("/docs")).text)
    document = (await sa.http.get("/api/v4/openapi.json")).json()
    for refusal in vars(gateway).values():
        if isinstance(refusal, gateway.Refusal):
            assert f"<code>{refusal.message}</code>" in page
            examples = document["components"]["responses"][str(refusal.status)]["content"]
            assert refusal.message in str(examples)


async def test_the_page_needs_nothing_from_elsewhere(sa: RunningSa) -> None:
    """Every service is on the page, with the server's own address; no address of another host is loaded."""
    answer = await sa.http.get("/docs")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for service in services():
        assert f'id="{service.path.replace("/", "-")}"' in answer.text
    assert f"{sa.url}/api/v4/pbx/users/add" in answer.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "forward_policy.No Answer" in answer.text
    assert "agents[].queue" in answer.text


async def test_a_host_header_cannot_inject(sa: RunningSa) -> None:
    """A forged Host does not reach page or document as markup."""
    answer = await sa.http.get("/docs", headers={"Host": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text


def test_texts_of_declarations_are_escaped() -> None:
    """Markup in a declaration stays text."""
    registry = Registry()

    @registry.service(
        "a/b", op="act", summary="<b>bold</b>", answer=Data(message=None, data={"x": "</script>"})
    )
    async def act(context: ServiceContext, request: NoParameters) -> None: ...

    page = documentation_page(registry, "http://x").decode()
    assert "<b>bold" not in page
    assert page.count("</script>") == 1


def test_the_registry_is_sealed() -> None:
    """After start-up nothing can be declared, and nothing twice or at an odd path before."""
    registry = Registry()

    def declare(path: str) -> None:
        @registry.service(path, op="act", summary="x", answer=Data(message=None, data=None))
        async def act(context: ServiceContext, request: NoParameters) -> None: ...

    declare("a/b")
    for path in ("a/b", "/a/c", "a//c", "A/c"):
        with pytest.raises(DeclarationError):
            declare(path)
    registry.seal()
    with pytest.raises(DeclarationError, match="after start-up"):
        declare("a/c")
