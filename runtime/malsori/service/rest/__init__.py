"""OpenAI's REST API for recordings: transcriptions, translations, and the models that there are.

`routes(service)` gives the routes; docs/rest.md says what of the API is honoured, and how.
"""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..state import Service
from .audio_routes import AudioRoute
from .model_list import model_entry, model_list


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this room."""
    created, registry = int(time.time()), service.registry

    async def models(request: Request) -> Response:
        return JSONResponse(model_list(registry, created))

    async def model(request: Request) -> Response:
        name = registry.resolve(request.path_params["name"])
        return JSONResponse(model_entry(registry.manifest(name), created))

    transcribe, translate = AudioRoute(service, "transcribe"), AudioRoute(service, "translate")
    return [
        Route("/v1/audio/transcriptions", transcribe.answer, methods=["POST"]),
        Route("/v1/audio/translations", translate.answer, methods=["POST"]),
        Route("/v1/models", models),
        Route("/v1/models/{name:path}", model),
    ]
