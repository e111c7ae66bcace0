"""A service that is tormented, and the look at it after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.torture.target import Target
from tests.service.running import RunningServer, start_server
from tests.service.torture.watched import target_of, undisturbed

MODELS = ("--models", "nano-ctc-ko,nano-whisper")


@pytest.fixture(scope="module")
def service() -> Iterator[RunningServer]:
    """Give a service with both small models and Wyoming, and its usual limits."""
    with start_server(*MODELS, "--wyoming", "tcp://127.0.0.1:0", "--log-level", "debug") as running:
        yield running


@pytest.fixture(scope="module")
def target(service: RunningServer) -> Target:
    """Give the same service as what is asked by `bench.torture`."""
    return target_of(service)


@pytest.fixture
def survives(service: RunningServer, target: Target) -> Iterator[None]:
    """See that the service lives, answers and hears after a test, and that no fault of its own was logged."""
    with undisturbed(service, target):
        yield
