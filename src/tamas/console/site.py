"""The built pages of the console, as files and with the headers that keep them to themselves.

Whatever lies below ``/console`` and is no file is a page of the application, which finds its way itself. The
scripts come from files only; a style that the application makes while it runs carries the response's nonce.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from tamas.sa.body import Receive
from tamas.sa.gateway import Scope, Send

SITE: Final = "/console"
STATIC: Final = Path(__file__).with_name("static")
"""Where the build puts the pages; absent in a fresh clone."""
NONCE: Final = "__CSP_NONCE__"
"""Stands in a page for the nonce of the response."""
_NOT_BUILT: Final = Path(__file__).with_name("pages") / "not_built.html"

MAX_PATH: Final = 200
"""Characters of a file's path below the folder."""
_ASSETS = "assets/"
"""Files below it have a hash of their content in their names."""
_FOREVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_FILE = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.[a-z0-9]+")
_TYPES = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_COMPRESSED = (("br", ".br"), ("gzip", ".gz"))

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Site:
    """ASGI application that serves :data:`SITE` and everything below it.

    :param folder: of the built pages.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._respond(scope)
        response.headers.update(_SECURITY)
        await response(scope, receive, send)

    def _respond(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        path = scope["path"].removeprefix(SITE).strip("/")
        headers = Headers(scope=scope)
        is_file = len(path) <= MAX_PATH and path != "index.html" and _FILE.fullmatch(path)
        found = self._file(path, headers) if is_file else None
        if found is not None:
            return found
        if path.startswith(_ASSETS):
            return Response("Not Found", status_code=404, media_type="text/plain")
        return self._page(headers)

    def _file(self, path: str, headers: Headers) -> Response | None:
        """A file of the build, compressed when the build did that and the browser can read it."""
        kind = _TYPES.get(Path(path).suffix, "application/octet-stream")
        accepted = _accepted(headers.get("accept-encoding", ""))
        for encoding, suffix in (*_COMPRESSED, ("", "")):
            if encoding and encoding not in accepted:
                continue
            full_path, stat = self._files.lookup_path(path + suffix)
            if stat is None or not Path(full_path).is_file():
                continue
            response: Response = FileResponse(full_path, media_type=kind, stat_result=stat)
            if self._files.is_not_modified(response.headers, headers):
                response = Response(status_code=304, headers={"ETag": response.headers["etag"]})
            elif encoding:
                response.headers["Content-Encoding"] = encoding
            response.headers["Vary"] = "Accept-Encoding"
            response.headers["Cache-Control"] = _FOREVER if path.startswith(_ASSETS) else _ASK_FIRST
            response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
            return response
        return None

    def _page(self, headers: Headers) -> Response:
        """The application's one page, or one that says how to build it."""
        index = self._folder / "index.html"
        text = (index if index.is_file() else _NOT_BUILT).read_text("utf-8")
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        cached = {"Cache-Control": _ASK_FIRST, "ETag": f"W/{tag}"}
        if self._files.is_not_modified(Headers({"etag": tag}), headers):
            # Without a policy: what the browser keeps goes with the page that it keeps, nonce and all.
            return Response(status_code=304, headers=cached)
        nonce = secrets.token_urlsafe(16)
        return Response(
            text.replace(NONCE, nonce),
            media_type="text/html",
            headers=cached | {"Content-Security-Policy": _POLICY.format(nonce=nonce)},
        )


def _accepted(header: str) -> frozenset[str]:
    """Encodings that a browser can read (RFC 9110, section 12.5.3)."""
    accepted = set()
    for part in header.split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            accepted.add(name.strip().lower())
    return frozenset(accepted)
