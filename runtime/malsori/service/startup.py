"""What is done before the service is ready: models loaded, one inference, and how many streams the machine bears."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..bundles.places import PACKAGE, checkout
from ..errors import EngineError
from ..pipeline import TranscribeOptions, Transcriber
from .service_log import log
from .state import READY, Service

SAMPLE = "english.wav"  # somebody speaks


def speech() -> Path:
    """Return the recording that models are tried with: that of the package, or of the checkout it is run from."""
    root = checkout()
    folder = PACKAGE / "_samples" if root is None else root / "samples"
    return folder / SAMPLE


async def prepare(service: Service) -> None:
    """Load the default models, let them hear something, find out how many live sessions are admitted; then be ready.

    Raises `MalsoriError` where a model cannot be loaded or does not work.
    """
    registry = service.registry
    await _warm_up(service, registry.default)
    if registry.partials is not None:
        await _warm_up(service, registry.partials)
    if service.places.most is None:
        service.places.most = await _bearable(service)
    service.state = READY


async def _warm_up(service: Service, name: str) -> None:
    async with service.registry.lease(name) as transcriber:
        sound = speech()
        if sound.is_file():
            await asyncio.to_thread(transcriber.transcribe, sound, _options(transcriber, service.options.language))


async def _bearable(service: Service) -> int:
    """Return how many live sessions this machine bears: with two models each is given half of it."""
    registry, language = service.registry, service.options.language
    async with service.registry.lease(registry.default) as finals:
        if not speech().is_file():
            raise EngineError(f"{speech()} is not there, by which streams are measured; --max-streams N says how many")
        if registry.partials is None:
            found = await asyncio.to_thread(finals.admission, speech(), _options(finals, language))
            streams = found.streams
        else:
            alone = await asyncio.to_thread(finals.admission, speech(), _options(finals, language), partials=False)
            async with service.registry.lease(registry.partials) as partials:
                beside = await asyncio.to_thread(partials.admission, speech(), _options(partials, language))
            streams = min(alone.streams, beside.streams) // 2
    if streams < 1:
        log("slow", level="warning", message="this machine hears less than one live session in time; one is admitted")
    return max(1, streams)


def _options(transcriber: Transcriber, language: str | None) -> TranscribeOptions:
    """Return the options of the trial: a language, so that none is detected, where the model knows several."""
    only = transcriber.engine.manifest.only_language
    return TranscribeOptions(language=None if only else language or "en")
