"""`load`: from the name or path of a bundle to a `Transcriber`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from ..bundles import Found, find_bundle
from ..bundles.choice import best
from ..bundles.find import open_found
from ..engines.base import Memory
from ..engines.load import check_loading
from ..errors import EngineError
from ..vad import SileroDetector
from .alignment.placing import check_aligns
from .options import Loading, TranscribeOptions
from .transcriber import Transcriber


def load(
    model: str | os.PathLike[str] | None = None,
    *,
    language: str | None = None,
    device: str = "auto",
    compute_type: str = "default",
    threads: int | None = None,
    workers: int = 1,
    memory: Memory = "normal",
    verify: bool = True,
    wanted: TranscribeOptions | None = None,
) -> Transcriber:
    """Load a model, by name or by path, and return its `Transcriber`.

    A name is that of a bundle, or the usual one of a published model: "base", "large-v3",
    "Systran/faster-whisper-small". A path is that of a bundle or of a plain folder as people have them: Whisper for
    CTranslate2 (faster-whisper's), or the ONNX export of a model with a CTC head.

    Without a model it is the one that `$MALSORI_MODEL` names, else the most accurate on this machine, of those that
    know `language` if that is given; where there is only a demonstration model, each transcript warns of it.

    `compute_type` "default" computes as the weights are stored; Whisper's 16- and 32-bit floats on a CPU in int8, where
    "float32" is the other choice. `device` is "auto", "cpu", "cuda" or "tensorrt" (wav2vec2 exported in float16);
    `threads` defaults to the cores this process may use; `verify=False` skips the check of the bundle's sha256 sums.

    `workers` (Whisper) are how many calls from several threads run at a time over one copy of the weights, each on its
    share of the cores: for a service with many clients; a single call is fastest with one.

    `memory="low"` with Whisper reads fewer windows at a time: stock base hears three minutes in 456 MB instead of 617,
    an eighth slower, with the same words. With wav2vec2 the weights are used where their file is mapped into memory, so
    that all processes share them: XLSR-large in int8 has 70 MB of its own instead of 395 MB, and is 4 to 25 % slower.
    Where our own int8 operator runs, "normal" does the same, at no price.

    `wanted` are options that it is to be used with: what its manifest says that it does not have of them is refused
    before it is read, and so is an `align_with` that is not here or cannot align.

    Raises:
        ModelNotFound, ModelCorrupt, ModelIncompatible: no such model, an altered one, or one that cannot run here.
        DeviceUnavailable: the device was asked for by name and cannot be used.
        OptionError: a compute type that the model or the device does not have, a `language` that no model here knows.
    """
    check_loading(device=device, compute_type=compute_type, threads=threads, workers=workers, memory=memory)
    found, warnings = _chosen(model, language)
    if wanted is not None:
        check_wanted(wanted, found)
    bundle = open_found(found, verify)
    # Weights are read without the interpreter's lock, so that the detector is loaded meanwhile.
    with ThreadPoolExecutor(1, "malsori-detector") as beside:
        opening = beside.submit(_open_detector)
        loading = Loading(device, threads, memory, verify)
        engine = loading.engine(bundle, compute_type, workers)
    opening.result()
    return Transcriber(engine, loading=loading, warnings=warnings)


def load_as(
    loading: Loading, model: str, compute_type: str = "default", *, wanted: TranscribeOptions | None = None
) -> Transcriber:
    """Load a model the way that another one was loaded or is to be, in other processes, say. Raises as `load`."""
    return load(
        model,
        device=loading.device,
        compute_type=compute_type,
        threads=loading.threads,
        memory=loading.memory,
        verify=loading.verify,
        wanted=wanted,
    )


def _chosen(model: str | os.PathLike[str] | None, language: str | None) -> tuple[Found, tuple[str, ...]]:
    """Return the model of that name, else the best one on this machine, and the warnings for each transcript."""
    if model is not None:
        return find_bundle(model), ()
    chosen = best(language)
    return chosen.found, tuple(filter(None, [chosen.warning]))


def check_wanted(options: TranscribeOptions, found: Found) -> None:
    """Raise for options that the manifests of the model, and of the one to align with, rule out; none is loaded."""
    options.check(found.manifest())
    if isinstance(options.align_with, (str, os.PathLike)):
        check_aligns(find_bundle(options.align_with).manifest())


def _open_detector() -> None:
    """Open the voice detector's network, which all detectors share; on failure a run that needs it raises."""
    with suppress(ImportError, EngineError):  # `MissingDependency` too
        SileroDetector()
