"""How many streams an engine bears: the most with which 95 % of finals come within a second of the end of speech.

    transcriber.admission(speech).streams             # that many; a few seconds, once

Costs are measured (`costs.py`), and ever more streams simulated with them (`simulation.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...audio import AudioSource, decode
from ...engines.base import DecodeOptions, Engine
from ...kinds import Number
from ...vad import Detector
from ..live.options import check_streamed
from ..live.utterance import LiveCutter
from ..options import TranscribeOptions
from ..sharing.queue import Batches
from . import LIMIT_S, MOST_STALE
from .costs import OPTIONS, SESSION, Costs, costs_of
from .simulation import TALK, Load, Talk, similar, simulated

BOUND = 256  # streams; more are not looked for


@dataclass(frozen=True, slots=True)
class Admission:
    """The most `streams` with which `p95_s` is below `limit_s`; where that is 0, the figures are those of one."""

    streams: int
    p95_s: float
    busy: float
    stale: float
    limit_s: float


def admission(
    costs: Costs,
    limit_s: float = LIMIT_S,
    *,
    most_stale: float = MOST_STALE,
    relative: float | None = None,
    batches: Batches = similar,
    options: DecodeOptions = OPTIONS,
    talk: Talk = TALK,
    bound: int = BOUND,
    seed: int = 0,
) -> Admission:
    """Return the most streams, up to `bound`, with which 95 % of the finals come within `limit_s` of the end of speech.

    `most_stale` is the share of partials that may be dropped. With a number `relative` the limit is at least so many
    times the `p95_s` of a single stream. `batches` is the engine's own. The same costs and seed give the same number.
    """

    def load(streams: int, limit: float) -> Load:
        return simulated(costs, streams, batches=batches, options=options, talk=talk, limit_s=limit, seed=seed)

    def keeps(streams: int) -> bool:
        found = load(streams, limit_s)
        return found.p95_s < limit_s and found.stale <= most_stale

    if relative is not None:
        limit_s = max(limit_s, relative * load(1, math.inf).p95_s)
    fits = _most(keeps, bound)
    found = load(max(fits, 1), math.inf)
    return Admission(fits, found.p95_s, found.busy, found.stale, limit_s)


def _most(keeps: Callable[[int], bool], bound: int) -> int:
    """Return the most streams up to `bound` that keep the limit, where fewer keep it too."""
    fits, fails = 0, 1
    while fails <= bound and keeps(fails):
        fits, fails = fails, 2 * fails
    fails = min(fails, bound + 1)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        fits, fails = (middle, fails) if keeps(middle) else (fits, middle)
    return fits


def admission_of(
    engine: Engine,
    detector: Callable[[], Detector],
    speech: AudioSource,
    options: TranscribeOptions,
    *,
    partials: bool,
    limit_s: float,
    most_stale: float,
    relative: float | None = None,
) -> Admission:
    """Return the `admission` by costs measured now. Raises `OptionError` for numbers and options that cannot be."""
    Number(0, above=True).check("limit_s", limit_s)
    Number(0, 1).check("most_stale", most_stale)
    check_streamed(options)
    listen = LiveCutter(detector(), options.speech.gate).push
    sound = decode(speech, sample_rate=options.source.sample_rate).samples
    costs = costs_of(engine, sound, options.decoding, SESSION if partials else None, listen)
    return admission(
        costs,
        limit_s,
        most_stale=most_stale,
        relative=relative,
        batches=engine.batches,
        options=options.decoding,
    )
