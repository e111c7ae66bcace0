"""For the tests of the service: one that runs, shared by those that need no flags of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("starlette", reason="pip install 'malsori[serve]'")
pytest.importorskip("uvicorn", reason="pip install 'malsori[serve]'")

from tests.service.running import RunningServer, start_server


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """Give a service with both small models; the Korean one is the default."""
    with start_server("--models", "nano-ctc-ko,nano-whisper") as running:
        yield running
