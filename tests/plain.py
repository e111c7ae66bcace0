"""Plain folders as people have them, made of the bundles of the repository: no manifest, other names. No tests here."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from malsori.bundles.infer.model_bin import SCALE, TYPES, VERSION, Header, Variable
from tests.shipped import ROOT

WHISPER = ROOT / "models" / "nano-whisper"
CTC = ROOT / "models" / "nano-ctc-ko"
NODE, WEIGHT, INPUT, OUTPUT, GRAPH = 1, 5, 11, 12, 7  # fields of onnx.proto3: of a graph, the last of a model
FLOAT, INT32 = 1, 6


def whisper_folder(folder: Path, *, vocabulary: str = "vocabulary.txt", features: bool = False) -> Path:
    """Make what faster-whisper's users have: the files of CTranslate2 and a tokenizer."""
    folder.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json", *(["preprocessor_config.json"] if features else [])):
        shutil.copyfile(WHISPER / name, folder / name)
    tokens = json.loads((WHISPER / "vocabulary.json").read_text("utf-8"))
    if vocabulary == "vocabulary.txt":
        (folder / vocabulary).write_bytes("".join(f"{token}\n" for token in tokens).encode())
    elif vocabulary:
        (folder / vocabulary).write_text(json.dumps(tokens), "utf-8")
    return folder


def ctc_folder(folder: Path, *, graph: str = "model.onnx", **config: object) -> Path:
    """Make what optimum writes: one graph from `input_values` to `logits`, with the settings of transformers beside."""
    (folder / graph).parent.mkdir(parents=True)
    (folder / graph).write_bytes(single_graph())
    shutil.copyfile(CTC / "weights.bin", (folder / graph).with_name("weights.bin"))
    shutil.copyfile(CTC / "vocab.json", folder / "vocab.json")
    manifest = json.loads((CTC / "manifest.json").read_text("utf-8"))
    vocabulary = json.loads((CTC / "vocab.json").read_text("utf-8"))
    layout = {"conv_kernel": manifest["conv_kernels"], "conv_stride": manifest["conv_strides"]}
    known = {"architectures": ["Wav2Vec2ForCTC"], "pad_token_id": vocabulary[manifest["blank"]]}
    (folder / "config.json").write_text(json.dumps({**manifest["sizes"], **layout, **known, **config}))
    tokens = {"pad_token": manifest["blank"], "word_delimiter_token": manifest["word_delimiter"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens))
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "sampling_rate": 16000}))
    return folder


def hub_repository(hub: Path, repository: str, files: Path, revision: str = "0123abcd") -> Path:
    """Put the files of a folder into a cache as the hub's client does: blobs, and links to them by name."""
    root = hub / ("models--" + repository.replace("/", "--"))
    snapshot = root / "snapshots" / revision
    for name in ("refs", "blobs"):
        (root / name).mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (root / "refs" / "main").write_text(revision)
    for index, path in enumerate(sorted(files.iterdir())):
        shutil.copyfile(path, root / "blobs" / f"{index:064x}")
        (snapshot / path.name).symlink_to(Path("../../blobs") / f"{index:064x}")
    return snapshot


def single_graph() -> bytes:
    """Return front-end and encoder of the small CTC bundle as one ONNX graph, with a mask that lets all frames pass."""
    front, encoder = (_part(CTC / name) for name in ("frontend.onnx", "encoder.onnx"))
    nodes = [_renamed(value, (1, 2, 3)) for number, value in front if number == NODE]
    weights = [_renamed(value, (8,)) for number, value in front if number == WEIGHT]
    nodes += [_node("Shape", "features", "shape", _attribute("start", 0) + _attribute("end", 2))]
    nodes += [_node("ConstantOfShape", "shape", "mask", _ones())]
    nodes += [value for number, value in encoder if number == NODE]
    weights += [value for number, value in encoder if number == WEIGHT]
    sound = next(value for number, value in front if number == INPUT)
    parts = [_message(NODE, node) for node in nodes] + [_message(2, b"main")]
    parts += [_message(WEIGHT, weight) for weight in weights] + [_message(INPUT, _renamed(sound, (1,)))]
    parts += [_message(OUTPUT, value) for number, value in encoder if number == OUTPUT and b"logits" in value]
    opsets = [_message(8, value) for number, value in _fields((CTC / "encoder.onnx").read_bytes()) if number == 8]
    return _number(1, 8) + b"".join(opsets) + _message(GRAPH, b"".join(parts))


def _part(path: Path) -> list[tuple[int, bytes]]:
    graph = next(value for number, value in _fields(path.read_bytes()) if number == GRAPH)
    assert isinstance(graph, bytes)
    return [(number, value) for number, value in _fields(graph) if isinstance(value, bytes)]


def _renamed(message: bytes, names: tuple[int, ...]) -> bytes:
    """Return a message whose fields `names`, texts, have other texts: the graphs use some names both."""
    parts = []
    for number, value in _fields(message):
        if isinstance(value, int):
            parts.append(_number(number, value))
        else:
            known = {b"audio": b"input_values", b"features": b"features", b"": b""}
            parts.append(_message(number, known.get(value, b"front/" + value) if number in names else value))
    return b"".join(parts)


def _node(operator: str, taken: str, given: str, attributes: bytes) -> bytes:
    texts = zip((1, 2, 4), (taken, given, operator), strict=True)
    return b"".join(_message(number, text.encode()) for number, text in texts) + attributes


def _attribute(name: str, value: int) -> bytes:
    return _message(5, _message(1, name.encode()) + _number(3, value) + _number(20, 2))


def _ones() -> bytes:
    tensor = _number(1, 1) + _number(2, INT32) + _message(9, (1).to_bytes(4, "little"))
    return _message(5, _message(1, b"value") + _message(5, tensor) + _number(20, 4))


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            assert tag & 7 == 2, "only numbers and messages are looked for"
            length = varint()
            yield tag >> 3, data[position : position + length]
            position += length


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _message(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def _variable(name: str, shape: tuple[int, ...], kind: str, data: bytes) -> bytes:
    return _text(name) + struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, TYPES.index(kind), len(data)) + data


def _floats(each: Variable, values: bytes, scales: bytes, kind: str) -> bytes:
    rows = np.frombuffer(values, np.int8).reshape(each.shape[0], -1)
    found: NDArray[np.float32] = rows / np.frombuffer(scales, np.float32)[:, None]
    return (found.view(np.uint32) >> 16).astype("<u2").tobytes() if kind == "bfloat16" else found.astype(kind).tobytes()


def stored_in_floats(folder: Path, kind: str = "float16") -> Path:
    """Put what a folder's int8 weights stand for in their place; return its model.bin."""
    path = folder / "model.bin"
    header, data = Header.read(path), path.read_bytes()
    arrays = {each.name: data[each.offset : each.offset + each.length] for each in header.stored}
    records = [
        _variable(each.name, each.shape, kind, _floats(each, arrays[each.name], arrays[each.name + SCALE], kind))
        if each.name + SCALE in arrays
        else _variable(each.name, each.shape, each.type, arrays[each.name])
        for each in header.stored
        if not each.name.endswith(SCALE)
    ]
    aliases = [_text(alias) + _text(name) for alias, name in header.aliases.items()]
    path.write_bytes(
        struct.pack("<I", VERSION)
        + _text(header.spec)
        + struct.pack("<II", header.revision, len(records))
        + b"".join(records)
        + struct.pack("<I", len(aliases))
        + b"".join(aliases)
    )
    return path
