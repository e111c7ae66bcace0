"""Proof on real speech, beside the one against PyTorch: what quantizing costs in words, and what it gains in time.

The float graphs are made too, for as long as the comparison lasts; the measuring is `malsori.pipeline.trials`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from export.proof import judge
from malsori.bundles import describe_files
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.pipeline.trials import Proof, ProofLimits, find_recordings, prove
from malsori.pipeline.trials.proof import Say

TIMED_FROM = 1_000_000  # parameters; below, the time is that of starting operators, and a speed proves nothing


def prove_quantized(
    engine: Wav2Vec2Engine,
    folder: Path,
    write_float: Callable[[Path], object],
    audio: Sequence[Path],
    limits: ProofLimits,
    force: bool,
    say: Say,
) -> dict[str, Any]:
    """Compare the bundle in `folder` with the float one that `write_float` puts into a folder; return the figures.

    Without `audio` the shipped samples serve; then a model of another language is not refused because it understands
    none of them. Raises `ExportRefused` outside `limits` unless `force`.
    """
    recordings = find_recordings(audio, engine.manifest.languages)
    with TemporaryDirectory(prefix=f"{folder.name}.float.", dir=folder.parent) as work:
        say("writing the float graphs to compare with", 0, 0)
        write_float(Path(work))
        manifest = replace(engine.manifest, quantization="none", files=describe_files(Path(work)))
        against = Wav2Vec2Engine(Path(work), manifest, device="cpu")
        proof = prove(engine, recordings, against=against, say=say)
        sizes = {"bytes": size(folder), "bytes_against": size(Path(work))}
    small = engine.manifest.sizes["parameters"] < TIMED_FROM
    limits = replace(limits, must_read=bool(audio), allow_slower=limits.allow_slower or small)
    complaints = proof.complaints(limits)
    judge(complaints, force)
    return proof.to_dict() | sizes | verdict(proof, limits, complaints)


def prove_alone(engine: Wav2Vec2Engine, audio: Sequence[Path], say: Say) -> dict[str, Any]:
    """Return what a float bundle makes of `audio`: there is nothing that it could have lost."""
    return prove(engine, find_recordings(audio, engine.manifest.languages), say=say).to_dict()


def verdict(proof: Proof, limits: ProofLimits, complaints: Sequence[str]) -> dict[str, Any]:
    """Return what was allowed and, where something was passed over, what."""
    passed = {"slower_for_its_size": proof.slowdowns() if limits.allow_slower else [], "forced": list(complaints)}
    return {"max_loss": limits.max_loss, **{name: lines for name, lines in passed.items() if lines}}


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())
