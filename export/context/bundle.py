"""From the best checkpoint of a run to the bundle: exported with its proof, measured at both windows, and sealed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.common import model_card, refuse_existing, seal_with
from export.context.measure import Hearing, compare
from export.context.settings import Settings
from export.context.sound import LogMel
from export.finetune.bundle import PROOF_CLIPS, spread
from export.finetune.clips import Clip
from export.finetune.settings import BEST
from export.proof import judge
from export.whisper import convert, export
from export.whisper_checkpoint import Checkpoint
from malsori.bundles.manifest import Manifest
from malsori.cli.progress import Reporter

MEASURED_CLIPS = 200  # held-out clips, each heard four times
SCRIPT = "export/finetune_context.py"


def make_bundle(
    settings: Settings,
    checkpoint: Checkpoint,
    mel: LogMel,
    held_out: Sequence[Clip],
    training: dict[str, Any],
    reporter: Reporter,
) -> Manifest:
    """Export the best checkpoint with the windows it learned, and what it hears in them, in its manifest.

    Whoever looks at `out` sees the sealed bundle or nothing. Raises `ExportRefused` as the export does, and when the
    short window costs more than it may.
    """
    out, options = settings.out, settings.bundle
    clips = spread(held_out, MEASURED_CLIPS)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        made, before = Path(scratch) / out.name, Path(scratch) / "before"
        manifest = export(
            settings.work / BEST,
            made,
            quantization=options.quantize,
            name=options.name,
            languages=checkpoint.languages,
            licence=options.licence or model_card(str(checkpoint.folder), None)["license"],
            description=options.description,
            audio=[clip.audio for clip in clips[:PROOF_CLIPS]],
            measured={"training": training},
            force=options.force,
        )
        reporter.say("the model as it came, to compare with")
        before.mkdir()
        convert(Checkpoint.load(settings.source, settings.revision, checkpoint.languages), before, options.quantize)
        reporter.say("hearing held-out clips at both windows")
        figures = compare(Hearing(checkpoint, mel.cpu(), clips, settings.context), before, made, clips)
        judge(_complaints(figures, options.max_loss), options.force)
        sealed = seal_with(made, _stated(manifest, checkpoint, settings), audio_context=figures)
        refuse_existing(out)
        made.rename(out)
    return sealed


def _complaints(figures: dict[str, Any], most: float) -> list[str]:
    found = 100 * figures["short_after"]["cer"]
    if found <= most:
        return []
    return [f"CER of the short window against 30 s: {found:.1f} %, at most {most:g} allowed"]


def _stated(manifest: Manifest, checkpoint: Checkpoint, settings: Settings) -> Manifest:
    base = checkpoint.folder.name if Path(settings.source).is_dir() else settings.source
    return replace(
        manifest,
        source=f"{base}, fine-tuned by {SCRIPT}",
        revision=settings.revision or manifest.revision,
        audio_context={"floor_s": settings.context.floor, "margin_s": settings.context.margin},
    )
