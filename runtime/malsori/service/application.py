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

from . import health, listen_route, page, realtime, rest
from .access import Access, hosts_of, keys_in
from .measured import Measured
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
    return Measured(inside, service.metrics)  # around Starlette's own answers to exceptions, too


async def _refused(request: Request, refusal: Refusal) -> Response:
    return JSONResponse(refusal.body(), refusal.status, refusal.headers())


async def _unknown(request: Request, error: HTTPException) -> Response:
    """Answer for a route that there is not, or a method that it does not have, in the shape of all errors."""
    told = {404: "there is no such route; /v1/models lists models, / is a page", 405: f"not by {request.method}"}
    message = told.get(error.status_code, str(error.detail))
    refusal = Refusal(error.status_code, WRONG.get(error.status_code, "invalid_request"), message)
    return JSONResponse(refusal.body(), error.status_code, {**refusal.headers(), **(error.headers or {})})


async def _failed(request: Request, error: Exception) -> Response:
    """Answer for a fault of ours; its text is for the log, not for the client."""
    log("failed", "error", route=getattr(request.scope.get("route"), "path", OTHER), **blame(error))
    return JSONResponse(failed().body(), failed().status)
