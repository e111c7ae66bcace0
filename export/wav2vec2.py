"""A Hugging Face `Wav2Vec2ForCTC` checkpoint to a `wav2vec2-ctc` bundle, with proof that the bundle says the same.

    python export/wav2vec2.py kresnik/wav2vec2-large-xlsr-korean models/xlsr-ko --quantize int8 --languages ko
    python export/wav2vec2.py xlsr-ko models/xlsr-ko    # the same, by the name of its recipe: models/xlsr-ko.toml
    python export/wav2vec2.py facebook/hubert-large-ls960-ft models/hubert --exporter optimum
    python export/wav2vec2.py ./checkpoint models/mine --quantize int8 --audio recordings/ --max-loss 0.5

Makes the graphs (see `graph/`), `vocab.json` and `manifest.json` from what `wav2vec2_checkpoint.py` reads. A folder as
source needs no network. Two proofs go into the manifest, and both can refuse the bundle: logits against PyTorch
(`wav2vec2_proof.py`), and for a quantized bundle words and speed against its own float graphs on real speech
(`speech.py`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from numpy.typing import NDArray

from export import optimum_graph, recipes
from export.common import ExportRefused, arguments, new_folder, percent_points, run, seal_with
from export.graph.choose import FORMS, OWN, choose_int8
from export.graph.linear import Float32, Int4, Linear
from export.graph.native import all_fit
from export.graph.write import write_graphs, write_half_graphs
from export.proof import proof_clips
from export.speech import prove_alone, prove_quantized
from export.wav2vec2_checkpoint import Checkpoint, write_vocabulary
from export.wav2vec2_proof import TOLERANCES, prove
from malsori.bundles import describe_files
from malsori.bundles.infer.onnx_export import VOCABULARY
from malsori.bundles.manifest import Manifest
from malsori.engines.onnx.native import native_of, why_unavailable
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.wav2vec2.graphs import ENCODER, SINGLE
from malsori.pipeline.trials import ProofLimits
from malsori.pipeline.trials.proof import Say

EXPORTERS = ("own", "optimum")
REST = "float32 for the front-end, the positional convolution and the head"
NATIVE_REST = "float32 for the first convolution, the positional one and the head"


def export(
    source: str | Path,
    out: str | Path,
    *,
    quantization: str = "none",
    name: str | None = None,
    languages: Sequence[str] | None = None,
    licence: str | None = None,
    description: str = "",
    revision: str | None = None,
    audio: Sequence[Path] = (),
    measured: dict[str, Any] | None = None,
    force: bool = False,
    exporter: str = "own",
    max_loss: float = ProofLimits().max_loss,
    allow_slower: bool = False,
    native: bool | None = None,
    say: Say = lambda label, done, total: None,
) -> Manifest:
    """Make the bundle `out` from `source` (a folder or a hub name) and return its manifest.

    `quantization` is `none`, `int8` (in the form that suits this machine best), `int4`, or `float16`, which is for GPUs
    and proven on the CPU, the graph for TensorRT included; `audio` are recordings for the proofs, or folders of them,
    instead of synthetic speech (against PyTorch) and of the shipped samples (against the float graphs); `measured` are
    figures to keep in the manifest besides the proofs; `exporter` is `own` (wav2vec2, two graphs) or `optimum` (HuBERT,
    WavLM and others, one plain graph); `max_loss` is the CER, in percent points, that quantizing may cost against the
    float graphs, and with `allow_slower` it may cost time too; `native` True makes int8 for our own operator, which is
    for machines with AVX2 and without VNNI, False for ONNX Runtime's alone, None whichever this machine computes best;
    `say` is told of the progress. Raises `ExportRefused` when `out` exists, the checkpoint cannot be served, or a proof
    is outside its limits and not forced; then nothing is left behind.
    """
    out = Path(out)
    with new_folder(out) as folder:
        say(f"loading {source}", 0, 0)
        checkpoint = Checkpoint.load(str(source), revision, exporter)
        clips = proof_clips(audio)
        say("writing the graphs", 0, 0)
        how = write(folder, checkpoint, exporter, quantization, clips[0], native)
        if "tried" in how:
            say(f"int8 as {how['weights'].partition(', float32')[0]}", 0, 0)
        stated = checkpoint.manifest()
        manifest = replace(
            stated,
            name=name or out.name,
            languages=tuple(languages or stated.languages),
            licence=licence or stated.licence,
            description=description,
            quantization=quantization,
            measured=measured or {},
            files=describe_files(folder),  # by which the engine tells the form of the graphs
        )
        engine = Wav2Vec2Engine(folder, manifest, device="cpu")
        say("comparing with PyTorch", 0, 0)
        with _naming_the_finer_form(manifest):
            proof = prove(engine, folder, checkpoint, clips, force) | {"audio": "recordings" if audio else "synthetic"}
            groups = {"proof": proof, "quantization": how}
            if quantization != "none":
                # float16 is for GPUs: what it takes on this CPU says nothing of it.
                limits = ProofLimits(max_loss, allow_slower or quantization == "float16")
                again = partial(write, checkpoint=checkpoint, exporter=exporter, quantization="none", clip=clips[0])
                groups["speech"] = prove_quantized(engine, folder, again, audio, limits, force, say)
            elif audio:
                groups["speech"] = prove_alone(engine, audio, say)
        return seal_with(folder, manifest, **groups)


@contextmanager
def _naming_the_finer_form(manifest: Manifest) -> Iterator[None]:
    """Where a bundle with our own operator is refused in this block, say which flag makes a finer one."""
    try:
        yield
    except ExportRefused as error:
        if native_of(ENCODER) not in manifest.files:
            raise
        raise ExportRefused(f"{error}; --no-native is slower here, and nearer to float32") from error


def write(
    folder: Path,
    checkpoint: Checkpoint,
    exporter: str,
    quantization: str,
    clip: NDArray[np.float32],
    native: bool | None = None,
) -> dict[str, Any]:
    """Write the graphs and the vocabulary; return what the manifest is to say of how their weights are stored."""
    _check_native(native, exporter, quantization, checkpoint)
    write_vocabulary(checkpoint, folder / VOCABULARY)
    if exporter == "optimum":
        return optimum_graph.write_graph(checkpoint.model, folder / SINGLE, quantization)
    if quantization == "float16":
        write_half_graphs(folder, checkpoint.arrays(), checkpoint.model.config)
        return {"weights": "float16", "activations": "float16"}
    linear, how = _linear(quantization, checkpoint, clip, native)
    write_graphs(folder, checkpoint.arrays(), checkpoint.model.config, linear)
    return how


def _check_native(native: bool | None, exporter: str, quantization: str, checkpoint: Checkpoint) -> None:
    """Raise `ExportRefused` where graphs with our own operator are asked for and cannot be made and proven here."""
    if not native:
        return
    if (exporter, quantization) != ("own", "int8"):
        found = f"--quantize {quantization} and --exporter {exporter}"
        raise ExportRefused(f"--native goes with --quantize int8 and --exporter own, found {found}")
    if not all_fit(checkpoint.arrays()):
        raise ExportRefused("--native needs layers whose sizes are multiples of 32; leave it out")
    if why := why_unavailable():
        raise ExportRefused(f"--native cannot be proven here: {why}")


def _linear(
    quantization: str, checkpoint: Checkpoint, clip: NDArray[np.float32], native: bool | None
) -> tuple[Linear, dict[str, Any]]:
    """Return how linear layers are to be computed, and what the manifest says of it."""
    if quantization == "none":
        return Float32(), {"weights": "float32"}
    if quantization == "int4":
        return Int4(), {"weights": f"int4 in blocks of {Int4().block}, {REST}", "activations": "dynamic int8"}
    form, trials = choose_int8(checkpoint.arrays(), checkpoint.model.config, checkpoint.features(clip), native)
    tried = {name: trial.to_dict() for name, trial in trials.items()}
    rest, activations = (NATIVE_REST, "dynamic, 7 bits in each frame") if form == OWN else (REST, "dynamic int8")
    return FORMS[form], {"weights": f"int8 ({form}), {rest}", "activations": activations, "tried": tried}


def main(arguments_given: Sequence[str] | None = None) -> int:
    """Run as a command; return its exit code."""
    parser = arguments(__doc__.splitlines()[0], tuple(TOLERANCES), "none")
    parser.add_argument(
        "--max-loss",
        type=percent_points,
        default=ProofLimits().max_loss,
        metavar="X",
        help="most that a quantized bundle's CER against the float graphs may be, in percent points (%(default)g)",
    )
    parser.add_argument(
        "--allow-slower", action="store_true", help="keep a quantized bundle that is slower than float, for its size"
    )
    parser.add_argument(
        "--native",
        action=argparse.BooleanOptionalAction,
        help="int8 for our own operator, for machines with AVX2 and without VNNI (default: what is fastest here)",
    )
    parser.add_argument("--exporter", choices=EXPORTERS, default="own", help="who writes the graph (default: own)")
    parser.add_argument(
        "--list-recipes", action=recipes.List, help="print the recipes, which SOURCE may name, and leave"
    )
    asked = parser.parse_args(arguments_given)
    if not recipes.apply(parser, asked, arguments_given, recipes.Recipe):
        return 1
    return run(export, asked)


if __name__ == "__main__":
    sys.exit(main())
