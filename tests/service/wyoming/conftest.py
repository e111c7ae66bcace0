"""For the tests of Wyoming: a service that runs, and listens for Home Assistant."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    # The client imports Python's audioop, which 3.13 has no more, and then its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    pytest.importorskip("wyoming.audio", reason="pip install 'malsori[test]'")

from tests.service.running import RunningServer, start_server

LOCAL = ("--wyoming", "tcp://127.0.0.1:0")


@pytest.fixture(scope="session")
def home() -> Iterator[RunningServer]:
    """Give a service with both small models, the Korean one first."""
    with start_server("--models", "nano-ctc-ko,nano-whisper", *LOCAL) as running:
        yield running
