"""Home Assistant's Wyoming."""

from __future__ import annotations

from typing import Any


async def serve_wyoming(service: Any, address: str) -> Any:
    """Placeholder."""
    raise NotImplementedError
