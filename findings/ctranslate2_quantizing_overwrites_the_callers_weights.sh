#!/usr/bin/env bash
# ctranslate2 4.8.5: quantizing a ModelSpec writes the scaled weights into the arrays that the caller gave.
#
# A converter of one's own assigns float32 arrays to a spec (spec.weight = layer.weight.numpy()) and calls
# spec.optimize(quantization="int8"), as CTranslate2's converters do. Each row is multiplied by its scale in place before
# it is rounded, so the arrays of the model that was converted, which share their memory with it (torch's .numpy() does),
# hold numbers up to 127 afterwards: the model computes nonsense from then on, and converting it a second time, for
# another quantization or to compare with, gives weights of another size without an error. float16 and float32 leave
# the arrays alone. Copies help: spec.weight = array.copy().
#
# Seen, Python 3.11, x86-64, one LinearSpec of 4 rows with weights up to 2.7:
#   float16: the caller's array is as it was
#   int8: the caller's array goes up to 127.0
#   int8 again, from the same array: weights up to 127.0 for those of 2.7
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check ctranslate2==4.8.5 numpy==2.4.6
cat > "$folder/convert.py" <<'PY'
import numpy as np
from ctranslate2.specs.common_spec import LinearSpec


def converted(weight, quantization):
    """Quantize one layer that has the caller's array; return what its weights stand for."""
    spec = LinearSpec()
    spec.weight, spec.bias = weight, np.zeros(len(weight), np.float32)
    spec.validate()
    spec.optimize(quantization=quantization)
    stored = spec.weight.numpy().astype(np.float32)
    return stored / spec.weight_scale.numpy()[:, None] if quantization == "int8" else stored


weight = np.random.default_rng(1).normal(size=(4, 8)).astype(np.float32)
before = weight.copy()
largest = float(np.abs(before).max())
converted(weight, "float16")
print("float16: the caller's array is", "as it was" if np.array_equal(weight, before) else "another")
assert np.array_equal(weight, before)
first = converted(weight, "int8")
assert np.allclose(first, before, atol=0.02)  # what is stored is right
print(f"int8: the caller's array goes up to {np.abs(weight).max():.1f}")
assert np.abs(weight).max() > 100
second = float(np.abs(converted(weight, "int8")).max())
print(f"int8 again, from the same array: weights up to {second:.1f} for those of {largest:.1f}")
assert second > 40 * largest
PY
"$folder/venv/bin/python" "$folder/convert.py"
