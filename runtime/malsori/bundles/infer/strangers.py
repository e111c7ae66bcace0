"""Describes folders and files of models that do not run here, and names the command that gets a form that does."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from .ct2_folder import SHAPE, missing_of, published
from .onnx_export import ARCHITECTURES

GGML = b"lmgg"  # 0x67676d6c, little endian, before GGUF
GGUF = b"GGUF"
SIZE = re.compile(
    r"(distil-(?:whisper-)?(?:large-v3\.5|large-v[23]|medium\.en|small\.en)|large-v3-turbo|large-v[123]|large|turbo|"
    r"(?:tiny|base|small|medium)(?:\.en)?)"
)
TRANSDUCER = ("encoder", "decoder", "join")  # joiner in sherpa-onnx, decoder_joint in NeMo
RECOMMEND = "malsori models recommend tells what does"
NEMO = f"a model of NeMo, and no form of it runs here; {RECOMMEND}"
# Forms of Whisper for other runtimes, by how a name ends or begins.
FORMS = {
    ".mlmodelc": "Core ML",
    ".mlpackage": "Core ML",
    ".tflite": "TensorFlow Lite",
    ".npz": "MLX",
    "openvino_": "OpenVINO",
}
FIELDS = (*SHAPE, "vocab_size")  # of a Whisper's config.json
WEIGHTS = ("pytorch_model", "flax_model.msgpack", "tf_model.h5")


def stranger(folder: Path) -> str:
    """Return what the folder is and what to do about it, "" where that is not known."""
    names = sorted(path.name for path in folder.iterdir())
    for known in (_plain_in_a_folder, _files, _transducer, _checkpoint, _forms, _kaldi, _ctc_parts):
        if told := known(folder, names):
            return told
    return ""


def lacking(folder: Path) -> str:
    """Return which files a download of a published model lacks, "" where it lacks none."""
    missing = missing_of(folder)
    return f"lacks {', '.join(missing)}, or is of another kind" if missing else ""


def strange_file(path: Path) -> str:
    """Return what a file is that was given as a model, and the command that gets one that runs; "" where unknown."""
    if path.suffix in (".bin", ".gguf", ".ggml") and path.is_file():
        try:
            with path.open("rb") as file:
                start = file.read(4)
        except OSError:  # not ours to read: nobody knows
            start = b""
        if start in (GGML, GGUF):
            return f"{path.name}, a model of whisper.cpp (ggml), which does not run here; {_pull(path.name)}"
    if path.suffix == ".tar":
        unbundle = f"malsori models unbundle {shlex.quote(str(path))}"
        return f"{path.name}, an archive; if it is one of models, {unbundle} installs it"
    if path.suffix == ".pt":
        return f"{path.name}, weights of openai-whisper (PyTorch), and no torch runs here; {_pull(path.name)}"
    return f"{path.name}, {NEMO}" if path.suffix == ".nemo" else ""


def _plain_in_a_folder(folder: Path, names: list[str]) -> str:
    """Return the hint for a folder with the model in a folder inside it, such as a repository in the hub's cache."""
    inner = [path for path in folder.iterdir() if path.is_dir() and (path / "model.bin").is_file()]
    inner += [path for path in folder.glob("snapshots/*") if (path / "model.bin").exists()]
    return f"is no model, but one is in it: give {inner[0]}" if inner else ""


def _files(folder: Path, names: list[str]) -> str:
    told = next(filter(None, (strange_file(folder / name) for name in names)), "")
    return f"holds {told}" if told else ""


def _transducer(folder: Path, names: list[str]) -> str:
    graphs = [name for name in names if name.endswith(".onnx")]
    if all(any(part in name for name in graphs) for part in TRANSDUCER):
        return (
            "is a transducer (encoder, decoder and joiner, as sherpa-onnx and NeMo have it), which does not run here; "
            f"CTC models and Whisper do: {RECOMMEND}"
        )
    pair = [part for part in ("encoder", "decoder") if any(part in name for name in graphs)]
    if len(pair) == 2:
        return f"is an encoder with a decoder in ONNX, of which only CTC models run here; {_pull(folder.name)}"
    return ""


def _checkpoint(folder: Path, names: list[str]) -> str:
    weights = [name for name in names if name.endswith((".safetensors", ".safetensors.index.json"))]
    weights += [name for name in names if name.startswith(WEIGHTS)]
    if not weights:
        return ""
    if "adapter_config.json" in names:
        return (
            f"holds {weights[0]}, an adapter (LoRA) without its model; merge it into that one, then convert the whole"
        )
    config = _config(folder)
    kind = config.get("model_type", "")
    if "n_audio_state" in config:
        return f"holds {weights[0]}, a Whisper for MLX, which does not run here; {_pull(folder.name)}"
    told = f"holds {weights[0]}, weights of PyTorch{f' ({kind})' if kind else ''}, and no torch runs here; "
    return told + _conversion(folder, kind, config)


def _conversion(folder: Path, kind: str, config: dict[str, Any]) -> str:
    """Return the command that converts a checkpoint into a form that runs, where there is one."""
    path = shlex.quote(str(folder))
    if kind == "whisper":
        line = f"ct2-transformers-converter --model {path} --output_dir NEW_FOLDER"
        return f"{_pull(folder.name, _published(config))}, or where there is torch: {line}"
    if kind in ARCHITECTURES:
        heads = config.get("architectures") or ["ForCTC"]
        if not any("ForCTC" in str(head) for head in heads):
            return f"it has no CTC head ({heads[0]}), so no words come out of it: {RECOMMEND}"
        return f"where there is torch, optimum-cli export onnx --model {path} NEW_FOLDER makes the form that does"
    if kind:
        return f"no form of this kind runs here: {RECOMMEND}"
    return f"Whisper and CTC models can be converted with their config.json, which is not there: {RECOMMEND}"


def _published(config: dict[str, Any]) -> str:
    """Return the name of the published Whisper with the sizes of a checkpoint's config, "" for none or several."""
    size = published(config) if all(isinstance(config.get(name), int) for name in FIELDS) else ""
    return "" if size in ("large", "distil-large") else size


def _forms(folder: Path, names: list[str]) -> str:
    for name in names:
        for mark, runtime in FORMS.items():
            if name.endswith(mark) or name.startswith(mark):
                return f"holds {name}, a model for {runtime}, which does not run here; {_pull(folder.name)}"
    return ""


def _kaldi(folder: Path, names: list[str]) -> str:
    if (folder / "am" / "final.mdl").is_file() or "final.mdl" in names:
        return f"holds final.mdl, a model of Kaldi (Vosk), and no form of it runs here; {RECOMMEND}"
    return ""


def _ctc_parts(folder: Path, names: list[str]) -> str:
    graphs = [name for name in names if name.endswith(".onnx")]
    if not graphs:
        return ""
    missing = [name for name in ("config.json", "vocab.json") if name not in names]
    if "tokens.txt" in names:
        return f"holds {graphs[0]} and tokens.txt, a model of sherpa-onnx, which does not run here; {RECOMMEND}"
    if missing:
        return (
            f"holds {graphs[0]}, but not {' and '.join(missing)}; a CTC model is model.onnx with config.json and "
            "vocab.json, as optimum-cli export onnx writes them"
        )
    return f"holds {', '.join(graphs[:3])}, and no model.onnx"


def _pull(text: str, size: str = "") -> str:
    """Return the command that gets the published model that a text names, or else the one of this `size`."""
    found = SIZE.search(text.lower())
    name = found[1] if found else size
    return f"malsori models pull {name} gets a form that does" if name else "malsori models pull lists what does"


def _config(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
