"""faster-whisper in a process of its own, for `peers.py`: hears the files that it is told, one after another.

PYTHON -m bench.batch.peer MODEL one|batched     # each line of stdin is a list of paths; answers with a line of JSON
"""

from __future__ import annotations

import json
import sys
import time

from bench.processes import memory_mb
from bench.whisper.peers import BATCH, BEAM, faster_model, plain


def main() -> None:
    """Answer until the input ends; the model is loaded once, before the first answer."""
    model, options = faster_model(sys.argv[1], compute_type="int8"), {"language": "en", "beam_size": BEAM}
    if sys.argv[2] == "batched":
        from faster_whisper import BatchedInferencePipeline

        model, options = BatchedInferencePipeline(model), options | {"batch_size": BATCH}
    print(json.dumps({"loaded": time.process_time()}), flush=True)
    for line in sys.stdin:
        begun, cpu = time.perf_counter(), time.process_time()
        texts = [" ".join(plain(model, path, **options)) for path in json.loads(line)]
        told = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}
        print(json.dumps(told | {"texts": texts, "peak_mb": memory_mb()}), flush=True)


if __name__ == "__main__":
    main()
