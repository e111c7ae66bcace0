"""OpenAI's REST."""

from starlette.routing import BaseRoute

from ..state import Service


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this room."""
    return []
