"""Which way a bundle's sessions go from sound to logits: the one file that knows all of them."""

from __future__ import annotations

from ...bundles.manifest import Manifest
from ..acoustic import AcousticModel
from ..graphs import SINGLE, STREAM, SplitGraphs
from ..session import SessionOptions
from .cached import CachedReader, Sizes
from .frontend import FrontEnd
from .normalizer import RunningNormalizer
from .reading import Reader
from .recomputed import ClipWindow, FeatureWindow
from .settings import Settings


def open_reader(model: AcousticModel, manifest: Manifest, asked: SessionOptions) -> tuple[Reader, int]:
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
