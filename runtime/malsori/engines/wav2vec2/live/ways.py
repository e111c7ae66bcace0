"""Which way a bundle's sessions go from sound to logits: the one file that knows all of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite

from ....bundles.manifest import Manifest
from ....errors import OptionError
from ....types import SAMPLE_RATE
from ...ctc.frames import Frames
from ...session import Method, SessionOptions
from ..acoustic import AcousticModel
from ..graphs import SINGLE, STREAM, SplitGraphs
from .cached import CachedReader, Sizes
from .ctc_session import LogitReader
from .recomputed import ClipWindow, FeatureWindow
from .running import FrontEnd, RunningNormalizer

# Seconds; bench/streaming/ctc.py. With half the look-ahead twice as many characters of a partial were wrong, words were
# shown no sooner, and a step cost a tenth less. More to the left, or a longer window, gained little.
STEP, LOOKAHEAD, LEFT, WINDOW = 0.5, 1.0, 8.0, 12.0
LARGE, LARGE_STEP = 100_000_000, 1.0  # parameters, seconds; XLSR-large does not keep up in half of it on two cores
MOST_SECONDS = 60.0  # seconds; attention takes the square of it
ONLY = {"left_s": "cached", "window_s": "recomputed"}


@dataclass(frozen=True, slots=True)
class Settings:
    """`step` is in samples, the others in frames."""

    method: Method
    step: int
    lookahead: int
    left: int
    window: int

    @classmethod
    def of(cls, asked: SessionOptions, frames: Frames, manifest: Manifest, no_cache: str | None) -> Settings:
        """Fill in what was not asked for; `no_cache` tells why the bundle has no cached states, if so.

        Raises `OptionError` for what cannot be.
        """
        if asked.commit is not None:
            raise OptionError(f"{manifest.name} has no commit; that is an option of Whisper models")
        for field in fields(asked):
            if field.name.endswith("_s"):
                _check_length(field.name, getattr(asked, field.name))
        method = _method(asked, manifest.name, no_cache)

        def count(seconds: float | None, default: float) -> int:
            return round((default if seconds is None else seconds) * SAMPLE_RATE / frames.stride)

        usual = LARGE_STEP if manifest.sizes.get("parameters", 0) > LARGE else STEP
        step = max(1, count(asked.step_s, usual)) * frames.stride
        settings = cls(
            method,
            step,
            count(asked.lookahead_s, LOOKAHEAD),
            max(1, count(asked.left_s, LEFT)),
            count(asked.window_s, WINDOW),
        )
        if method == "recomputed" and (settings.window - settings.lookahead) * frames.stride < step:
            raise OptionError("window_s: expected at least step_s and lookahead_s together, found less")
        return settings


def _method(asked: SessionOptions, name: str, no_cache: str | None) -> Method:
    if asked.method not in (None, "cached", "recomputed"):
        raise OptionError(f"method: expected cached or recomputed, found {asked.method!r}")
    if asked.method == "cached" and no_cache:
        raise OptionError(f"{name} has no cached states: {no_cache}; method recomputed goes without")
    method = asked.method or ("recomputed" if no_cache else "cached")
    for option, way in ONLY.items():
        if getattr(asked, option) is not None and method != way:
            raise OptionError(f"{option} is for the method {way}, and this session of {name} is {method}")
    return method


def _check_length(name: str, seconds: object) -> None:
    if seconds is None:
        return
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and isfinite(seconds)
    least = 0 if name == "lookahead_s" else 1e-9
    if not number or not least <= float(seconds) <= MOST_SECONDS:  # type: ignore[arg-type]
        kind = "0" if name == "lookahead_s" else "above 0"
        raise OptionError(f"{name}: expected a number of seconds, {kind} to {MOST_SECONDS:g}, found {seconds!r}")


def open_reader(model: AcousticModel, manifest: Manifest, asked: SessionOptions) -> tuple[LogitReader, int]:
    """Return a reader of one utterance and the samples of a step. Raises `OptionError` for what cannot be."""
    graphs = model.graphs
    settings = Settings.of(asked, model.frames, manifest, _no_cache(model, manifest))
    if not isinstance(graphs, SplitGraphs) or not graphs.local:
        window = ClipWindow(graphs, model.frames, model.normalizes, settings.lookahead, settings.window)
        return window, settings.step
    front = FrontEnd(graphs, model.frames, RunningNormalizer() if model.normalizes else None)
    if settings.method == "recomputed":
        return FeatureWindow(graphs, front, model.frames, settings.lookahead, settings.window), settings.step
    cached = CachedReader(graphs.stream(), front, Sizes.of(manifest), settings.lookahead, settings.left)
    return cached, settings.step


def _no_cache(model: AcousticModel, manifest: Manifest) -> str | None:
    """Return why a bundle has no cached states as it was loaded, None where it has them."""
    if SINGLE in manifest.files:
        return "its graph is a single one"
    if not manifest.attention_mask:
        return "the group norm of its front-end looks at the whole clip"
    if not isinstance(model.graphs, SplitGraphs) or not model.graphs.local:
        return "they are for the CPU"
    if STREAM not in manifest.files:
        return f"it lacks {STREAM}; export it again"
    return None
