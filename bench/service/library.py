"""The library call that the service is measured against, in a process of its own with nothing else in it.

python -m bench.service.library MODEL THREADS    # each line of stdin is a file; answers with seconds and text
"""

from __future__ import annotations

import json
import sys
import time

from malsori import load


def main() -> None:
    """Answer until the input ends."""
    transcriber = load(sys.argv[1], device="cpu", threads=int(sys.argv[2]))
    for line in sys.stdin:
        with open(json.loads(line), "rb") as file:
            sound = file.read()
        begun = time.perf_counter()
        heard = transcriber.transcribe(sound, language="en")
        print(json.dumps({"seconds": time.perf_counter() - begun, "text": heard.text}), flush=True)


if __name__ == "__main__":
    main()
