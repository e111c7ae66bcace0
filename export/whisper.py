"""A Hugging Face `WhisperForConditionalGeneration` checkpoint to a `whisper` bundle, with proof that it says the same.

    python export/whisper.py openai/whisper-large-v3-turbo models/turbo --quantize int8
    python export/whisper.py whisper-large-v3-turbo models/turbo    # the same, by the name of its recipe

Makes CTranslate2's `model.bin`, `config.json` and `vocabulary.json`, the tokenizer, the features' settings and
`manifest.json`. A folder as source needs no network.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from numpy.typing import NDArray

from export import recipes
from export.common import arguments, new_folder, run, seal_with
from export.proof import Tolerance, compare, judge, proof_clips, timed
from export.whisper_checkpoint import Checkpoint
from export.whisper_recipe import WhisperRecipe
from malsori.bundles.manifest import Manifest
from malsori.engines.machine.devices import compute_types
from malsori.engines.whisper.engine import WhisperEngine
from malsori.engines.whisper.model_files import TYPES, computing
from malsori.types import SAMPLE_RATE

QUANTIZATIONS = TYPES
FEATURES = ("feature_size", "sampling_rate", "hop_length", "chunk_length", "n_fft")  # what the runtime's features need
STEPS = 16  # tokens compared per clip
TOLERANCES = {
    # The same arithmetic in another order: about 1e-6 is measured; 1e-3 is far from what moves a decision.
    "float32": {"encoder": Tolerance(relative=1e-3), "logits": Tolerance(relative=1e-3, agreement=1.0)},
    # Weights with 11 bits: 2**-11 each, which the layers average out. A CPU then computes in float32.
    "float16": {"encoder": Tolerance(cosine=0.999), "logits": Tolerance(cosine=0.999, agreement=0.98)},
    # 8 bits: 2**-9 each. A CPU computes in float32, as above.
    "bfloat16": {"encoder": Tolerance(cosine=0.999), "logits": Tolerance(cosine=0.999, agreement=0.9)},
    # One scale for all weights of a layer, 2**10 steps up to the largest; computed in 16 bits on Intel alone.
    "int16": {"encoder": Tolerance(cosine=0.999), "logits": Tolerance(cosine=0.999, agreement=0.95)},
    # One scale per row of weights and per row of activations; below 0.99 something else is wrong. Tokens change only
    # where two were close.
    "int8": {"encoder": Tolerance(cosine=0.99), "logits": Tolerance(cosine=0.99, agreement=0.9)},
}
TOLERANCES |= {f"int8_{rest}": TOLERANCES["int8"] for rest in ("float16", "bfloat16", "float32")}


def export(
    source: str | Path,
    out: str | Path,
    *,
    quantization: str = "int8",
    name: str | None = None,
    languages: Sequence[str] | None = None,
    licence: str | None = None,
    description: str = "",
    revision: str | None = None,
    audio: Sequence[Path] = (),
    measured: dict[str, Any] | None = None,
    force: bool = False,
    tasks: Sequence[str] | None = None,
    audio_context: dict[str, float] | None = None,
    alignment_heads: Sequence[tuple[int, int]] = (),
    say: Callable[[str, float, float], None] = lambda label, done, total: None,
) -> Manifest:
    """Make the bundle `out` from `source` (a folder or a hub name) and return its manifest.

    `languages` limits what the bundle offers and detects (default: all that the tokenizer has); `audio` are recordings
    for the proof, or folders of them, instead of synthetic speech; `measured` are figures to keep in the manifest
    besides the proof; `tasks` are those that it was trained for (default: all that it has tokens for); `audio_context`
    is the manifest's; `alignment_heads` are pairs of a decoder layer and a head whose attention follows the words
    (default: what the checkpoint says, or the last half of the layers); `say` is told of the progress. Raises
    `ExportRefused` when `out` exists, the checkpoint cannot be served, or the proof is outside the tolerance and not
    forced; then nothing is left behind.
    """
    out = Path(out)
    with new_folder(out) as folder:
        say(f"loading {source}", 0, 0)
        checkpoint = Checkpoint.load(str(source), revision, languages)
        say("converting", 0, 0)
        convert(checkpoint, folder, quantization, alignment_heads)
        manifest = checkpoint.manifest()
        manifest = replace(
            manifest,
            name=name or out.name,
            licence=licence or manifest.licence,
            tasks=tuple(tasks or manifest.tasks),
            audio_context=dict(audio_context or {}),
            description=description,
            quantization=quantization,
            measured=measured or {},
        )
        engine = WhisperEngine(folder, manifest, device="cpu", compute_type=_as_stored(quantization))
        say("comparing with PyTorch", 0, 0)
        proof = prove(engine, checkpoint, proof_clips(audio), TOLERANCES[quantization], force)
        proof |= {
            "audio": "recordings" if audio else "synthetic",
            "compute_type": engine.compute_type,
            "bytes": sum(path.stat().st_size for path in folder.iterdir()),
        }
        return seal_with(folder, manifest, proof=proof)


def _as_stored(quantization: str) -> str:
    """Return what the proof computes in: as the weights are stored, where by default floats are computed in int8."""
    return computing(quantization, compute_types("cpu")) or "default"


def convert(
    checkpoint: Checkpoint, folder: Path, quantization: str, alignment_heads: Sequence[tuple[int, int]] = ()
) -> None:
    """Write all files of the bundle but the manifest into `folder`, which is emptied first."""
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(checkpoint.folder)).convert(str(folder), quantization=quantization, force=True)
    checkpoint.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {key: getattr(checkpoint.extractor, key) for key in FEATURES}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
    # The converter may take <|nospeech|> for a language, and a model is not asked about languages it was not taught.
    config = folder / "config.json"
    facts = json.loads(config.read_text("utf-8")) | {"lang_ids": checkpoint.language_ids()}
    facts["alignment_heads"] = checkpoint.alignment_heads(alignment_heads or facts["alignment_heads"])
    config.write_text(json.dumps(facts) + "\n", "utf-8")


def prove(
    engine: WhisperEngine,
    checkpoint: Checkpoint,
    clips: Sequence[NDArray[np.float32]],
    tolerances: dict[str, Tolerance],
    force: bool,
) -> dict[str, Any]:
    """Compare the loaded bundle with the checkpoint, from the waveform on; return the figures.

    The encoder's output is compared over each clip's own frames, the decoder's logits along the tokens that the
    checkpoint prefers (both are fed the same ones). Raises `ExportRefused` outside the tolerances unless `force`.
    """
    prompt = checkpoint.prompt()
    states = [checkpoint.encode(clip) for clip in clips]
    tokens = [checkpoint.greedy(state, STEPS) for state in states]
    embeddings = [engine.embed(clip) for clip in clips]
    own_frames = [state[: len(ours)] for state, ours in zip(states, embeddings, strict=True)]
    encoder = compare(own_frames, embeddings)
    logits = compare(
        [checkpoint.logits(state, path) for state, path in zip(states, tokens, strict=True)],
        [engine.logits(clip, prompt, path) for clip, path in zip(clips, tokens, strict=True)],
    )
    complaints = [
        *tolerances["encoder"].complaints("encoder", encoder),
        *tolerances["logits"].complaints("logits", logits),
    ]
    judge(complaints, force)
    _, their_seconds = timed(lambda: checkpoint.encode(clips[0]))
    _, our_seconds = timed(lambda: engine.embed(clips[0]))
    return {
        "encoder": encoder.to_dict(),
        "logits": logits.to_dict(),
        "tokens_compared": sum(len(path) + 1 for path in tokens),
        "seconds_of_audio": round(len(clips[0]) / SAMPLE_RATE, 2),
        "encoder_seconds_pytorch": round(their_seconds, 4),
        "encoder_seconds_bundle": round(our_seconds, 4),
    }


def main(arguments_given: Sequence[str] | None = None) -> int:
    """Run as a command; return its exit code."""
    parser = arguments(__doc__.splitlines()[0], QUANTIZATIONS, "int8")
    parser.add_argument(
        "--list-recipes", action=recipes.List, kind=WhisperRecipe, help="print the recipes, which SOURCE may name"
    )
    asked = parser.parse_args(arguments_given)
    if not recipes.apply(parser, asked, arguments_given, WhisperRecipe):
        return 1
    return run(export, asked)


if __name__ == "__main__":
    sys.exit(main())
