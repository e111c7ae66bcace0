"""From the best checkpoint of a run to the bundle: exported with its proof, and measured as it will be served."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export.common import model_card, refuse_existing, seal_with
from export.finetune.clips import Clip
from export.finetune.settings import BEST, Settings
from export.finetune.texts import rates
from export.wav2vec2 import export
from malsori.bundles.manifest import Manifest
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine

PROOF_CLIPS = 20  # so many that one character more or less is not a percent; PyTorch hears the first minute of them
MEASURED_CLIPS = 200  # held-out clips that the finished bundle transcribes; XLSR-large needs seconds for each on a CPU


def make_bundle(settings: Settings, held_out: Sequence[Clip], training: dict[str, Any]) -> Manifest:
    """Export the best checkpoint, with `training` and the error rates of the finished bundle in its manifest.

    The proof runs on held-out recordings. Whoever looks at `out` sees the sealed bundle or nothing; raises
    `ExportRefused` as the export does.
    """
    out, source, options = settings.out, settings.source, settings.bundle
    card = model_card(source, settings.revision)
    clips = spread(held_out, MEASURED_CLIPS)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        made = Path(scratch) / out.name
        manifest = export(
            settings.work / BEST,
            made,
            quantization=options.quantize,
            name=options.name,
            languages=options.languages or card["language"],
            licence=options.licence or card["license"],
            description=options.description,
            audio=[clip.audio for clip in clips[:PROOF_CLIPS]],
            measured={"training": training},
            max_loss=options.max_loss,
            allow_slower=options.allow_slower,
            force=options.force,
        )
        base = Path(source).name if Path(source).is_dir() else source
        stated = replace(
            manifest,
            source=f"{base}, fine-tuned by export/finetune_ctc.py",
            revision=settings.revision or manifest.revision,
        )
        engine = Wav2Vec2Engine(made, manifest, device="cpu")
        sealed = seal_with(made, stated, held_out=measure(engine, clips))
        refuse_existing(out)
        made.rename(out)
    return sealed


def measure(engine: Wav2Vec2Engine, clips: Sequence[Clip]) -> dict[str, Any]:
    """Return the error rates of a bundle on these clips, each transcribed alone."""
    heard = [" ".join(segment.text for segment in engine.transcribe([clip.sound()])[0].segments) for clip in clips]
    figures = rates([clip.text for clip in clips], heard)
    return {"clips": len(clips)} | {name: round(figure, 4) for name, figure in figures.items()}


def spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    """Return at most `count` clips, evenly from the whole."""
    chosen = np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int)
    return [clips[index] for index in chosen]
