"""A wav2vec2/XLSR checkpoint learns from recordings with their texts, judged by the error rates of greedy decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from transformers import Wav2Vec2ForCTC

from export import wav2vec2
from export.common import model_card
from export.training.clips import Clip
from export.training.ctc.learner import CtcLearner, Thaw
from export.training.ctc.model import Learned, set_learning
from export.training.ctc.prepare import choose_spelling, find_clips
from export.training.ctc.settings import CtcSettings
from export.training.ctc.texts import clean
from export.training.curve import INK, SECOND, THIRD, Curve, Evaluation
from export.training.learner import Lesson
from export.training.manifest import Row, read_sides
from export.training.rates import rates
from export.training.subject import Subject
from malsori.bundles.manifest import Manifest
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine


@dataclass(frozen=True, slots=True)
class ErrorRates(Evaluation):
    """Error rates as shares, 0 to 1 and above, and the share of clips without any error."""

    metric: ClassVar = "cer"
    digits: ClassVar = 3
    losses: ClassVar = {"loss": ("held out", SECOND)}
    losses_axis: ClassVar = "CTC loss per token"
    shares: ClassVar = {"cer": ("CER", INK), "wer": ("WER", THIRD)}
    shares_axis: ClassVar = "held-out errors, %"

    cer: float
    wer: float
    exact: float

    def told(self) -> str:
        """Return the figures that matter in one line."""
        return f"CER {self.cer:.1%} WER {self.wer:.1%}"


class Ctc(Subject):
    """The subject; `learned` is the model, from `prepare` on."""

    script = "export/finetune_ctc.py"
    settings_type = CtcSettings
    evaluation = ErrorRates
    schedule = "linear"
    relief = f"{Subject.relief}, or lower --max-seconds"
    settings: CtcSettings
    learned: Learned

    def read(self) -> tuple[list[Row], list[Row]]:
        """Return the rows with their clean texts; no sentence is on both sides."""
        few = "its texts are too few"
        return read_sides(self.settings, lambda row: row.text, few, lambda text: clean(text, self.settings.text))

    def prepare(self, rows: Sequence[Row], held_out: Sequence[Row]) -> tuple[list[Clip], list[Clip]]:
        """Load the model, and give it a new head where it is to spell anew."""
        settings = self.settings
        new_head = settings.vocabulary.vocabulary != "keep"
        self.learned = Learned.load(settings.source, settings.revision, settings.model, new_head=new_head)
        speller = choose_spelling(self.learned, rows, held_out, settings, self.reporter)
        return find_clips(rows, held_out, speller, self.learned, settings, self.reporter)

    @property
    def judged_together(self) -> int:
        """One clip at a time for a model without mask: the padding of a batch would count as sound."""
        return super().judged_together if self.learned.masked else 1

    def learner(self, lesson: Lesson) -> CtcLearner:
        """Return what trains the model, parts of which thaw on the way."""
        options = self.settings.model
        set_learning(self.learned.model, replace(options, freeze_encoder_steps=0), 0)  # what the optimizer must hold
        return CtcLearner(self.learned, replace(lesson, callbacks=[Thaw(options), *lesson.callbacks]))

    def save(self, checkpoint: Path, folder: Path) -> None:
        """Write a trainer's checkpoint with tokenizer and extractor."""
        self.learned.model = Wav2Vec2ForCTC.from_pretrained(checkpoint)
        self.learned.save(folder)

    def facts(self, curve: Curve) -> dict[str, Any]:
        """Return the choices about texts; `before` is the model as it came, if its head was kept."""
        first, vocabulary = curve.held_out[0], self.settings.vocabulary.vocabulary
        before = {"cer": round(first.cer, 4), "wer": round(first.wer, 4)} if vocabulary == "keep" else None
        return {"before": before, "vocabulary": vocabulary, "text": asdict(self.settings.text)}

    def export(self, checkpoint: Path, out: Path, **shared: Any) -> Manifest:
        """Make a bundle; its languages and licence are those of the card of the source."""
        options, card = self.settings.bundle, model_card(self.settings.source, self.settings.revision)
        return wav2vec2.export(
            checkpoint,
            out,
            languages=options.languages or card["language"],
            licence=options.licence or card["license"],
            max_loss=options.max_loss,
            allow_slower=options.allow_slower,
            **shared,
        )

    def measure(self, bundle: Path, manifest: Manifest, clips: Sequence[Clip]) -> dict[str, Any]:
        """Return the error rates of a bundle, each clip transcribed alone."""
        engine = Wav2Vec2Engine(bundle, manifest, device="cpu")
        heard = [" ".join(segment.text for segment in engine.transcribe([clip.sound()])[0].segments) for clip in clips]
        figures = rates([clip.text for clip in clips], heard)
        return {"held_out": {"clips": len(clips)} | {name: round(figure, 4) for name, figure in figures.items()}}

    def told(self, measured: dict[str, Any]) -> list[str]:
        """Return the error rates, those before where the head was kept."""
        before, after = measured["training"]["before"], measured["held_out"]
        was = {rate: f"{before[rate]:.1%} before, " if before else "" for rate in ("cer", "wer")}
        return [f"held-out {rate.upper()}: {was[rate]}{after[rate]:.1%} after" for rate in was]
