"""The one list of routes, with what stands in front of all of them."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from . import health, listen_route, page, realtime, rest
from .access import Access, hosts_of, keys_in, refuse
from .measured import Measured, current_request
from .refusal import Refusal, failed
from .service_log import blame, log
from .state import Service
from .telemetry import OTHER

ROOMS: tuple[Callable[[Service], list[BaseRoute]], ...] = (
    health.routes,
    rest.routes,
    realtime.routes,
    listen_route.routes,
    page.routes,
)
SOCKETS = ("/v1/listen", "/v1/realtime")
FILES = ("/v1/audio/transcriptions", "/v1/audio/translations", "/v1/models")
WRONG = {404: "not_found", 405: "method_not_allowed"}


def application(service: Service) -> Measured:
    """Return the ASGI application of a service."""
    options = service.options
    free = () if options.metrics_key else ("/metrics",)
    access = Middleware(
        Access,
        keys=keys_in(options.api_key_file),
        hosts=hosts_of(options),
        origins=options.allow_origin,
        free=(*page.PATHS, *free),
        key_in_query=options.key_in_query,
    )
    front = [access]
    if options.allow_origin:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(options.allow_origin),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after"],
        )
        front.insert(0, cors)
    routes = [route for room in ROOMS for route in room(service)]
    handlers = {Refusal: _refused, HTTPException: _unknown, Exception: _failed}
    inside = Starlette(routes=routes, middleware=front, exception_handlers=handlers)  # type: ignore[arg-type]
    inside.router.default = _no_socket
    return Measured(inside, service.metrics)  # around Starlette's own answers to exceptions, too


async def _refused(request: Request, refusal: Refusal) -> Response:
    current_request().refused = refusal.code
    return JSONResponse(refusal.body(), refusal.status, refusal.headers())


async def _unknown(request: Request, error: HTTPException) -> Response:
    """Answer for a route that there is not, or a method that it does not have, in the shape of all errors."""
    headers = error.headers or {}
    told = {404: _nowhere(request), 405: f"expected {headers.get('Allow', 'another method')}, found {request.method}"}
    message = told.get(error.status_code, str(error.detail))
    code = current_request().refused = WRONG.get(error.status_code, "invalid_request")
    return JSONResponse(Refusal(error.status_code, code, message).body(), error.status_code, headers)


def _nowhere(request: Request) -> str:
    """Return what to do instead of asking for a route that there is not: the mistakes that are often made."""
    path = request.url.path
    if path in SOCKETS:
        return (
            f"{path} is a WebSocket: expected ws:// or wss://; a proxy has to pass the headers Upgrade and Connection"
        )
    if f"/v1{path}" in FILES:
        return f"there is no such route; the address lacks /v1: expected /v1{path}, base_url http://HOST:PORT/v1"
    return f"there is no such route; files go to {FILES[0]}, /v1/models lists models, / is a page"


async def _no_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for what no route takes; starlette refuses such a socket with 403, as if a key were missing."""
    if scope["type"] == "websocket":
        message = f"there is no such route; sockets are at {' and '.join(SOCKETS)}"
        await refuse(Refusal(404, "not_found", message), scope, receive, send)
    else:
        raise HTTPException(404)


async def _failed(request: Request, error: Exception) -> Response:
    """Answer for a fault of ours; its text is for the log, not for the client."""
    log("failed", "error", route=getattr(request.scope.get("route"), "path", OTHER), **blame(error))
    return JSONResponse(failed().body(), failed().status)
