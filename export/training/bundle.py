"""From the best checkpoint of a run to the bundle: exported with its proof, and measured as it will be served."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from export.common import refuse_existing, seal_with
from export.training.clips import Clip
from export.training.settings import BEST
from export.training.subject import Subject
from malsori.bundles.manifest import Manifest

PROOF_CLIPS = 20  # so many that one character more or less is not a percent; PyTorch hears the first minute of them
MEASURED_CLIPS = 200  # held-out clips that the finished bundle hears; XLSR-large needs seconds for each on a CPU


def make_bundle(subject: Subject, held_out: Sequence[Clip], training: dict[str, Any]) -> Manifest:
    """Export the best checkpoint, with `training` and what the finished bundle hears in its manifest.

    The proof runs on held-out recordings. Whoever looks at `out` sees the sealed bundle or nothing; raises
    `ExportRefused` as the export does, and as the subject does for bad figures.
    """
    settings, options = subject.settings, subject.settings.bundle
    out, clips = settings.out, spread(held_out, MEASURED_CLIPS)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        made = Path(scratch) / out.name
        manifest = subject.export(
            settings.work / BEST,
            made,
            quantization=options.quantize,
            name=options.name,
            description=options.description,
            audio=[clip.audio for clip in clips[:PROOF_CLIPS]],
            measured={"training": training},
            force=options.force,
        )
        base = Path(settings.source).name if Path(settings.source).is_dir() else settings.source
        stated = replace(
            manifest,
            source=f"{base}, fine-tuned by {subject.script}",
            revision=settings.revision or manifest.revision,
        )
        sealed = seal_with(made, stated, **subject.measure(made, manifest, clips))
        refuse_existing(out)
        made.rename(out)
    return sealed


def spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    """Return at most `count` clips, evenly from the whole."""
    chosen = np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int)
    return [clips[index] for index in chosen]
