"""What probes and people ask of the service itself: alive, ready, its figures, its limits."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .state import READY, Service


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this file."""

    async def alive(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        return JSONResponse(status(service), 200 if service.state == READY else 503)

    async def figures(request: Request) -> Response:
        text, content_type = service.metrics.exposition()
        return Response(text, headers={"content-type": content_type})

    async def limits(request: Request) -> Response:
        return JSONResponse(service.limits.to_dict() | {"streams": service.places.most or None})

    probes: list[BaseRoute] = [Route(path, alive) for path in ("/healthz", "/health", "/livez")]
    return [*probes, Route("/readyz", ready), Route("/metrics", figures), Route("/v1/limits", limits)]


def status(service: Service) -> dict[str, Any]:
    """Return what /readyz answers: whether the service is ready, and how busy it is."""
    return {
        "status": service.state,
        "models": list(service.registry.loaded),
        "sessions": service.places.taken,
        "most_sessions": service.places.most or None,
        "uploads": service.work.waiting,
    }
