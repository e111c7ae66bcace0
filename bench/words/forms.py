"""The weights of a Whisper folder as openai-whisper and as whisper.cpp read them; made once, with torch.

    python -m bench.words forms FOLDER OUT        # OUT/openai.pt in float16, OUT/ggml.bin with weights in f16

`FOLDER` is a bundle of float weights: what is stored in int8 is only what it stands for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from bench.command import parser
from bench.places import ROOT

FILES = {"openai": "openai.pt", "ggml": "ggml.bin"}


def form(folder: Path, work: Path, kind: str, python: str) -> Path:
    """Return the file of one form, made by another Python if it is missing. Raises `SystemExit` when it cannot be."""
    path = work / FILES[kind]
    if not path.exists():
        command = [python, "-m", "bench.words", "forms", str(folder), str(work)]
        environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'runtime'}", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}:\n{done.stderr[-2000:]}")
    return path


def make(folder: Path, work: Path) -> None:
    """Write both forms."""
    from bench.whisper.ggml import write_ggml
    from bench.whisper.models import save_openai
    from export.bundle_whisper import write_whisper
    from export.model_bin import ModelBin
    from malsori.bundles import open_bundle

    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / "checkpoint"
    shutil.rmtree(checkpoint, ignore_errors=True)  # what an interrupted run left
    checkpoint.mkdir()
    manifest = open_bundle(folder).manifest
    sizes = sizes_of({name: array.shape for name, array in ModelBin.read(folder / "model.bin").weights().items()})
    write_whisper(folder, replace(manifest, sizes={**manifest.sizes, **sizes}), checkpoint)
    save_openai(checkpoint, work / "unfinished.pt")
    write_ggml(work / "unfinished.pt", work / "unfinished.bin")
    (work / "unfinished.bin").rename(work / FILES["ggml"])
    (work / "unfinished.pt").rename(work / FILES["openai"])
    shutil.rmtree(checkpoint)


def sizes_of(shapes: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """Return a Hugging Face config's numbers from the shapes of CTranslate2's weights; a head has 64 dimensions."""
    vocabulary, width = shapes["decoder/embeddings/weight"]
    sizes = {
        "d_model": width,
        "num_mel_bins": shapes["encoder/conv1/weight"][1],
        "vocab_size": vocabulary,
        "max_source_positions": shapes["encoder/position_encodings/encodings"][0],
        "max_target_positions": shapes["decoder/position_encodings/encodings"][0],
    }
    for part in ("encoder", "decoder"):
        layers = {name.split("/")[1] for name in shapes if re.match(rf"{part}/layer_\d", name)}
        sizes |= {f"{part}_layers": len(layers), f"{part}_attention_heads": width // 64}
        sizes[f"{part}_ffn_dim"] = shapes[f"{part}/layer_0/ffn/linear_0/weight"][0]
    return sizes


def main() -> None:
    """Make what was asked for."""
    asking = parser(__doc__)
    asking.add_argument("folder", type=Path)
    asking.add_argument("out", type=Path)
    asked = asking.parse_args()
    make(asked.folder, asked.out)
