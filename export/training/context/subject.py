"""A Whisper checkpoint learns to hear short windows as it hears 30 s; the model as it came is the teacher."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import WhisperForConditionalGeneration

from export import whisper
from export.common import model_card
from export.log_mel import TorchLogMel
from export.proof import judge
from export.training.clips import Clip, LeftOut, sort_out, tell
from export.training.context.learner import ContextLearner
from export.training.context.listening import Listener
from export.training.context.matching import Matcher
from export.training.context.measure import Hearing, compare
from export.training.context.model import Teacher, set_learning
from export.training.context.settings import ContextSettings
from export.training.curve import GREY, INK, SECOND, THIRD, Curve, Evaluation
from export.training.learner import Lesson
from export.training.manifest import Row, read_sides
from export.training.subject import Subject
from export.whisper_checkpoint import Checkpoint
from malsori.bundles.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Distances(Evaluation):
    """Clips at their shortest windows: the parts of the loss, and the share whose tokens are the teacher's."""

    metric: ClassVar = "loss"
    digits: ClassVar = 4
    losses: ClassVar = {
        "loss": ("held out, loss", SECOND),
        "hidden": ("held out, hidden", THIRD),
        "tokens": ("held out, tokens", GREY),
    }
    losses_axis: ClassVar = "distance from the teacher"
    shares: ClassVar = {"same": ("same tokens", INK)}
    shares_axis: ClassVar = "held-out clips with the same tokens, %"

    hidden: float
    tokens: float
    same: float

    def told(self) -> str:
        """Return the figures that matter in one line."""
        return f"loss {self.loss:.4f}, same tokens {self.same:.1%}"


class ShortContext(Subject):
    """The subject; the checkpoint, its teacher and its features are there from `prepare` on."""

    script = "export/finetune_context.py"
    settings_type = ContextSettings
    evaluation = Distances
    schedule = "cosine"
    settings: ContextSettings
    checkpoint: Checkpoint
    mel: TorchLogMel
    teacher: Teacher

    def read(self) -> tuple[list[Row], list[Row]]:
        """Return the rows; no text, and no recording, is on both sides."""
        return read_sides(self.settings, lambda row: row.text or str(row.audio), "too few recordings")

    def prepare(self, rows: Sequence[Row], held_out: Sequence[Row]) -> tuple[list[Clip], list[Clip]]:
        """Load the checkpoint and copy its teacher; return the clips with what the teacher hears in them."""
        self.checkpoint = self._load()
        self.mel = TorchLogMel(self.checkpoint.extractor).to(self.device)
        self.teacher = Teacher.of(self.checkpoint.model, self.settings.context.train)
        self.teacher.to(torch.device(self.device))
        listener = Listener(self.teacher, self.checkpoint, self.mel, self.device, self.precision)
        return self._clips("train", rows, listener), self._clips("held-out", held_out, listener)

    def _load(self) -> Checkpoint:
        """Load the checkpoint, for the languages asked for, or those of its card that it has tokens for."""
        settings, asked = self.settings, self.settings.bundle.languages
        checkpoint = Checkpoint.load(settings.source, settings.revision, asked)
        stated = model_card(str(checkpoint.folder), None)["language"]
        if asked or not set(stated) <= set(checkpoint.languages):
            return checkpoint
        return Checkpoint.load(settings.source, settings.revision, stated)

    def _clips(self, name: str, rows: Sequence[Row], listener: Listener) -> list[Clip]:
        """Return the clips of one side; a text without end is left out: the teacher repeats itself."""
        work = self.settings.work

        def progress(done: int) -> None:
            self.reporter.say(f"the teacher listens ({name})", done, len(measured))

        measured, left_out = sort_out(name, rows, _measured, self.settings, self.reporter)
        heard = listener.listen([clip for _, clip in measured], work, progress)
        clips = []
        for (row, _), clip in zip(measured, heard, strict=True):
            if clip.ids[-1] == listener.end:
                clips.append(clip)
            else:
                left_out.append(LeftOut(row, "in which the teacher finds no end", "it repeats itself at 30 s"))
        tell(name, clips, left_out, work, self.reporter)
        return clips

    def learner(self, lesson: Lesson) -> ContextLearner:
        """Return what trains the pupil, which is the checkpoint's model."""
        options, pupil = self.settings.context, self.checkpoint.model
        set_learning(pupil, options.train)
        prompt = len(self.checkpoint.prompt())
        matcher = Matcher(self.teacher, self.mel, prompt, options, self.device, self.precision)
        return ContextLearner(pupil, matcher, options, lesson)

    def save(self, checkpoint: Path, folder: Path) -> None:
        """Write a trainer's checkpoint with tokenizer and extractor."""
        for part in (
            WhisperForConditionalGeneration.from_pretrained(checkpoint),
            self.checkpoint.tokenizer,
            self.checkpoint.extractor,
        ):
            part.save_pretrained(folder)

    def facts(self, curve: Curve) -> dict[str, Any]:
        """Return the figures before, of the model as it came, and after, and the windows."""
        if not curve.fell:
            told = "the held-out loss did not fall: the model as it came is no worse; more steps, another rate?"
            self.reporter.warn(told)
        before, after = (
            {name: getattr(each, name) for name in Distances.figures()} for each in (curve.held_out[0], curve.best)
        )
        return {"before": before, "after": after, "context": asdict(self.settings.context)}

    def export(self, checkpoint: Path, out: Path, **shared: Any) -> Manifest:
        """Make a bundle that says which windows it learned."""
        options, context = self.settings.bundle, self.settings.context
        licence = options.licence or model_card(str(self.checkpoint.folder), None)["license"]
        manifest = whisper.export(checkpoint, out, languages=self.checkpoint.languages, licence=licence, **shared)
        return replace(manifest, audio_context={"floor_s": context.floor, "margin_s": context.margin})

    def measure(self, bundle: Path, manifest: Manifest, clips: Sequence[Clip]) -> dict[str, Any]:
        """Compare what the bundle hears at both windows with what the model as it came hears."""
        settings, options = self.settings, self.settings.bundle
        self.reporter.say("the model as it came, to compare with")
        with tempfile.TemporaryDirectory(dir=bundle.parent) as before:
            source = Checkpoint.load(settings.source, settings.revision, self.checkpoint.languages)
            whisper.convert(source, Path(before), options.quantize)
            self.reporter.say("hearing held-out clips at both windows")
            hearing = Hearing(self.checkpoint, self.mel.cpu(), clips, settings.context)
            figures = compare(hearing, Path(before), bundle, clips)
        found = 100 * figures["short_after"]["cer"]
        judge(
            [f"CER of the short window against 30 s: {found:.1f} %, at most {options.max_loss:g} allowed"]
            if found > options.max_loss
            else [],
            options.force,
        )
        return {"audio_context": figures}

    def told(self, measured: dict[str, Any]) -> list[str]:
        """Return the losses, and what the short window is worth before and after."""
        training, heard = measured["training"], measured["audio_context"]
        before, after = training["before"]["loss"], training["after"]["loss"]
        lines = [f"held-out loss: {before:.4f} before, {after:.4f} after"]
        for name, what in (("same_tokens", "clips with the tokens of 30 s"), ("cer", "CER against 30 s")):
            figures = [heard[when][name] for when in ("short_before", "short_after", "full_after")]
            told = "{:.1%} before, {:.1%} after; {:.1%} after at 30 s".format(*figures)
            lines.append(f"short window, {what}: {told}")
        return lines


def _measured(row: Row, samples: int) -> tuple[Row, Clip]:
    return row, Clip(row.audio, samples, " ".join(row.text.split()), ())
