"""What is done before the service is ready: models loaded, one inference, and how many streams the machine bears."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..bundles.places import PACKAGE, checkout
from ..errors import EngineError
from ..pipeline import TranscribeOptions, Transcriber
from ..pipeline.capacity import LIMIT_S
from ..pipeline.capacity.admission import admission_of
from .service_log import log
from .state import READY, Service

SAMPLE = "english.wav"  # somebody speaks
MOST_STALE = 0.5  # of the partials: they come half as often before a client is refused
RELATIVE = 1.5


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
    """Return how many live sessions this machine bears; of two models each may use half of the machine."""
    registry = service.registry
    if not speech().is_file():
        raise EngineError(f"{speech()} is not there, by which streams are measured; --max-streams N says how many")
    async with registry.lease(registry.default) as finals:
        if registry.partials is None:
            return max(1, await asyncio.to_thread(_streams, finals, service.options.language, partials=True))
        alone = await asyncio.to_thread(_streams, finals, service.options.language, partials=False)
    async with registry.lease(registry.partials) as partials:
        beside = await asyncio.to_thread(_streams, partials, service.options.language, partials=True)
    return max(1, min(alone, beside) // 2)


def _streams(transcriber: Transcriber, language: str | None, *, partials: bool) -> int:
    """Return how many streams a model bears.

    Where it does not hear even one within a second, as many as leave 95 % of the finals not much later than that one's.
    """
    options = _options(transcriber, language)
    name = transcriber.engine.manifest.name
    log("measuring", model=name, hint="some seconds; --max-streams N does without")
    found = admission_of(
        transcriber.engine,
        transcriber.detector,
        speech(),
        options,
        partials=partials,
        limit_s=LIMIT_S,
        most_stale=MOST_STALE,
        relative=RELATIVE,
    )
    p95_s, limit_s = round(found.p95_s, 3), round(found.limit_s, 3)
    log("measured", model=name, streams=found.streams, p95_s=p95_s, limit_s=limit_s)
    return found.streams


def _options(transcriber: Transcriber, language: str | None) -> TranscribeOptions:
    """Return the options of the trial: a language, so that none is detected, where the model knows several."""
    only = transcriber.engine.manifest.only_language
    return TranscribeOptions(language=None if only else language or "en")
