"""Turn a trained checkpoint into the bundle that ships, with its error rates on held-out speech in the manifest.

    python -m export.nano.publish WORK ctc          # also: whisper; `train_*` call this themselves when they are done

The figures are taken from the finished bundle, not from the PyTorch model, through malsori's own engines.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export import wav2vec2, whisper
from export.nano.speech import SAMPLE_RATE, Corpus, Utterance, held_out_corpus
from export.training.rates import rates
from malsori.bundles import read_manifest, seal
from malsori.bundles.manifest import Manifest
from malsori.engines.base import DecodeOptions, Task
from malsori.engines.onnx.native import why_unavailable
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.whisper.engine import WhisperEngine
from malsori.engines.whisper.options import AudioContext, WhisperOptions

MODELS = Path(__file__).resolve().parents[2] / "models"
DEMONSTRATION = (
    "demonstration model, synthetic speech: knows the home commands, numbers, times and weather of a small grammar, "
    "spoken by espeak-ng; nothing else"
)
NANO_CONTEXT = {"floor_s": 5.0, "margin_s": 2.0}  # it was trained on windows of the clip and a little more, and on 30 s
SURROUND = SAMPLE_RATE // 5  # samples of silence before and behind a clip, as the gate leaves them


@dataclass(slots=True)
class Score:
    """What was spoken and what was heard, sentence by sentence."""

    spoken: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def add(self, spoken: str, heard: str) -> None:
        """Count one sentence."""
        self.spoken.append(spoken)
        self.heard.append(heard)

    def rates(self) -> dict[str, float]:
        """Return the word and the character error rate and the share of sentences without any error."""
        found = rates(self.spoken, self.heard)
        return {name: round(found[name], 4) for name in ("wer", "cer", "exact")}


def publish_ctc(checkpoint: Path, held_out: Corpus, seed: int) -> None:
    """Export nano-ctc-ko as int8 and put its error rates, those of the float graph beside them, into the manifest."""
    with tempfile.TemporaryDirectory() as work:
        manifest = export_ctc(checkpoint, Path(work) / "float", "none")
        as_float = ctc_rates(Wav2Vec2Engine(Path(work) / "float", manifest), held_out.utterances)
    _replace(
        "nano-ctc-ko",
        f"export/nano/train_ctc.py, seed {seed}",
        lambda out: export_ctc(checkpoint, out, "int8"),
        lambda out, sealed: {
            "held_out": _tested(
                held_out, {"int8": ctc_rates(Wav2Vec2Engine(out, sealed), held_out.utterances), "float": as_float}
            )
        },
    )


def export_ctc(checkpoint: Path, out: Path, quantization: str) -> Manifest:
    """Export nano-ctc-ko from its checkpoint.

    Its products are too narrow for int8 to gain time on every machine; what it is quantized for is its size. Where our
    own operator runs, the bundle has it whether it is the fastest here or not: whoever installs it shall try it out.
    """
    return wav2vec2.export(
        checkpoint,
        out,
        quantization=quantization,
        name="nano-ctc-ko",
        languages=("ko",),
        licence="MIT",
        description=DEMONSTRATION,
        allow_slower=True,
        native=True if quantization == "int8" and not why_unavailable() else None,
    )


def ctc_rates(engine: Wav2Vec2Engine, utterances: Sequence[Utterance]) -> dict[str, float]:
    """Return the error rates of a CTC engine."""
    score = Score()
    options = DecodeOptions(language="ko")
    for utterance in utterances:
        heard = engine.transcribe([surrounded(utterance)], options)[0]
        score.add(utterance.text, " ".join(segment.text for segment in heard.segments))
    return score.rates()


def publish_whisper(checkpoint: Path, held_out: Corpus, seed: int) -> None:
    """Export nano-whisper as int8 and put its error rates, at short windows and at 30 s, into the manifest."""
    _replace(
        "nano-whisper",
        f"export/nano/train_whisper.py, seed {seed}",
        lambda out: whisper.export(
            checkpoint,
            out,
            quantization="int8",
            name="nano-whisper",
            languages=("ko", "en"),
            licence="MIT",
            description=DEMONSTRATION,
            audio_context=NANO_CONTEXT,
        ),
        lambda out, sealed: {"held_out": _tested(held_out, whisper_windows(WhisperEngine(out, sealed), held_out))},
    )


def whisper_windows(engine: WhisperEngine, held_out: Corpus) -> dict[str, dict[str, Any]]:
    """Return the error rates of nano-whisper at its own short windows and at 30 s."""
    contexts: dict[str, AudioContext] = {"window_auto": "auto", "window_30s": "full"}
    return {name: whisper_rates(engine, held_out.utterances, context) for name, context in contexts.items()}


def whisper_rates(engine: WhisperEngine, utterances: Sequence[Utterance], context: AudioContext) -> dict[str, Any]:
    """Return error rates per language and task, the share of languages told right, and that of windows read twice."""
    scores: dict[str, Score] = {"ko": Score(), "en": Score(), "ko_to_en": Score()}
    before, right = replace(engine.counters), 0
    for utterance in utterances:
        clip = surrounded(utterance)
        language, transcribed = _heard(engine, clip, context, None, "transcribe")
        right += language == utterance.language
        scores[utterance.language].add(utterance.text, transcribed)
        if utterance.language == "ko":
            scores["ko_to_en"].add(utterance.sentence.en, _heard(engine, clip, context, "ko", "translate")[1])
    retries, windows = (getattr(engine.counters, name) - getattr(before, name) for name in ("retries", "windows"))
    rates: dict[str, Any] = {name: score.rates() for name, score in scores.items()}
    shares = {"language_right": right / len(utterances), "retried": retries / max(windows - retries, 1)}
    return {**rates, **{name: round(share, 4) for name, share in shares.items()}}


def _heard(
    engine: WhisperEngine, clip: NDArray[np.float32], context: AudioContext, language: str | None, task: Task
) -> tuple[str, str]:
    """Return the language and the words heard."""
    options = DecodeOptions(language=language, task=task, whisper=WhisperOptions(audio_context=context))
    heard = engine.transcribe([clip], options)[0]
    return heard.language, " ".join(segment.text for segment in heard.segments)


def surrounded(utterance: Utterance) -> NDArray[np.float32]:
    """Return the clip as float32 with a little silence around it."""
    return np.pad(utterance.audio.astype(np.float32) / 32768, SURROUND)


def _tested(held_out: Corpus, rates: dict[str, Any]) -> dict[str, Any]:
    voices = sorted({utterance.voice for utterance in held_out.utterances})
    return {
        "what": DEMONSTRATION,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "clips": len(held_out.utterances),
        "speech": f"espeak-ng, sentences and voices ({', '.join(voices)}) never trained on",
        **rates,
    }


def _replace(
    name: str,
    source: str,
    make: Callable[[Path], Manifest],
    measure: Callable[[Path, Manifest], dict[str, Any]],
) -> None:
    """Make a bundle beside the old one, measure it, and only then let it take the old one's place."""
    MODELS.mkdir(exist_ok=True)
    fresh = MODELS / f".{name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    exported = replace(make(fresh), demonstration=True)
    figures = {**exported.measured, **measure(fresh, exported)}
    sealed = seal(fresh, replace(exported, source=f"trained from nothing by {source}", measured=figures))
    shutil.rmtree(MODELS / name, ignore_errors=True)
    fresh.rename(MODELS / name)
    print(f"{MODELS / name}: {sealed.measured['held_out']}")


def measure_whisper(held_out: Corpus) -> None:
    """Measure the nano-whisper that is in `models/` again, at the windows of `NANO_CONTEXT`, and keep the figures."""
    folder = MODELS / "nano-whisper"
    manifest = replace(read_manifest(folder), audio_context=NANO_CONTEXT)
    figures = _tested(held_out, whisper_windows(WhisperEngine(folder, manifest), held_out))
    sealed = seal(folder, replace(manifest, measured={**manifest.measured, "held_out": figures}))
    print(f"{folder}: {sealed.measured['held_out']}")


def main() -> int:
    """Publish the checkpoint that a training run left in WORK."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="the folder given to the training script")
    parser.add_argument("model", choices=("ctc", "whisper", "whisper-figures"), help="figures: no export")
    parser.add_argument("--seed", type=int, default=1, help="what the training started from (default %(default)s)")
    args = parser.parse_args()
    held_out = held_out_corpus(args.work)
    if args.model == "ctc":
        publish_ctc(args.work / "nano-ctc-ko", held_out.only("ko"), args.seed)
    elif args.model == "whisper-figures":
        measure_whisper(held_out)
    else:
        publish_whisper(args.work / "nano-whisper", held_out, args.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
