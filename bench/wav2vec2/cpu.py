"""XLSR-large on this machine's CPU: time, memory, agreement, batches and decoding, as ratios taken in one run.

    python -m bench.wav2vec2 WORK            # makes 6 GB of models in WORK on its first run; needs the group `export`
    python -m bench.wav2vec2 WORK --only memory
    python -m bench.wav2vec2 profile WORK   # where the time goes; gpu: on CUDA; decoding [BUNDLE]: the beam alone

The network has the published size and random weights (`models.py`); the sound is the samples'. Every row is
taken alternately with its peers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import command
from bench.processes import printed_json
from bench.recordings import Audio, sound
from bench.results import Row, alternate, others, row, seconds, write
from bench.wav2vec2 import decoding, models
from export.proof import compare
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine

SECONDS = (0.5, 2, 10, 30)
TARGETS = {2: "2.2x PyTorch", 10: "2.8x PyTorch, 2x optimum int8"}
MEMORY = {10: 480, 30: 600}  # MB at most, by seconds of audio
MIXED = (2.6, 9.0, 0.8, 4.1, 20.0, 1.5, 3.3, 0.5, 6.2, 2.0, 13.5, 1.1)  # seconds, in no order, as files come
BATCHES = (2, 12)
PAUSE = 0.25  # seconds, in which the threads of whoever ran before stop spinning
Work = Callable[[Audio], object]


def timed(work: Work, clip: Audio) -> Callable[[], float]:
    """Return what takes the time of `work` on a clip, in seconds."""

    def once() -> float:
        time.sleep(PAUSE)
        return seconds(lambda: work(clip))

    return once


def speed(work: Path, runs: int) -> list[Row]:
    """Time one clip at a time, ours in int8 against all peers, and say how near the results are to PyTorch's."""
    exact = models.pytorch(models.checkpoint(work / "checkpoint"))
    engines = {name: models.engine(models.bundle(work, name)) for name in ("int8", "none")}
    engines["portable"] = models.portable(models.bundle(work, "int8"))
    ours = {name: (lambda clip, engine=engine: engine.logits([clip])[0]) for name, engine in engines.items()}
    optimum = {f"optimum {name}": models.optimum(work, name) for name in ("fp32", "int8")}
    works = {"ours": ours["int8"], "PyTorch fp32": exact, "our fp32 graph": ours["none"]}
    works |= {"our int8 without our operator": ours["portable"], **optimum}
    rows = []
    for length in SECONDS:
        clip = sound(length)
        figures = alternate({name: timed(each, clip) for name, each in works.items()}, runs if length < 20 else 2)
        rows.append(row(f"{length:g} s of audio, int8", "time", "s", figures, target=TARGETS.get(length, "")))
    return [*rows, *_agreement(exact, works, sound(10))]


def _agreement(exact: Work, works: dict[str, Work], clip: Audio) -> list[Row]:
    cosines = {name: compare([exact(clip)], [each(clip)]).cosine for name, each in works.items() if each is not exact}
    lost = {name: 1 - cosine for name, cosine in cosines.items() if "int8" in name or name == "ours"}
    return [row("10 s of audio, 1 - cosine with PyTorch", "loss", "", {k: [v] for k, v in lost.items()}, digits=6)]


def four_bits(work: Path, runs: int) -> list[Row]:
    """Compare int4 with int8: time, size, and how near both come to float32."""
    names = {"ours": "int4", "int8": "int8"}
    folders = {key: models.bundle(work, name) for key, name in names.items()}
    engines = {key: models.engine(folder) for key, folder in folders.items()}
    exact, clip = models.engine(models.bundle(work, "none")), sound(10)
    reference = exact.logits([clip])
    times = alternate({key: timed(lambda c, e=e: e.logits([c]), clip) for key, e in engines.items()}, runs)
    sizes = {key: [sum(file.stat().st_size for file in folder.iterdir()) / 1e6] for key, folder in folders.items()}
    lost = {key: [1 - compare(reference, each.logits([clip])).cosine] for key, each in engines.items()}
    return [
        row("10 s of audio, int4", "time", "s", times),
        row("bundle, int4", "size", "MB", sizes, digits=0),
        row("int4, 1 - cosine with float32", "loss", "", lost, digits=5),
    ]


