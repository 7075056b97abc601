"""The built pages: files, the application's own addresses, and headers that keep them to themselves."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from console._console import RunningConsole
from tamas.console.site import Site

INDEX = '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><script src="/console/assets/a.js">'
SCRIPT = b"export const a = 1;" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the build leaves it, beside something that is nobody's business."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "a-1B2c.js").write_bytes(SCRIPT)
    (folder / "assets" / "a-1B2c.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "a-1B2c.js.br").write_bytes(b"as brotli would have it")
    (folder / "assets" / "font-x.woff2").write_bytes(b"wOF2")
    (folder / ".built-from").write_text("stamp")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "assets" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
async def site(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a site that serves that folder."""
    transport = httpx.ASGITransport(app=Site(built))
    async with httpx.AsyncClient(transport=transport, base_url="http://tamas") as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


async def test_every_address_of_the_application_is_its_one_page(site: httpx.AsyncClient) -> None:
    """Whatever the application may make of it; each answer has a nonce of its own, in page and policy."""
    nonces = set()
    for path in ("/console", "/console/", "/console/pbx/users", "/console/a.b/c", "/console/" + "x" * 500):
        answer = await site.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        found = re.search(r'content="([^"]+)"', answer.text)
        assert found is not None
        assert f"'nonce-{found[1]}'" in answer.headers["content-security-policy"]
        nonces.add(found[1])
    assert len(nonces) == 5
    assert "__CSP_NONCE__" not in answer.text


async def test_nothing_frames_or_feeds_the_page(site: httpx.AsyncClient) -> None:
    """Clickjacking, scripts from elsewhere, forms to elsewhere: the browser is told to refuse them."""
    answer = await site.get("/console")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    nonce = policy.pop("style-src").removeprefix("'self' ")
    assert nonce.startswith("'nonce-")
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "media-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]


async def test_the_page_is_asked_for_again_but_not_sent_again(site: httpx.AsyncClient) -> None:
    """A browser that has it gets 304, without a policy whose nonce its copy would not have."""
    first = await site.get("/console")
    assert first.headers["cache-control"] == "no-cache"
    again = await site.get("/console/home", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert "content-security-policy" not in again.headers
    other = await site.get("/console", headers={"If-None-Match": '"something else"'})
    assert other.status_code == 200


async def test_files_are_kept_for_ever_and_compressed(site: httpx.AsyncClient) -> None:
    """By their hash in the name; the best encoding that the browser reads."""
    path = "/console/assets/a-1B2c.js"
    plain = await site.get(path)
    assert plain.content == SCRIPT
    assert plain.headers["content-type"].startswith("text/javascript")
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    zipped = await site.get(path, headers={"Accept-Encoding": "gzip, deflate"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == SCRIPT
    async with site.stream("GET", path, headers={"Accept-Encoding": "gzip, br;q=1.0"}) as best:
        assert best.headers["content-encoding"] == "br"
        assert best.headers["content-type"].startswith("text/javascript")
        assert b"".join([part async for part in best.aiter_raw()]) == b"as brotli would have it"
    refused = await site.get(path, headers={"Accept-Encoding": "br;q=0, gzip;q=0"})
    assert "content-encoding" not in refused.headers
    assert {answer.headers["vary"] for answer in (plain, zipped, refused)} == {"Accept-Encoding"}
    font = await site.get("/console/assets/font-x.woff2")
    assert font.headers["content-type"] == "font/woff2"
    icon = await site.get("/console/icon.svg")
    assert (icon.text, icon.headers["cache-control"]) == ("<svg/>", "no-cache")
    known = await site.get("/console/icon.svg", headers={"If-None-Match": icon.headers["etag"]})
    assert known.status_code == 304


async def test_nothing_outside_the_folder_is_served(site: httpx.AsyncClient) -> None:
    """Neither by dots, however they are written, nor by a link, nor what the build keeps for itself."""
    for path in (
        "/console/../secret.txt",
        "/console/assets/../../secret.txt",
        "/console/%2e%2e/secret.txt",
        "/console/..%2fsecret.txt",
        "/console//etc/passwd",
        "/console/assets/link.txt",
        "/console/.built-from",
        "/console/assets/%00.js",
        "/console/assets",
        "/console/assets/" + "a" * 300 + ".js",
        "/console/assets/missing.js",
    ):
        answer = await site.get(httpx.URL(f"http://tamas{path}"))
        assert answer.status_code in (200, 404), path
        assert "secret" not in answer.text.replace("csp-nonce", ""), path
        assert "stamp" not in answer.text
        assert "root:" not in answer.text
    assert (await site.get("/console/assets/missing.js")).status_code == 404
    assert (await site.get("/console/assets/link.txt")).status_code == 404
    assert (await site.get("/console/index.html")).headers["content-type"].startswith("text/html")


async def test_other_methods_are_refused(site: httpx.AsyncClient) -> None:
    """Pages are only read."""
    assert (await site.post("/console")).status_code == 405
    head = await site.head("/console/pbx/users")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_fresh_clone_says_how_to_build_them(tmp_path: Path) -> None:
    """Without built pages there is one page of our own, as strict as theirs."""
    transport = httpx.ASGITransport(app=Site(tmp_path / "static"))
    async with httpx.AsyncClient(transport=transport, base_url="http://tamas") as client:
        answer = await client.get("/console/pbx/users")
    assert answer.status_code == 200
    assert "make console" in answer.text
    assert "__CSP_NONCE__" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_the_console_serves_its_pages(console: RunningConsole) -> None:
    """To whoever comes, also from a link on another site: what they show is asked for by the API only."""
    visitor = await console.visitor()
    page = await visitor.http.get("/console/pbx/users", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert (await visitor.http.get("/consolex")).status_code == 404
