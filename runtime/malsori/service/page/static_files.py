"""Serve the page's files from memory, with heads that let a browser load and send nothing elsewhere.

The files are read once, when the routes are made. What the page asks of the service is in its own JavaScript.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from ..state import Service

FIRST = "index.html"
KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",  # the worklet is a script too
        "style-src 'self'",
        "connect-src 'self'",
        "media-src blob:",  # a file that was dropped, to be heard
        "img-src 'self' data:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
HEADS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, but asked for each time: an update is seen at once
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page: its bytes, media type, and the tag that changes with its content."""

    content: bytes
    kind: str
    tag: str

    async def answer(self, request: Request) -> Response:
        """Return the file, or 304 without it to a browser that has it."""
        heads = {**HEADS, "ETag": self.tag}
        if _knows(request.headers.get("if-none-match", ""), self.tag):
            return Response(status_code=304, headers=heads)
        return Response(self.content, media_type=self.kind, headers=heads)


def page_files() -> dict[str, PageFile]:
    """Return the files of the page by name."""
    found = (each for each in files(__package__).iterdir() if _suffix(each.name) in KINDS)
    return {each.name: _page_file(each.name, each.read_bytes()) for each in found}


def routes(service: Service) -> list[BaseRoute]:
    """Return the page at `/` and its parts below `/page/`. They need nothing of the service."""
    return [Route(path, part.answer, methods=["GET"]) for path, part in _BY_PATH.items()]


def _page_file(name: str, content: bytes) -> PageFile:
    return PageFile(content, KINDS[_suffix(name)], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]


def _knows(sent: str, tag: str) -> bool:
    """Whether a head `If-None-Match` names the tag, weakly or not, or anything."""
    known = {each.strip().removeprefix("W/") for each in sent.split(",")}
    return tag in known or "*" in known


_BY_PATH = {"/" if name == FIRST else f"/page/{name}": part for name, part in page_files().items()}
PATHS = tuple(_BY_PATH)
"""The paths of the page, which need no key: the person who has one gives it there."""
