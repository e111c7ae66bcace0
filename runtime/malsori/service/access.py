"""Who may come in: the key, the name under which the service was called, and the web page that calls it.

The same rules for requests and sockets, in front of all routes. Keys are compared in constant time, and never logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import OptionError
from .measured import current_request
from .refusal import Refusal
from .serve_options import LOOPBACK, ServeOptions

OPEN = ("/healthz", "/health", "/livez", "/readyz")  # for probes, which have no key
OPENAI_KEY = "openai-insecure-api-key."  # a subprotocol by which browsers send a key, as OpenAI's own clients do
OWN_KEY = "malsori-key."  # the same in base64url, for keys of any characters
_HOST = re.compile(r"(?P<name>\[[^]]*\]|[^:@/]*)(?::\d*)?")
NO_KEY = "a key is needed: send the header Authorization: Bearer KEY, with one of the keys of --api-key-file"
WRONG_KEY = "the key that came is none of --api-key-file, which is read when the service starts"


class Access:
    """ASGI middleware: lets in whoever may come, and answers the others itself, before a socket is accepted.

    keys: those of clients; without any, everybody who reaches the address has access.
    hosts: names under which the service may be called; empty is any.
    origins: web pages that may call beside the service's own.
    free: paths that need no key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Iterable[str] = (),
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
        free: Collection[str] = (),
        key_in_query: bool = False,
    ) -> None:
        self._app = app
        self._digests = [_digest(key) for key in keys]
        self._hosts, self._origins, self._free = set(hosts), set(origins), {*OPEN, *free}
        self._key_in_query = key_in_query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or socket on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except Refusal as refusal:
            await refuse(refusal, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host, origin = header(scope, b"host"), header(scope, b"origin")
        if self._hosts and scope["path"] not in OPEN and _name(host) not in self._hosts:
            message = f"called as {host!r}, which is not a name of this service; --allow-host NAME allows one"
            raise Refusal(403, "host_not_allowed", message)
        if origin is not None and origin not in self._origins and not _same(origin, host):
            message = f"a page of {origin!r} may not call this service; --allow-origin ORIGIN allows one"
            raise Refusal(403, "origin_not_allowed", message)
        if self._digests and scope["path"] not in self._free and not self._knows(scope):
            raise Refusal(401, "invalid_api_key", WRONG_KEY if any(self._sent(scope)) else NO_KEY)

    def _knows(self, scope: Scope) -> bool:
        """Return whether one of the keys was sent. All keys are compared, whichever is the right one."""
        found = False
        for sent in self._sent(scope):
            digest = _digest(sent)
            for known in self._digests:
                found |= hmac.compare_digest(digest, known)
        return found

    def _sent(self, scope: Scope) -> Iterable[str]:
        scheme, _, key = (header(scope, b"authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            yield key.strip()
        if scope["type"] == "websocket":
            yield from filter(None, map(key_of, scope.get("subprotocols", ())))
            if self._key_in_query:
                yield from parse_qs(scope["query_string"].decode("latin-1")).get("api_key", ())


async def refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a refusal; a socket that was not accepted gets the same answer over HTTP."""
    current_request().refused = refusal.code
    response = JSONResponse(refusal.body(), refusal.status, refusal.headers())
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})


def key_of(subprotocol: str) -> str | None:
    """Return the key that a subprotocol carries, None for any other."""
    if subprotocol.startswith(OPENAI_KEY):
        return subprotocol[len(OPENAI_KEY) :]
    if subprotocol.startswith(OWN_KEY):
        text = subprotocol[len(OWN_KEY) :]
        try:
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
    return None


def answered(subprotocols: Iterable[str]) -> str | None:
    """Return the subprotocol to accept a socket with: the first that carries no key, or else the first one.

    A browser closes a socket that offers some and is accepted with none.
    """
    offered = list(subprotocols)
    return next((each for each in offered if key_of(each) is None), offered[0] if offered else None)


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of that name."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def hosts_of(options: ServeOptions) -> set[str]:
    """Return the names under which the service may be called: all, where other machines reach it and none is given."""
    if not options.is_local and not options.allow_host:
        return set()
    own = (*LOOPBACK, "[::1]", options.host) if options.is_local else (options.host,)
    return {*map(_name, own), *map(_name, options.allow_host)}


def keys_in(path: Path | None) -> tuple[str, ...]:
    """Return the keys of a file, one a line. Raises `OptionError` for one that cannot be read or has none."""
    if path is None:
        return ()
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"--api-key-file {path}: cannot be read, {error}") from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise OptionError(f"--api-key-file {path}: expected a key on each line, found none")
    return keys


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _name(host: str | None) -> str:
    """Return the name of a Host header without its port; an empty one for what cannot be one."""
    name = (host or "").lower()
    if name.count(":") > 1 and not name.startswith("["):  # an address of IPv6 as people write it in options
        name = f"[{name}]"
    found = _HOST.fullmatch(name)
    return found["name"] if found else ""


def _same(origin: str, host: str | None) -> bool:
    """Return whether a page's origin is the address that it calls."""
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == str(host).lower()
    except ValueError:
        return False
