"""Models of other kinds: what a folder holds that does not run here, and the way to a form that does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

GGML = b"lmgg"  # 0x67676d6c, little endian, before GGUF
GGUF = b"GGUF"
SIZE = re.compile(r"(large-v3-turbo|large-v[123]|turbo|(?:tiny|base|small|medium)(?:\.en)?)")
TRANSDUCER = ("encoder", "decoder", "joiner")


def stranger(folder: Path) -> str:
    """Return what the folder is and what to do about it, empty where nobody knows."""
    names = sorted(path.name for path in folder.iterdir())
    for known in (_plain_in_a_folder, _files, _transducer, _checkpoint, _ctc_parts):
        if told := known(folder, names):
            return told
    return ""


def _plain_in_a_folder(folder: Path, names: list[str]) -> str:
    """The folder of a hub's model, or one above the model."""
    inner = [path for path in folder.iterdir() if path.is_dir() and (path / "model.bin").is_file()]
    inner += [path for path in folder.glob("snapshots/*") if (path / "model.bin").exists()]
    return f"is no model, but one is in it: give {inner[0]}" if inner else ""


def strange_file(path: Path) -> str:
    """Return what a file is that somebody took for a model, and the line that gets the same in a form that runs."""
    if path.suffix in (".bin", ".gguf", ".ggml") and path.is_file():
        try:
            with path.open("rb") as file:
                start = file.read(4)
        except OSError:  # not ours to read: nobody knows
            start = b""
        if start in (GGML, GGUF):
            return f"{path.name}, a model of whisper.cpp (ggml), which does not run here; {_pull(path.name)}"
    if path.suffix == ".pt":
        return f"{path.name}, weights of openai-whisper (PyTorch), and no torch runs here; {_pull(path.name)}"
    return ""


def _files(folder: Path, names: list[str]) -> str:
    told = next(filter(None, (strange_file(folder / name) for name in names)), "")
    return f"holds {told}" if told else ""


def _transducer(folder: Path, names: list[str]) -> str:
    graphs = [name for name in names if name.endswith(".onnx")]
    if all(any(part in name for name in graphs) for part in TRANSDUCER):
        return (
            "is a transducer (encoder, decoder and joiner, as sherpa-onnx has them), which does not run here; "
            "there are CTC models and Whisper: malsori models recommend"
        )
    pair = [part for part in ("encoder", "decoder") if any(part in name for name in graphs)]
    if len(pair) == 2:
        return f"is an encoder with a decoder in ONNX, of which only CTC models run here; {_pull(folder.name)}"
    return ""


def _checkpoint(folder: Path, names: list[str]) -> str:
    weights = [name for name in names if name.endswith((".safetensors", ".safetensors.index.json"))]
    weights += [name for name in names if name.startswith("pytorch_model") or name in ("flax_model.msgpack",)]
    if not weights:
        return ""
    kind = _config(folder).get("model_type", "")
    told = f"holds {weights[0]}, weights of PyTorch{f' ({kind})' if kind else ''}, and no torch runs here; "
    if kind == "whisper":
        return f"{told}{_pull(folder.name)}, or ct2-transformers-converter --model {folder} --output_dir NEW_FOLDER"
    if kind:
        return f"{told}optimum-cli export onnx --model {folder} NEW_FOLDER makes the form that does"
    return f"{told}a folder with its config.json can be converted by optimum-cli export onnx"


def _ctc_parts(folder: Path, names: list[str]) -> str:
    graphs = [name for name in names if name.endswith(".onnx")]
    if not graphs:
        return ""
    missing = [name for name in ("config.json", "vocab.json") if name not in names]
    if "tokens.txt" in names:
        return f"holds {graphs[0]} and tokens.txt, a model of sherpa-onnx, which does not run here"
    if missing:
        return (
            f"holds {graphs[0]}, but not {' and '.join(missing)}; a CTC model is model.onnx with config.json and "
            "vocab.json, as optimum-cli export onnx writes them"
        )
    return f"holds {', '.join(graphs[:3])}, and no model.onnx"


def _pull(text: str) -> str:
    found = SIZE.search(text)
    return f"malsori models pull {found[1] if found else 'NAME'} gets a form that does"


def _config(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