def memory(work: Path) -> list[Row]:
    """Peak memory of a fresh process that loads the int8 bundle and hears one clip; and what it cannot share."""
    folder, rows = models.bundle(work, "int8"), []
    for kind in ("normal", "low"):
        for length, most in MEMORY.items():
            peak, private = printed_json("-c", HEAR, str(folder), kind, str(length))
            target = f"at most {most}" if kind == "normal" else ""
            rows.append(
                row(f'{length} s, memory="{kind}"', "peak memory", "MB", {"ours": [peak]}, target=target, digits=0)
            )
            rows.append(row(f'{length} s, memory="{kind}"', "of it private", "MB", {"ours": [private]}, digits=0))
    return rows


HEAR = """
import json, sys
from pathlib import Path
import numpy as np
from bench.processes import memory_mb
from malsori.bundles import read_manifest
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
folder = Path(sys.argv[1])
engine = Wav2Vec2Engine(folder, read_manifest(folder), device="cpu", memory=sys.argv[2])
clip = np.random.default_rng(0).normal(0, 0.1, int(sys.argv[3]) * 16_000).astype(np.float32)
for _ in range(3):
    engine.transcribe([clip])
print(json.dumps([memory_mb("VmHWM"), memory_mb("RssAnon")]))
"""


def batches(work: Path, runs: int) -> list[Row]:
    """Time clips of mixed length: as the engine plans them, one by one, and padded to the longest in batches."""
    clips, rows = [sound(length) for length in MIXED], []
    for name in ("int8", "none"):
        engine = models.engine(models.bundle(work, name))
        for size in BATCHES:
            works = {
                "ours": lambda size=size, engine=engine: engine.logits(clips, size),
                "one by one": lambda engine=engine: [engine.logits([clip]) for clip in clips],
                "naive padding": lambda size=size, engine=engine: padded(engine, clips, size),
            }
            figures = alternate({key: timed(lambda _, w=w: w(), clips[0]) for key, w in works.items()}, runs, warm_up=0)
            target = "1.5x naive padding, 1x one by one" if size == BATCHES[-1] else "1x one by one"
            label = "int8" if name == "int8" else "float32"
            rows.append(
                row(f"{len(MIXED)} clips of 0.5-20 s, {label}, batch {size}", "time", "s", figures, target=target)
            )
    return rows


def padded(engine: Wav2Vec2Engine, clips: Sequence[Audio], size: int) -> None:
    """Hear the clips in the order given, `size` at a time, each batch padded to its longest: what most programs do."""
    model = engine.acoustic
    for first in range(0, len(clips), size):
        model.graphs.run(["logits"], clips[first : first + size])


def main() -> None:
    """Measure everything and write the result file."""
    parts = {
        "speed": lambda: speed(asked.work, asked.runs),
        "four_bits": lambda: four_bits(asked.work, asked.runs),
        "memory": lambda: memory(asked.work),
        "batches": lambda: batches(asked.work, max(asked.runs // 2, 1)),
        "decoding": lambda: decoding.rows(models.engine(models.bundle(asked.work, "int8"))),
    }
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path, help="folder for the models")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each comparison (%(default)s)")
    parser.add_argument("--only", choices=parts, help="one part; its rows take the place of theirs in today's result")
    asked = parser.parse_args()
    found: list[Row] = []
    for name, part in parts.items():
        if asked.only in (None, name):
            print(name, file=sys.stderr, flush=True)
            found += part()
    print(write("wav2vec2", [*found, *(others("wav2vec2", found) if asked.only else [])]))
