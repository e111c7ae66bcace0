"""One process that hears one set: a line of JSON a clip, and a last one that tells its peak of memory.

    python -m bench.words_process SYSTEM MODEL < CLIPS.json     # [[path, language or null], ...]

The peak is VmHWM, as in `bench/whisper_process.py`.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from bench import words_systems


def main() -> None:
    """Open, hear everything, tell."""
    name, model = sys.argv[1:]
    system, clips = words_systems.SYSTEMS[name], json.load(sys.stdin)
    if system.form == "folder":
        words_systems.without_torch()
    start = time.perf_counter()
    hear = system.open(model)
    opened = time.perf_counter() - start
    effort = words_systems.EFFORT
    for path, language in clips:
        start, windows, encoded = time.perf_counter(), effort.windows, effort.seconds
        text = hear(path, language)
        told = {
            "text": " ".join(text.split()),
            "seconds": time.perf_counter() - start,
            "windows": effort.windows - windows,
            "encoded": effort.seconds - encoded,
        }
        print(json.dumps(told), flush=True)
    peak = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))[0]
    print(json.dumps({"peak_mb": int(peak) * 1024 / 1e6, "opened": opened}), flush=True)


if __name__ == "__main__":
    main()
