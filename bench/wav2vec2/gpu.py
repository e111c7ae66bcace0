"""How many seconds of sound a GPU transcribes in one (RTFx), by length and batch, next to PyTorch in float16.

    python -m bench.wav2vec2 gpu                                      # on a GPU; writes bench/results/
    python -m bench.wav2vec2 gpu --checkpoint FOLDER                  # of these weights instead of random ones
    python -m bench.wav2vec2 gpu --device cpu --checkpoint FOLDER     # a trial of the script itself; writes nothing

Ours is the float16 bundle on CUDA, and on TensorRT where it is there; the peer is transformers with scaled dot-product
attention, in float16 on a GPU and float32 on a CPU, where torch sees the device. Without `--checkpoint` the weights are
random, in the shape of XLSR-large: time does not depend on them. Each figure runs from the samples in the host's memory
to the logits there, normalisation included. Clips of a batch are equally long, so the peer needs no mask. Making the
bundle needs the dependency group `export`; `--bundle` takes a finished one, and torch may then be absent.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import command
from bench.results import Row, alternate, row, seconds, tell, write
from malsori.bundles import read_manifest
from malsori.engines.machine.devices import cuda, tensorrt
from malsori.engines.wav2vec2.acoustic import normalize
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.errors import brief
from malsori.types import SAMPLE_RATE

LENGTHS = (0.5, 1, 2, 5, 10, 20, 30)  # seconds
BATCHES = (1, 4, 16)
RUNS = 9
WARM_UP = 3  # rounds; the first of a shape finds memory and algorithms
TARGETS = {1: "at least 2x PyTorch", 16: "at least 1.3x PyTorch"}
Clips = list[NDArray[np.float32]]
Work = Callable[[Clips], Sequence[NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: lengths in seconds, clips in a batch, rounds."""

    lengths: Sequence[float] = LENGTHS
    batches: Sequence[int] = BATCHES
    runs: int = RUNS


def rtfx(case: str, seconds: dict[str, list[float]], sound: float, target: str = "") -> Row:
    """Make the row of one batch of `sound` seconds from the seconds that each took; more is better in it."""
    times = row(case, "RTFx", "x", seconds, target=target, digits=9)
    fastest, slowest = times.spread
    return replace(
        times,
        ours=round(sound / times.ours, 1),
        peers={name: round(sound / each, 1) for name, each in times.peers.items()},
        spread=(round(sound / slowest, 1), round(sound / fastest, 1)),
    )


def rows(works: dict[str, Work], plan: Plan) -> Iterator[Row]:
    """Yield a row for each length and batch that all have room for; the key `ours` is ours."""
    for length in plan.lengths:
        for batch in plan.batches:
            clips = noise(length, batch)
            timed = {name: _timed(work, clips) for name, work in works.items()}
            case = f"{length:g} s, batch {batch}"
            try:
                took = alternate(timed, plan.runs, WARM_UP)
            except RuntimeError as error:  # of ours and of torch alike: a small GPU has no room for the largest
                print(f"{case}: left out ({brief(error)})", file=sys.stderr, flush=True)
                continue
            yield rtfx(case, took, length * batch, TARGETS.get(batch, ""))


def _timed(work: Work, clips: Clips) -> Callable[[], float]:
    return lambda: seconds(lambda: work(clips))


def noise(seconds: float, batch: int) -> Clips:
    """Return clips of one length, all different; what is in them changes no time."""
    random = np.random.default_rng(0)
    return [random.normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32) for _ in range(batch)]


def ours(bundle: Path, device: str) -> Work:
    """Return the bundle on a device."""
    engine = Wav2Vec2Engine(bundle, read_manifest(bundle), device=device)
    return lambda clips: engine.logits(clips, batch_size=len(clips))


def pytorch(checkpoint: Path, device: str) -> Work:
    """Return the checkpoint through transformers with scaled dot-product attention."""
    import torch
    from transformers import Wav2Vec2ForCTC

    dtype = torch.float16 if device == "cuda" else torch.float32
    model = Wav2Vec2ForCTC.from_pretrained(checkpoint, dtype=dtype, attn_implementation="sdpa").eval().to(device)

    def work(clips: Clips) -> Sequence[NDArray[np.float32]]:
        audio = torch.from_numpy(np.stack([normalize(clip) for clip in clips])).to(device, dtype)
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(audio).logits.float().cpu().numpy()
        return list(logits)

    return work


def has_torch(device: str) -> bool:
    """Whether torch is there and computes on the device."""
    try:
        import torch
    except ImportError:
        return False
    return device == "cpu" or bool(torch.cuda.is_available())


def random_weights(folder: Path) -> Path:
    """Write a checkpoint of random weights in the shape of XLSR-large."""
    from bench.wav2vec2.models import checkpoint

    return checkpoint(folder)


def make_bundle(checkpoint: Path, folder: Path) -> Path:
    """Export a checkpoint in float16; random weights may be outside the tolerance, which changes no time."""
    from export.wav2vec2 import export

    export(checkpoint, folder, quantization="float16", languages=["und"], force=True)
    return folder


def measure(asked: argparse.Namespace, scratch: Path) -> list[Row]:
    """Open ours and the peer, check that they say the same, and measure."""
    checkpoint = asked.checkpoint or (None if asked.bundle else random_weights(scratch / "checkpoint"))
    bundle = asked.bundle or make_bundle(checkpoint, scratch / "bundle")
    works = {"ours": ours(bundle, asked.device)}
    if asked.device == "cuda" and tensorrt("onnxruntime").usable:
        works["malsori on TensorRT"] = ours(bundle, "tensorrt")
    if checkpoint and has_torch(asked.device):
        works[f"PyTorch {'float16' if asked.device == 'cuda' else 'float32'} SDPA"] = pytorch(checkpoint, asked.device)
    check_agreement(works)
    found = []
    for each in rows(works, Plan(asked.lengths, asked.batches, asked.runs)):
        tell([each])
        found.append(each)
    if not found:
        raise SystemExit("nothing could be measured")
    return found


def check_agreement(works: dict[str, Work]) -> None:
    """Raise `SystemExit` when two of them do not compute the same: nothing could then be compared."""
    clips = noise(2, 2)
    theirs = {name: np.concatenate([*work(clips)]) for name, work in works.items()}
    for name, logits in theirs.items():
        ours = theirs["ours"]
        cosine = (ours * logits).sum() / (np.linalg.norm(ours) * np.linalg.norm(logits))
        if not cosine > 0.999:
            raise SystemExit(f"{name} and ours differ: the cosine of their logits is {cosine:.4f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the result file; on a machine without a GPU say so and write nothing."""
    parser = command.parser(__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--checkpoint", type=Path, help="a Hugging Face checkpoint's folder")
    parser.add_argument("--bundle", type=Path, help="its float16 bundle (default: made from the checkpoint)")
    parser.add_argument("--lengths", type=float, nargs="+", default=LENGTHS, metavar="SECONDS")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, metavar="CLIPS")
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args(arguments)
    if asked.device == "cuda" and not (there := cuda("onnxruntime")).usable:
        print(f"no GPU to measure on: {there.reason}{there.fix and f'; {there.fix}'}")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(asked, Path(scratch))
    if asked.device == "cuda":
        print(write("wav2vec2_gpu", found))
    return 0
