"""Adapt nano-ctc-ko to words that it never heard, and measure before and after: the proof that `finetune_ctc.py` works.

    python -m export.nano.adapt WORK [CHECKPOINT]   # about six minutes on one core

espeak-ng speaks sentences of `new_words.py` in the training voices, and a share of old ones (rehearsal), or the model
forgets them. The test has sentences and voices that neither training heard. CHECKPOINT is the folder of a model as
PyTorch has it; without it, the bundle that ships is turned back into one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import transformers

from export.bundle_checkpoint import checkpoint_of
from export.common import ExportRefused
from export.nano.batches import LONGEST_SILENCE, vary_voice
from export.nano.grammar import draw
from export.nano.new_words import draw_new
from export.nano.publish import MODELS, ctc_rates, export_ctc
from export.nano.speech import SAMPLE_RATE, Augmenter, Utterance, held_out_corpus, speak
from export.progress import Reporter
from export.training.command_line import parse
from export.training.ctc.settings import CtcSettings
from export.training.ctc.subject import Ctc
from export.training.loop import finetune
from malsori.bundles import read_manifest
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.errors import MalsoriError

TEST_CLIPS = 200
Rates = dict[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is spoken and learned; `rehearsal` are clips of the old grammar."""

    clips: int = 500
    rehearsal: int = 300
    steps: int = 360
    seed: int = 1
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Error rates on held-out clips before and after: sentences with new words, and those of the old grammar."""

    new_before: Rates
    new_after: Rates
    old_before: Rates
    old_after: Rates


def adapt(work: Path, checkpoint: Path | None, plan: Plan) -> Adaptation:
    """Make the speech, fine-tune, and measure the bundle of the checkpoint as it was and as it became.

    Without a checkpoint, that of the bundle that ships.
    """
    checkpoint = checkpoint or shipped(work / "checkpoint")
    if not (checkpoint / "config.json").is_file():
        raise ExportRefused(f"{checkpoint}: no checkpoint; leave it out to begin with the bundle that ships")
    before, after = work / "before", work / "after"
    if not before.exists():
        export_ctc(checkpoint, before, "int8")
    if not after.exists():
        learn(checkpoint, training_speech(work / "speech", plan), after, plan)
    new, old = new_test(plan), held_out_corpus(work).only("ko").utterances
    return Adaptation(heard(before, new), heard(after, new), heard(before, old), heard(after, old))


def shipped(checkpoint: Path) -> Path:
    """Return the checkpoint folder, after making it from nano-ctc-ko where it is missing."""
    if not checkpoint.exists():
        checkpoint_of(MODELS / "nano-ctc-ko", checkpoint)
    return checkpoint


def learn(checkpoint: Path, manifest: Path, out: Path, plan: Plan) -> None:
    """Fine-tune as the command line would; a run that was stopped goes on."""
    flags = {"--steps": plan.steps, "--seed": plan.seed, "--threads": plan.threads, "--batch-size": 8}
    flags |= {"--learning-rate": 1e-3, "--evaluate-every": 40, "--languages": "ko", "--licence": "MIT"}
    given = [str(checkpoint), str(manifest), str(out), *(str(word) for flag in flags.items() for word in flag)]
    given.append("--allow-slower")  # nano-ctc-ko is in int8 for its size
    with Reporter() as reporter:
        finetune(Ctc(parse(CtcSettings, "", given), reporter))


def training_speech(folder: Path, plan: Plan) -> Path:
    """Speak and record what is trained on, each clip varied once; return the manifest, which is written last."""
    manifest = folder / f"{plan.clips}-{plan.rehearsal}-{plan.seed}.tsv"
    if not manifest.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(plan.threads) as pool:
            lines = list(pool.map(lambda number: record(folder, plan, number), range(plan.clips + plan.rehearsal)))
        manifest.write_text("\n".join(["audio\ttext", *lines]) + "\n", "utf-8")
    return manifest


def record(folder: Path, plan: Plan, number: int) -> str:
    """Speak clip `number`, with new words or for rehearsal, and return its line of the manifest."""
    drawing = draw_new if number < plan.clips else draw
    rng = np.random.default_rng([plan.seed, number])
    utterance = speak(random.Random(f"adapt-{plan.seed}-{number}"), "ko", held_out=False, drawing=drawing)
    utterance = vary_voice(utterance, rng)
    silence = (rng.uniform(0, LONGEST_SILENCE, 2) * SAMPLE_RATE).astype(int)
    sound = Augmenter(rng)(np.pad(utterance.audio.astype(np.float32) / 32768, silence))
    name = f"{drawing.__name__}-{plan.seed}-{number:05}.flac"
    soundfile.write(folder / name, sound.clip(-1, 1), SAMPLE_RATE, subtype="PCM_16")
    return f"{name}\t{utterance.text}"


def new_test(plan: Plan) -> list[Utterance]:
    """Speak held-out sentences with new words in held-out voices."""

    def one(number: int) -> Utterance:
        return speak(random.Random(f"adapted-{number}"), "ko", held_out=True, drawing=draw_new)

    with ThreadPoolExecutor(plan.threads) as pool:
        return list(pool.map(one, range(TEST_CLIPS)))


def heard(bundle: Path, utterances: list[Utterance]) -> Rates:
    """Return the error rates of a bundle, each clip transcribed alone."""
    return ctc_rates(Wav2Vec2Engine(bundle, read_manifest(bundle), device="cpu"), utterances)


def main() -> int:
    """Run as a command: the figures on stdout."""
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for the speech, the checkpoints and both bundles")
    parser.add_argument("checkpoint", type=Path, nargs="?", help="(that of models/nano-ctc-ko)")
    for name, default in asdict(plan).items():
        parser.add_argument(f"--{name}", type=int, default=default, help="(%(default)s)")
    asked = vars(parser.parse_args())
    work, checkpoint = asked.pop("work"), asked.pop("checkpoint")
    transformers.logging.set_verbosity_error()
    try:
        figures = adapt(work, checkpoint, Plan(**asked))
    except (MalsoriError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(figures), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
