"""The page at /."""

from starlette.routing import BaseRoute

from ..state import Service

PATHS = ("/",)


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this room."""
    return []
